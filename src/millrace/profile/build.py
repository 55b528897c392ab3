"""From rows to their profile, in one pass."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from millrace.errors import DataError, nearest
from millrace.profile import cells
from millrace.profile.columns import numbers, texts
from millrace.records.fit import Answer
from millrace.records.profile import LABEL, PROBABILITY, VALUE, ColumnProfile, Profile
from millrace.records.signature import Field, Signature

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

#: Values of a category that are counted one by one; the rest is counted together.
TOP = 100
#: How many values that the reference does not know are kept as examples.
STRANGERS = 5
#: Numbers beyond it, infinity among them, are counted in the outer cells alone: their squares are no numbers.
_HUGE = 1e150
#: Values that are worth a further thread.
_FOR_A_THREAD = 500_000


def profile(
    frame: pl.DataFrame, signature: Signature, reference: Profile | None = None, *, answer: Answer | None = None
) -> Profile:
    """What the inputs of `frame`, and the model's `answer`, look like.

    Without `reference` the cells are chosen from these rows; with it, its cells are used, so that the two profiles can
    be compared and profiles of parts can be merged. `frame` holds the signature's inputs (further columns are left
    out). `answer` need not be of the same rows: for a reference, take the answers to held-out rows, since a model is
    surer of rows it was trained on. Raises `DataError` when an input is not in `frame`.

    Examples
    --------
    >>> import polars as pl
    >>> signature = Signature("regression", "price", (Field("rooms", "integer"),))
    >>> profile(pl.DataFrame({"rooms": [2, 2, 3, None] * 5}), signature).columns["rooms"].counts
    (0, 10, 0, 5, 0)
    """
    known = set(frame.columns)
    for field in signature.inputs:
        if field.name not in known:
            raise DataError(
                f"The rows have no column `{field.name}`, an input of the model.",
                where="profile",
                code="data.column",
                allowed=frame.columns,
                nearest=nearest(field.name, frame.columns),
            )
    abreast = min(os.cpu_count() or 1, 1 + frame.height * len(signature.inputs) // _FOR_A_THREAD)
    columns = dict(_each_column(frame, signature, reference, abreast))
    if answer is not None:
        columns |= _answer(answer, signature, reference)
    return Profile(columns)


def _each_column(
    frame: pl.DataFrame, signature: Signature, reference: Profile | None, abreast: int
) -> Iterator[tuple[str, ColumnProfile]]:
    """The inputs' names and profiles, `abreast` of them at a time: counting leaves Python."""

    def one(field: Field) -> tuple[str, ColumnProfile]:
        return field.name, _column(frame[field.name], field, _known(reference, field.name))

    if abreast == 1:
        yield from map(one, signature.inputs)
        return
    with ThreadPoolExecutor(abreast) as pool:
        yield from pool.map(one, signature.inputs)


def _known(reference: Profile | None, name: str) -> ColumnProfile | None:
    if reference is None:
        return None
    if name not in reference.columns:
        raise DataError(
            f"The reference profile has no column `{name}`.",
            where="profile",
            code="data.column",
            allowed=reference.columns,
            nearest=nearest(name, reference.columns),
        )
    return reference.columns[name]


def _column(column: pl.Series, field: Field, known: ColumnProfile | None) -> ColumnProfile:
    if field.numeric:
        return _numbers(numbers(column, field), known)
    words = texts(column)
    return _lengths(words, known) if field.type == "text" else _categories(words, known)


def _numbers(values: NDArray[np.float64], known: ColumnProfile | None) -> ColumnProfile:
    present = values[~np.isnan(values)]
    finite = present[np.abs(present) < _HUGE]
    ends = cells.edges(finite) if known is None else known.edges
    mean = float(finite.mean()) if finite.size else 0.0
    return ColumnProfile(
        kind="number",
        rows=values.size,
        missing=values.size - present.size,
        counts=cells.count(present, ends),
        edges=ends,
        finite=finite.size,
        mean=mean,
        m2=float(np.square(finite - mean).sum()),
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
    )


def _lengths(words: pl.Series, known: ColumnProfile | None) -> ColumnProfile:
    import polars as pl

    lengths = words.str.len_chars().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return replace(_numbers(lengths, known), kind="text")


def _categories(words: pl.Series, known: ColumnProfile | None) -> ColumnProfile:
    import polars as pl

    counted = words.alias("value").value_counts(name="rows").drop_nulls()
    if known is None:
        top = counted.sort(["rows", "value"], descending=[True, False]).head(TOP)
        values = tuple(top["value"].to_list())
    else:
        values = known.values
    rows_of = dict(counted.filter(pl.col("value").is_in(values)).iter_rows())
    each = [rows_of.get(value, 0) for value in values]
    strangers = counted.filter(~pl.col("value").is_in(values))["value"].bottom_k(STRANGERS).sort()
    present = words.len() - words.null_count()
    return ColumnProfile(
        kind="category",
        rows=words.len(),
        missing=words.null_count(),
        counts=(*each, present - sum(each)),
        values=values,
        strangers=tuple(strangers.to_list()) if known else (),
    )


def _answer(answer: Answer, signature: Signature, reference: Profile | None) -> Mapping[str, ColumnProfile]:
    """The columns of the answer; with a reference those that it has, since it may have been made without answers."""
    import polars as pl

    known = None if reference is None else reference.columns
    columns: dict[str, ColumnProfile] = {}
    if answer.label is not None and (known is None or LABEL in known):
        names = pl.Series(signature.classes, dtype=pl.String).gather(answer.label)
        columns[LABEL] = _categories(names, None if known is None else known[LABEL])
    sure = {VALUE: answer.value}
    if answer.probabilities is not None:
        binary = signature.task == "binary"
        sure[PROBABILITY] = answer.probabilities[:, 1] if binary else answer.probabilities.max(axis=1)
    for name, numbers_ in sure.items():
        if numbers_ is not None and (known is None or name in known):
            columns[name] = _numbers(numbers_.astype(np.float64), None if known is None else known[name])
    return columns
