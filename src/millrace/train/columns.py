"""Which columns a model may use, and as what: each becomes a field, or is dropped with a note that says why."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError, nearest
from millrace.records.signature import Field, FieldType
from millrace.train.encode import numbers, texts

MAX_CATEGORIES = 1000
_ID_NAME = re.compile(
    r"(^|[\W_])(id|uuid|guid|key|index|row|rownum|row_?number)$|^(id|uuid|guid)([\W_]|$)", re.IGNORECASE
)
_ID_CAMEL = re.compile(r"[a-z](ID|Id|Key|UUID)$")
#: A text column is free text rather than categories when most values differ and they run to this many words.
_FREE_TEXT_WORDS = 3.0
#: Words are counted in so many texts, spread evenly.
_READ = 20_000


def type_columns(frame: pl.DataFrame, settings: ModelSettings) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The usable columns as fields (name and type alone), and notes that name the dropped ones.

    Left out: the target, `settings.drop`, the columns that split the rows, empty and constant columns, identifiers,
    and types that are neither numbers, times nor texts.

    Raises
    ------
    TrainingError
        `settings.drop` names a column that is not there, or no usable column is left.

    Examples
    --------
    >>> frame = pl.DataFrame({"id": ["a", "b"], "age": [31, 40], "unit": ["mm", "mm"], "ok": [True, False]})
    >>> fields, notes = type_columns(frame, ModelSettings(predict="ok"))
    >>> [(field.name, field.type) for field in fields]
    [('age', 'integer')]
    >>> for note in notes:
    ...     print(note)
    `id` is not used: it identifies rows (every value is different).
    `unit` is not used: it is `mm` in every row.
    """
    for name in settings.drop:
        if name not in frame.columns:
            raise TrainingError(
                f"There is no column `{name}` to drop.",
                where="model.drop",
                code="train.no-column",
                allowed=frame.columns,
                nearest=nearest(name, frame.columns),
            )
    fields, notes = [], []
    for name in frame.columns:
        if name == settings.predict:
            continue
        reason = _stated(name, settings) or _unusable(frame[name])
        if not reason and (kind := _field_type(frame[name])):
            fields.append(Field(name, kind))
        else:
            notes.append(f"`{name}` is not used: {reason}.")
    if not fields:
        raise TrainingError(
            f"No column is left to predict `{settings.predict}` from. " + " ".join(notes),
            where="model",
            code="train.no-features",
        )
    return tuple(fields), tuple(notes)


def describe(frame: pl.DataFrame, fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields with what the training rows say of them: bounds, categories (most frequent first), an example."""
    return tuple(_numeric(frame, field) if field.numeric else _textual(frame, field) for field in fields)


def _stated(name: str, settings: ModelSettings) -> str:
    if name in settings.drop:
        return "the project file drops it"
    if name == settings.split.time and name not in settings.features.moments:
        return "it orders the split in time"
    if name == settings.split.group:
        return "it groups the rows of the split"
    if name == settings.split.column:
        return "it says which part of the split a row is in"
    return ""


def _unusable(series: pl.Series) -> str:
    """Why a column cannot be used; empty when it can."""
    present = series.drop_nulls()
    if series.dtype.is_float():
        present = present.drop_nans()
    elif series.dtype == pl.String:
        present = present.filter(present != "")
    if present.is_empty():
        return "it has no value in any row"
    if _field_type(series) is None:
        return f"its values are of type {series.dtype}"
    if len(present) == len(series) and bool((series == present[0]).all()):
        return f"it is `{present[0]}` in every row"
    if not series.dtype.is_float() and present.n_unique() == len(present) and _identifies(present):
        return "it identifies rows (every value is different)"
    return ""


def _identifies(distinct: pl.Series) -> bool:
    """Whether a column of distinct values names its rows instead of describing them."""
    if distinct.dtype == pl.String:
        return not is_free_text(distinct)
    if not distinct.dtype.is_integer():
        return False
    steps = np.diff(distinct.to_numpy())
    counts_rows = bool((steps == 1).all() or (steps == -1).all())
    named = bool(_ID_NAME.search(distinct.name) or _ID_CAMEL.search(distinct.name))
    return len(distinct) > 2 and (counts_rows or named)


def is_free_text(present: pl.Series) -> bool:
    """Whether texts (none of them null) are sentences rather than names: most differ, and they run to several words.

    Examples
    --------
    >>> is_free_text(pl.Series(["Oil prices rise again on Friday", "Late goal wins the cup"]))
    True
    >>> is_free_text(pl.Series(["New York", "San Francisco"]))
    False
    """
    words = present.gather_every(max(1, len(present) // _READ)).str.count_matches(r"\S+").mean()
    return words is not None and float(str(words)) > _FREE_TEXT_WORDS and present.n_unique() > len(present) / 2


def _field_type(series: pl.Series) -> FieldType | None:
    """What a column is to a model; None for values that no encoding takes."""
    match series.dtype:
        case pl.Boolean():
            return "boolean"
        case pl.Date():
            return "date"
        case pl.Datetime():
            return "datetime"
        case pl.String():
            return "text" if is_free_text(series.drop_nulls()) else "category"
        case pl.Categorical() | pl.Enum():
            return "category"
    return "integer" if series.dtype.is_integer() else "number" if series.dtype.is_numeric() else None


def _numeric(frame: pl.DataFrame, field: Field) -> Field:
    values = numbers(frame, field.name)
    values = values[np.isfinite(values)]
    if not len(values):
        return field
    example = frame[field.name].drop_nulls().sort()
    middle = example[len(example) // 2]
    typical = middle if isinstance(middle, bool | int | float) else str(middle)
    return Field(field.name, field.type, low=float(values.min()), high=float(values.max()), example=typical)


def _textual(frame: pl.DataFrame, field: Field) -> Field:
    values = texts(frame, field.name)
    present = values.filter(values != "")
    if field.type == "text":
        return Field(field.name, field.type, example=present[0] if len(present) else None)
    counts = present.value_counts().sort(["count", field.name], descending=[True, False])
    categories = tuple(counts[field.name].head(MAX_CATEGORIES))
    return Field(field.name, field.type, categories=categories, example=categories[0] if categories else None)
