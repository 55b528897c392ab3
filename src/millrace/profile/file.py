"""A profile as the JSON that rests in a package."""

from __future__ import annotations

import msgspec

from millrace.errors import PackageError
from millrace.records.profile import FORMAT, Profile


def encode(profile: Profile) -> bytes:
    """The profile as JSON, keys in a fixed order."""
    return msgspec.json.encode(profile)


def decode(content: bytes, where: str = "profile.json") -> Profile:
    """The profile written in `content`. Raises `PackageError` when it is not one this version can read."""
    try:
        found = msgspec.json.decode(content)
        newer = isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT
        profile = None if newer else msgspec.convert(found, Profile)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise PackageError(f"The profile cannot be read: {error}", where=where, code="package.profile") from error
    if profile is None:
        raise PackageError(
            f"This profile has format {found['format']}; this Millrace reads up to {FORMAT}.",
            where=where,
            code="package.format",
            next_step="pip install --upgrade millrace",
        )
    for name, column in profile.columns.items():
        cells = len(column.values if column.kind == "category" else column.edges) + 1
        if len(column.counts) != cells or sum(column.counts) != column.present:
            raise PackageError(
                f"The counts of column `{name}` do not fit its cells and rows.", where=where, code="package.profile"
            )
    return profile
