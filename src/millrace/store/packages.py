"""The package registry: complete packages by name and version, the manifest written last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from millrace.errors import PackageError
from millrace.records.package import FORMAT, Manifest, PackageInfo
from millrace.store.objects import Store

MANIFEST = "manifest.json"


def publish(store: Store, manifest: Manifest, files: Mapping[str, bytes]) -> tuple[Manifest, PackageInfo]:
    """Write a package under the next free version of its name; give the manifest as written, and where it rests.

    The version and the checksums of `manifest` are filled in here. The version is reserved by creating its first
    object, so two writers never share one; a package without manifest (its writer died) is never listed.
    """
    version = max(_taken(store, manifest.name), default=0) + 1
    while not store.create(f"packages/{manifest.name}/{version}/.reserved", b""):
        version += 1
    folder = f"packages/{manifest.name}/{version}"
    for name, content in files.items():
        store.write(f"{folder}/{name}", content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    complete = replace(manifest, version=version, files=checksums)
    store.write(f"{folder}/{MANIFEST}", encode(complete))
    return complete, PackageInfo(manifest.name, version, store.at(folder))


def versions(store: Store, name: str) -> tuple[int, ...]:
    """Which complete versions of package `name` rest here, ascending."""
    keys = (key.split("/") for key in store.keys(f"packages/{name}"))
    return tuple(sorted(int(parts[2]) for parts in keys if len(parts) == 4 and parts[3] == MANIFEST))


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
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


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
    except (msgspec.DecodeError, msgspec.ValidationError, TypeError, ValueError) as error:
        raise PackageError(f"The manifest cannot be read: {error}", where=where, code="package.manifest") from error


def _taken(store: Store, name: str) -> set[int]:
    return {int(key.split("/")[2]) for key in store.keys(f"packages/{name}") if key.split("/")[2].isdigit()}
