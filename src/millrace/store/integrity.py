"""Whether the folder of a package holds exactly what its manifest promises."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from millrace.errors import PackageError, TamperedError
from millrace.records.package import Manifest
from millrace.store.packages import MANIFEST, RESERVED, decode


def open_folder(folder: Path) -> tuple[Manifest, Mapping[str, bytes]]:
    """The manifest of a local package, and the very bytes of every file it names, each read once and checked.

    Raises `TamperedError` when a file differs from its SHA-256, is missing, surplus or not a plain file (links are
    refused, even to the right bytes), and `PackageError` when the folder holds no package or one that is too new.
    """
    manifest = read_manifest(folder)
    for name in manifest.files:
        if name in {"", ".", "..", MANIFEST} or "/" in name or "\\" in name or "\0" in name:
            raise _tampered(folder, f"The manifest names {name!r}, which is not a plain file name.")
    _complete(folder, set(manifest.files))
    files = {name: (folder / name).read_bytes() for name in manifest.files}
    for name, content in files.items():
        expected, found = manifest.files[name], hashlib.sha256(content).hexdigest()
        if found != expected:
            raise _tampered(
                folder,
                f"{name} differs from the checksum in the manifest: expected sha256 {expected}, found {found}.",
            )
    return manifest, files


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a local package, its files not looked at. Raises `PackageError` when there is none to read."""
    path = folder / MANIFEST
    if not path.is_file():
        raise PackageError(
            "This folder holds no complete package: it has no manifest.json.",
            where=str(folder),
            code="package.unknown",
            allowed=["the folder of one version, such as store/packages/churn/3"],
        )
    return decode(path.read_bytes(), str(folder))


def _complete(folder: Path, expected: set[str]) -> None:
    """Refuse a folder that holds anything but the expected files."""
    present = {entry.name: entry for entry in folder.iterdir()}
    for name, entry in present.items():
        if entry.is_symlink() or not entry.is_file():
            raise _tampered(folder, f"{name} is not a plain file.")
    if RESERVED in present and present[RESERVED].stat().st_size:
        raise _tampered(folder, f"{RESERVED} is not empty.")
    if missing := sorted(expected - present.keys()):
        raise _tampered(folder, f"{missing[0]} is in the manifest and not in the folder.")
    if surplus := sorted(present.keys() - expected - {MANIFEST, RESERVED}):
        raise _tampered(folder, f"{surplus[0]} is in the folder and not in the manifest.")


def _tampered(folder: Path, seen: str) -> TamperedError:
    return TamperedError(seen, where=str(folder), next_step="get the package again from where it was published")
