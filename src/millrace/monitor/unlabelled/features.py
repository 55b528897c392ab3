"""Rows as a matrix of numbers for small models about them: is this row usual, is its answer likely wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from millrace.records.fit import Answer
from millrace.records.profile import Profile
from millrace.records.signature import Field, Signature

if TYPE_CHECKING:
    import polars as pl

#: Rows that a small model learns from, or looks at, at most.
MOST_ROWS = 5000


def matrix(rows: pl.DataFrame, signature: Signature, reference: Profile, answer: Answer | None = None) -> np.ndarray:
    """One column per input, float64 ``[rows, inputs]``, NaN where a value is missing; with `answer` what was said too.

    Numbers as they are, times as seconds, a category as its rank among those of `reference` (unknown ones together),
    a text as its length.
    """
    columns = [_column(rows[field.name], field, reference) for field in signature.inputs]
    if answer is not None:
        columns += _said(answer)
    return np.column_stack(columns) if columns else np.zeros((rows.height, 1))


def outside(rows: pl.DataFrame, signature: Signature, reference: Profile) -> np.ndarray:
    """Which rows hold a value beyond all that the model was trained on, or a category that it never saw: bool."""
    found = np.zeros(rows.height, dtype=bool)
    for field in signature.inputs:
        known = reference.columns[field.name]
        if known.kind == "number" and known.low is not None and known.high is not None:
            values = _column(rows[field.name], field, reference)
            with np.errstate(invalid="ignore"):
                found |= (values < known.low) | (values > known.high)
        elif known.kind == "category" and not known.counts[-1]:  # else some of its values are known together alone
            found |= _column(rows[field.name], field, reference) == len(known.values)
    return found


def _column(values: pl.Series, field: Field, reference: Profile) -> np.ndarray:
    import polars as pl

    known = reference.columns[field.name]
    if known.kind == "category":
        codes = {value: float(place) for place, value in enumerate(known.values)}
        text = values.cast(pl.String)
        coded = text.replace_strict(codes, default=float(len(codes)), return_dtype=pl.Float64) if codes else None
        ranked = pl.Series([0.0]).new_from_index(0, len(values)) if coded is None else coded
        return ranked.set(text.is_null(), None).to_numpy().astype(np.float64)
    if known.kind == "text":
        return values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()
    if values.dtype.is_temporal():
        return (values.cast(pl.Datetime("us")).cast(pl.Int64) / 1e6).to_numpy()
    return values.cast(pl.Float64, strict=False).to_numpy()


def _said(answer: Answer) -> list[np.ndarray]:
    if answer.probabilities is not None:
        return list(np.asarray(answer.probabilities, np.float64)[:, 1:].T)
    return [np.asarray(answer.value, np.float64)]
