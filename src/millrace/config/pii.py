"""Which columns hold personal values, and where such a column cannot stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from millrace.errors import ProjectFileError


def check_pii(
    pii: Mapping[str, str],
    key: str | tuple[str, ...] | None,
    cursor: str | None,
    clean: Iterable[Mapping[str, Any]],
    unique: Iterable[tuple[str, ...]] = (),
) -> None:
    """Raise `ProjectFileError` where a source uses a personal column for what its protected values cannot do.

    What is compared with the rows of earlier ingests must stay the same, and tell rows apart: only hashes do. A cursor
    is written down as it is.
    """
    if cursor in pii:
        raise _refuse(
            f"The cursor `{cursor}` is written down as it is, so it cannot be in `pii`.", "use another cursor"
        )
    named = [value for step in clean for name, value in step.items() if name == "drop_duplicates"]
    identity = {
        column for value in (*named, key or (), *unique) for column in ((value,) if isinstance(value, str) else value)
    }
    for column in sorted(set(pii) if "all" in named else identity & set(pii)):
        if pii[column] != "hash":
            what = "rows could not be told apart by it" if pii[column] != "encrypt" else "it changes when keys rotate"
            raise _refuse(f"`{column}` identifies rows; with `{pii[column]}`, {what}.", f"write `{column}: hash`")


def _refuse(seen: str, next_step: str) -> ProjectFileError:
    return ProjectFileError(seen, code="config.pii", next_step=next_step)
