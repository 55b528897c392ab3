"""What a careful reader would point at, one sentence each, the gravest first."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.explore.associations import Associations
from millrace.explore.columns import Column

_MOSTLY = 0.5
_TELLS_ALL = 0.97
_RARE = 0.05
_MOST_FAR = 0.01


def warnings(columns: Sequence[Column], found: Associations, repeated: int, target: str | None) -> tuple[str, ...]:
    """Sentences about columns that hold nothing, hold too much, or repeat another; `target` is what is predicted."""
    said = [*_about_target(columns, found, target)]
    rows = columns[0].rows if columns else 0
    if repeated:
        said.append(f"{repeated:,} of {rows:,} rows repeat another in every column.")
    for column in columns:
        if column.missing == column.rows:
            said.append(f"`{column.name}` has no value at all.")
        elif column.constant:
            said.append(f"`{column.name}` always has the same value.")
        elif column.share_missing > _MOSTLY:
            said.append(f"`{column.name}` is missing in {column.share_missing:.0%} of the rows.")
        elif column.kind == "text" and column.distinct == column.rows:
            said.append(f"`{column.name}` is different in every row, as identifiers are.")
        if column.far > _MOST_FAR * column.rows:
            said.append(f"`{column.name}` has {column.far:,} values far from the others (beyond 3 quartile ranges).")
    return (*said, *_twins(found, target))


def _about_target(columns: Sequence[Column], found: Associations, target: str | None) -> list[str]:
    if target is None:
        return []
    said = [
        f"`{name}` alone almost tells `{target}` ({found.between(name, target):.2f} of 1): is it known beforehand?"
        for name in found.names
        if name != target and found.between(name, target) >= _TELLS_ALL
    ]
    column = next((one for one in columns if one.name == target), None)
    if column is not None and column.kind == "category" and column.top:
        value, rarest = column.top[-1]
        share = rarest / max(column.rows - column.missing, 1)
        if share < _RARE:
            said.append(f"The class `{value}` of `{target}` is rare: {rarest:,} rows ({share:.1%}).")
    if column is not None and column.missing:
        said.append(f"`{target}` is missing in {column.missing:,} rows; nothing can be learned from those.")
    return said


def _twins(found: Associations, target: str | None) -> list[str]:
    return [
        f"`{one}` and `{other}` tell nearly the same ({found.between(one, other):.2f} of 1)."
        for i, one in enumerate(found.names)
        for other in found.names[:i]
        if target not in (one, other) and found.between(one, other) >= _TELLS_ALL
    ]
