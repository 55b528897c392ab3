"""A column as the model sees it: one array of numbers with NaN, or one of texts with null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from millrace.errors import DataError
from millrace.records.signature import Field

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_DAY = 86_400_000_000


def numbers(column: pl.Series, field: Field) -> NDArray[np.float64]:
    """The column in the unit that enters the graph, float64 ``[rows]``, missing as NaN.

    Dates as days and datetimes as seconds since 1970, booleans as 0 and 1; texts are read as what the field is, since
    a log may keep values the way they arrived. Raises `DataError` for a column that holds no such values.
    """
    import polars as pl

    if column.dtype == pl.Float64 and not column.null_count():
        return column.to_numpy()
    if column.dtype == pl.String and field.type in {"date", "datetime"}:
        column = column.str.to_datetime(strict=False, time_unit="us", time_zone="UTC")
    elif column.dtype == pl.String and field.type == "boolean":
        column = column.str.to_lowercase().replace_strict({"true": 1.0, "false": 0.0}, default=None)
    if column.dtype.is_temporal():
        moments = column.cast(pl.Datetime("us")).to_physical().cast(pl.Float64)
        column = moments / (_DAY if field.type == "date" else 1_000_000)
    if column.dtype.is_nested():
        raise DataError(
            f"Column `{column.name}` holds {column.dtype}, not {field.type} values.",
            where="profile",
            code="data.type",
        )
    return column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def texts(column: pl.Series) -> pl.Series:
    """The column as texts, the empty one as null; booleans as ``true`` and ``false``."""
    import polars as pl

    if column.dtype.is_nested():
        raise DataError(f"Column `{column.name}` holds {column.dtype}, not texts.", where="profile", code="data.type")
    words = column.cast(pl.String)
    return words.set(words == "", None)
