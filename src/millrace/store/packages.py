"""The package registry: complete packages by name and version, the manifest written last."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from millrace.errors import PackageError
from millrace.records.package import FORMAT, Manifest, PackageInfo
from millrace.store.objects import Store

MANIFEST = "manifest.json"
#: Created first of all in a version's folder, and always empty.
RESERVED = ".reserved"

#: Writes a file that speaks about the package itself, its version and checksums among them.
Describe = Callable[[Manifest], bytes]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def publish(
    store: Store, manifest: Manifest, files: Mapping[str, bytes], described: Mapping[str, Describe] | None = None
) -> tuple[Manifest, PackageInfo]:
    """Write a package under the next free version of its name; give the manifest as written, and where it rests.

    The version and the checksums of `manifest` are filled in here; `described` are files made from it once they are.
    The version is reserved by creating its first object, so two writers never share one; a package without manifest
    (its writer died) is never listed. Raises `PackageError` when the name cannot be a folder's.

    Examples
    --------
    >>> import tempfile
    >>> from millrace.records.evaluation import Evaluation
    >>> from millrace.records.signature import Signature
    >>> store = Store(tempfile.mkdtemp())
    >>> signature, evaluation = Signature("regression", "price", ()), Evaluation("regression", {}, "rmse", 0)
    >>> draft = Manifest("rent", 0, "r1", "2026-01-01T00:00:00Z", signature, evaluation, {})
    >>> publish(store, draft, {"model.onnx": b"graph"})[1].version
    1
    >>> versions(store, "rent")
    (1,)
    """
    if not _NAME.fullmatch(manifest.name):
        raise PackageError(
            f"{manifest.name!r} cannot name a package.",
            where="packages",
            code="package.name",
            allowed=["letters, digits, dot, dash and underscore, the first a letter or digit"],
        )
    version = max(_taken(store, manifest.name), default=0) + 1
    while not store.create(f"packages/{manifest.name}/{version}/{RESERVED}", b""):
        version += 1
    folder = f"packages/{manifest.name}/{version}"
    numbered = replace(manifest, version=version, files=_checksums(files))
    contents = {**files, **{name: describe(numbered) for name, describe in (described or {}).items()}}
    for name, content in contents.items():
        store.write(f"{folder}/{name}", content)
    complete = replace(numbered, files=_checksums(contents))
    store.write(f"{folder}/{MANIFEST}", encode(complete))
    return complete, PackageInfo(manifest.name, version, store.at(folder))


def versions(store: Store, name: str) -> tuple[int, ...]:
    """Which complete versions of package `name` rest here, ascending."""
    keys = (key.split("/") for key in store.keys(f"packages/{name}"))
    return tuple(sorted(int(parts[2]) for parts in keys if _is_manifest(parts)))


def find(store: Store, name: str, version: int) -> PackageInfo:
    """Where a version rests. Raises `PackageError` when it does not exist."""
    known = versions(store, name)
    if version not in known:
        raise PackageError(
            f"Package {name} has no version {version}.",
            where="packages",
            code="package.unknown",
            allowed=[str(v) for v in known],
            next_step="millrace run",
        )
    return PackageInfo(name, version, store.at(f"packages/{name}/{version}"))


def encode(manifest: Manifest) -> bytes:
    """The manifest as indented JSON, keys in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(manifest, enc_hook=_plain), indent=2)


def decode(content: bytes, where: str) -> Manifest:
    """The manifest written in `content`. Raises `PackageError` when it is not one this version can read."""
    try:
        found = msgspec.json.decode(content)
        if isinstance(found, dict) and int(found.get("format", 0)) > FORMAT:
            raise PackageError(
                f"This package has format {found['format']}; this Millrace reads up to {FORMAT}.",
                where=where,
                code="package.format",
                next_step="pip install --upgrade millrace",
            )
        return msgspec.convert(found, Manifest)
    except (
        msgspec.DecodeError,
        msgspec.ValidationError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        raise PackageError(f"The manifest cannot be read: {error}", where=where, code="package.manifest") from error


def _plain(value: object) -> object:
    """A NumPy scalar as a plain number."""
    if hasattr(value, "item"):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} has no place in a manifest")


def _checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _is_manifest(parts: list[str]) -> bool:
    return len(parts) == 4 and parts[2].isdigit() and parts[3] == MANIFEST


def _taken(store: Store, name: str) -> set[int]:
    return {int(key.split("/")[2]) for key in store.keys(f"packages/{name}") if key.split("/")[2].isdigit()}
