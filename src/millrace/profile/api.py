"""Drift between any two sets of rows: no project, no package, no model needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millrace.errors import UsageError
from millrace.profile.build import TOP, profile
from millrace.profile.drift import drift as compare
from millrace.records.monitoring import ColumnDrift, Drift
from millrace.records.signature import Field, FieldType, Signature

if TYPE_CHECKING:
    import polars as pl


def drift(reference: Any, current: Any, *, alpha: float = 0.05) -> Drift:
    """Which columns of `current` are distributed otherwise than in `reference`, and how far.

    The verdict does not depend on the number of rows: an alarm must be significant over all columns together and far
    enough to matter (see `millrace.profile.drift`). Each call is one look: who looks daily at `alpha` 0.05 sees a
    false alarm every 20 days at most, on average.

    Parameters
    ----------
    reference, current
        Polars or pandas frames, or mappings from names to values; compared are the columns that both have. Numbers,
        booleans, dates and datetimes are compared as numbers, texts by value, or by length when most rows have a
        text of their own.
    alpha
        The chance, from 0 to 1, that unchanged rows give any alarm at all.

    Raises
    ------
    UsageError
        When the frames share no column that can be compared, or `alpha` is not between 0 and 1.

    Examples
    --------
    >>> found = drift({"age": list(range(20, 60)) * 10}, {"age": list(range(30, 70)) * 10})
    >>> found.drifted, list(found.columns)
    (True, ['age'])
    """
    if not 0 < alpha < 1:
        raise UsageError(f"`alpha` is {alpha}.", where="drift", allowed=["a chance between 0 and 1, such as 0.05"])
    before, now = _frame(reference), _frame(current)
    fields = [
        Field(name, kind) for name in before.columns if name in now.columns and (kind := _kind(before, now, name))
    ]
    if not fields:
        raise UsageError(
            "The two sets of rows share no column that can be compared.", where="drift", allowed=before.columns
        )
    signature = Signature("regression", "", tuple(fields))
    known = profile(before, signature)
    columns = compare(known, profile(now, signature, known), alpha)
    left_out = sorted({*before.columns, *now.columns} - columns.keys())
    rows = (before.height, now.height)
    return Drift(any(c.alarmed for c in columns.values()), _verdict(columns, rows), columns, rows, tuple(left_out))


def _verdict(columns: dict[str, ColumnDrift], rows: tuple[int, int]) -> str:
    alarmed = [column for column in columns.values() if column.alarmed]
    sizes = f"{rows[1]:,} rows against {rows[0]:,}"
    if not alarmed:
        return f"None of {len(columns)} columns drifted ({sizes})."
    return f"{len(alarmed)} of {len(columns)} columns drifted ({sizes}), first {alarmed[0].alarms[0].evidence}."


def _kind(before: pl.DataFrame, now: pl.DataFrame, name: str) -> FieldType | None:
    """How a column is compared; None for types that are no single values."""
    import polars as pl

    column = before[name] if before[name].dtype != pl.Null else now[name]
    if column.dtype.is_numeric() or column.dtype == pl.Null:
        return "number"
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype == pl.Date:
        return "date"
    if column.dtype == pl.Datetime:
        return "datetime"
    if isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum):
        different = column.n_unique()
        return "text" if different > max(TOP, (column.len() - column.null_count()) / 2) else "category"
    return None


def _frame(data: Any) -> pl.DataFrame:
    import polars as pl

    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return pl.DataFrame([_pandas(data[name], str(name)) for name in data.columns])
    return pl.DataFrame(data, strict=False)


def _pandas(column: Any, name: str) -> pl.Series:
    """A pandas column, without the Arrow bridge that would need a further library."""
    import polars as pl

    kind = getattr(column.dtype, "kind", "O")
    if kind in "iuf":
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    if kind == "M":
        return pl.Series(name, column.to_numpy(dtype="datetime64[us]"))
    return pl.Series(name, column.to_numpy(dtype=object, na_value=None).tolist(), strict=False)
