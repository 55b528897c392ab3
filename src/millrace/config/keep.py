"""What a source must state so that the latest row of each key can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from millrace.errors import ProjectFileError


def check_keep(
    keep: str,
    key: str | tuple[str, ...] | None,
    cursor: str | None,
    clean: Iterable[Mapping[str, Any]],
    unique: Iterable[tuple[str, ...]],
) -> None:
    """Raise `ProjectFileError` where `keep: latest` has nothing to go by, or another rule says which row stays."""
    if keep != "latest":
        return
    for name, value in (("key", key), ("cursor", cursor)):
        if not value:
            raise ProjectFileError(
                f"`keep: latest` needs `{name}`, which is not stated.",
                code="config.keep",
                allowed=["key: the columns that identify a row", "cursor: the column that tells which is newer"],
                next_step=f"add `{name}: <column>`",
            )
    others = [name for name, there in (("drop_duplicates", _drops(clean)), ("unique", any(unique))) if there]
    if others:
        raise ProjectFileError(
            f"`keep: latest` keeps the newest row of a key and `{others[0]}` the first; only one can be meant.",
            code="config.keep",
            next_step=f"remove `{others[0]}`",
        )


def _drops(clean: Iterable[Mapping[str, Any]]) -> bool:
    return any("drop_duplicates" in step for step in clean)
