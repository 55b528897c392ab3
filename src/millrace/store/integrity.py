"""Whether the folder of a package holds exactly what its manifest promises."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from millrace.errors import PackageError, TamperedError
from millrace.records.package import Manifest
from millrace.store.objects import Store
from millrace.store.packages import MANIFEST, RESERVED, decode
from millrace.store.remote import is_remote
from millrace.store.signing import SIGNATURE, Trust, sign


class _Folder:
    """The files of a package in a local folder."""

    def __init__(self, place: str) -> None:
        self._folder = Path(place)

    def names(self) -> Mapping[str, bool]:
        """What is there, and whether it is a plain file."""
        return {entry.name: entry.is_file() and not entry.is_symlink() for entry in self._folder.iterdir()}

    def read(self, name: str) -> bytes | None:
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None


class _Prefix:
    """The files of a package below a prefix of an object store."""

    def __init__(self, place: str) -> None:
        self._store = Store(place)

    def names(self) -> Mapping[str, bool]:
        return {key: "/" not in key for key in self._store.keys("")}

    def read(self, name: str) -> bytes | None:
        return self._store.read(name)


def open_folder(place: str | Path, trust: Trust | None = None) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest of the package at `place`, and the very bytes of every file it names, each read once and checked.

    `place` is a folder, or a prefix of an object store. With `trust`, the signature is checked before even the manifest
    is parsed. Raises `TamperedError` when a file differs from its SHA-256, is
    missing, surplus or not a plain file (links are refused, even to the right bytes) or is not
    signed as asked, and `PackageError` when no
    package is there or one that is too new.
    """
    folder = _opened(place)
    written = _manifest(place, folder)
    if trust is not None:
        trust.check(written, folder.read(SIGNATURE), str(place))
    return _checked(place, folder, written)


def sign_folder(place: str | Path, key: str | Path) -> Manifest:
    """Sign the package at `place` with the private key in the file `key`, once every file of it was checked.

    An older signature is replaced. Raises as `open_folder` does, and `PackageError` when the key is none.
    """
    folder = _opened(place)
    written = _manifest(place, folder)
    manifest, _ = _checked(place, folder, written)
    Store(str(place)).write(SIGNATURE, sign(written, key))
    return manifest


def _checked(place: str | Path, folder: _Folder | _Prefix, written: bytes) -> tuple[Manifest, Mapping[str, bytes]]:
    manifest = decode(written, str(place))
    for name in manifest.files:
        if name in {"", ".", "..", MANIFEST, SIGNATURE} or "/" in name or "\\" in name or "\0" in name:
            raise _tampered(place, f"The manifest names {name!r}, which is not a plain file name.")
    present = folder.names()
    _complete(place, present, set(manifest.files))
    if RESERVED in present and folder.read(RESERVED):
        raise _tampered(place, f"{RESERVED} is not empty.")
    files = {name: folder.read(name) or b"" for name in manifest.files}
    for name, content in files.items():
        expected, found = manifest.files[name], hashlib.sha256(content).hexdigest()
        if found != expected:
            raise _tampered(
                place,
                f"{name} differs from the checksum in the manifest: expected sha256 {expected}, found {found}.",
            )
    return manifest, files


def read_manifest(place: str | Path) -> Manifest:
    """The manifest of a package, its files not looked at. Raises `PackageError` when there is none to read."""
    return decode(_manifest(place, _opened(place)), str(place))


def _manifest(place: str | Path, folder: _Folder | _Prefix) -> bytes:
    content = folder.read(MANIFEST)
    if content is None:
        raise PackageError(
            "This folder holds no complete package: it has no manifest.json.",
            where=str(place),
            code="package.unknown",
            allowed=["the folder of one version, such as store/packages/churn/3"],
        )
    return content


def _opened(place: str | Path) -> _Folder | _Prefix:
    return _Prefix(str(place)) if is_remote(str(place)) else _Folder(str(place))


def _complete(place: str | Path, present: Mapping[str, bool], expected: set[str]) -> None:
    """Refuse a folder that holds anything but the expected files."""
    for name, plain in present.items():
        if not plain:
            raise _tampered(place, f"{name} is not a plain file.")
    if missing := sorted(expected - present.keys()):
        raise _tampered(place, f"{missing[0]} is in the manifest and not in the folder.")
    if surplus := sorted(present.keys() - expected - {MANIFEST, SIGNATURE, RESERVED}):
        raise _tampered(place, f"{surplus[0]} is in the folder and not in the manifest.")


def _tampered(place: str | Path, seen: str) -> TamperedError:
    return TamperedError(seen, where=str(place), next_step="get the package again from where it was published")
