"""How a frame becomes the two matrices a package's graph takes, as training reads the same frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from millrace.errors import RequestError
from millrace.inference.words import plain_words
from millrace.records.signature import Field, Signature


def matrices(frame: pl.DataFrame, signature: Signature) -> tuple[np.ndarray, np.ndarray]:
    """``numbers`` float64 ``[rows, numeric fields]`` and ``texts`` object ``[rows, other fields]``.

    Dates are days and datetimes seconds since 1970, booleans 0 or 1; null is NaN or the empty text; other values of
    categories are their texts, whole numbers without a decimal point; texts are their plain words. Columns that the
    signature does not name are ignored. Raises `RequestError` when a column has another type than its field.

    Examples
    --------
    >>> from datetime import date
    >>> fields = (Field("born", "date"), Field("plan", "category"))
    >>> frame = pl.DataFrame({"plan": ["gold", None], "born": [date(1970, 1, 3), None]})
    >>> numbers, texts = matrices(frame, Signature("regression", "price", fields))
    >>> numbers.tolist(), texts.tolist()
    ([[2.0], [nan]], [['gold'], ['']])
    """
    numbers = np.full((frame.height, len(signature.numbers)), np.nan)
    texts = np.full((frame.height, len(signature.texts)), "", dtype=object)
    known = set(frame.columns)
    for matrix, fields, read in ((numbers, signature.numbers, _numbers), (texts, signature.texts, _texts)):
        for place, field in enumerate(fields):
            if field.name in known:
                matrix[:, place] = read(frame[field.name], field)
    return numbers, texts


def demand(numbers: np.ndarray, texts: np.ndarray, signature: Signature) -> None:
    """Raise `RequestError` where a required value is missing from matrices as `matrices` gives them."""
    for matrix, fields in ((numbers, signature.numbers), (texts, signature.texts)):
        for place, field in enumerate(fields):
            missing = np.isnan(matrix[:, place]) if field.numeric else matrix[:, place] == ""
            if field.required and missing.any():
                raise RequestError(
                    "It has no value, and the model needs it.",
                    code="request.missing",
                    row=int(missing.argmax()),
                    field=field.name,
                )


def tabular(rows: Any) -> pl.DataFrame:
    """`rows` as a Polars frame: one already, a pandas frame, a mapping of columns or a sequence of mappings.

    Examples
    --------
    >>> tabular([{"age": 41}, {"age": None}]).to_dict(as_series=False)
    {'age': [41, None]}
    """
    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, pl.LazyFrame):
        return rows.collect()
    if hasattr(rows, "isna") and hasattr(rows, "columns"):
        return pl.DataFrame({str(name): _pandas(rows[name]) for name in rows.columns}, strict=False)
    return pl.DataFrame(rows, infer_schema_length=None)


def _pandas(column: Any) -> list[object]:
    """A pandas column as plain values; pandas has several missing ones, some of which equal nothing."""
    return [None if gone else value for value, gone in zip(column.tolist(), column.isna().tolist(), strict=True)]


def _numbers(series: pl.Series, field: Field) -> np.ndarray:
    kind = series.dtype
    if field.type == "date" and kind == pl.Date:
        return _floats(series.cast(pl.Int32))
    if field.type == "datetime" and isinstance(kind, pl.Datetime):
        return _floats(series.dt.cast_time_unit("us").cast(pl.Int64)) / 1e6
    plain = kind.is_numeric() or kind in (pl.Boolean, pl.Null)
    if not plain or (field.type in ("date", "datetime") and kind != pl.Null):
        raise RequestError(f"It holds {kind}.", code="request.type", allowed=[_ALLOWED[field.type]], field=field.name)
    return _floats(series)


def _floats(series: pl.Series) -> np.ndarray:
    if series.dtype == pl.Float64 and not series.null_count():
        return series.to_numpy()
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _texts(series: pl.Series, field: Field) -> np.ndarray:
    if series.dtype.is_nested() or series.dtype == pl.Binary:
        raise RequestError(f"It holds {series.dtype}.", code="request.type", allowed=["texts"], field=field.name)
    if series.dtype.is_float():
        texts = series.fill_nan(None).cast(pl.String).str.strip_suffix(".0")
    else:
        texts = series.cast(pl.String)
    values = texts.fill_null("").to_list()
    return np.array(values if field.type == "category" else [plain_words(text) for text in values], dtype=object)


_ALLOWED = {
    "number": "numbers",
    "integer": "whole numbers",
    "boolean": "booleans, or 0 and 1",
    "date": "dates",
    "datetime": "datetimes",
}
