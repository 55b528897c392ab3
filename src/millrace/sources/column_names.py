"""Which names a column can have: those that nothing reads as a pattern over columns."""

from __future__ import annotations

from collections.abc import Iterable

from millrace.errors import SourceError

#: Records with more fields than this are no table.
MOST_COLUMNS = 16_384


def check_names(names: Iterable[str], where: str) -> None:
    """Raise `SourceError` for a name that stands for no column or for many: none, `*`, or `^…$`.

    Examples
    --------
    >>> check_names(["a.b", "a*", "; drop table x"], "orders")
    """
    for name in names:
        if name and name != "*" and not (name.startswith("^") and name.endswith("$")):
            continue
        seen = f"The column name `{name}` reads as a pattern over all columns" if name else "A column has no name"
        raise SourceError(
            f"{seen}, so it cannot be used.",
            where=where,
            code="source.column-name",
            next_step="rename the column in the data, in a `query`, or by `names` for a file without a header",
        )
