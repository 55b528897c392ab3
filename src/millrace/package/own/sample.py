"""What somebody's sample of rows says about the model that takes such rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from millrace.config.schema import SourceSettings
from millrace.errors import UsageError, nearest
from millrace.inference.columns import text_of
from millrace.package.frame import tabular
from millrace.records.signature import Field, FieldType, Signature
from millrace.sources import open_source

#: A column with more values than this, most of them once, is not a category whose values are worth listing.
_CATEGORIES = 1000
_KINDS: Mapping[Any, FieldType] = MappingProxyType({pl.Boolean: "boolean", pl.String: "category"})


@dataclass(frozen=True, slots=True)
class Sample:
    """The inputs of some rows as a Polars frame, the truth if it is known, and how the estimator wants its rows."""

    rows: pl.DataFrame
    truth: Sequence[Any] | None
    like: Any

    @classmethod
    def of(cls, given: Any, target: str | None, truth: Any) -> Sample:
        """Read a frame (Polars or pandas), or an array of numbers ``[rows, columns]``.

        A column named `target` is the truth, unless `truth` says it. Raises `UsageError` for anything else.
        """
        if isinstance(given, np.ndarray):
            if given.ndim != 2 or given.dtype.kind not in "fiub":
                seen = f"The sample is an array of {given.dtype} with {given.ndim} dimensions."
                raise UsageError(seen, where="package", allowed=["a frame", "numbers in two dimensions"])
            rows = pl.DataFrame({f"x{i}": given[:, i] for i in range(given.shape[1])})
        elif hasattr(given, "columns"):
            rows = tabular(given)
        else:
            seen = f"The sample is a {type(given).__name__}."
            raise UsageError(seen, where="package", allowed=["a Polars or pandas frame", "an array of numbers"])
        rows = rows.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
        if truth is None and target in rows.columns:
            truth = rows[target].to_list()
        inputs = rows.drop(target) if target in rows.columns else rows
        return cls(inputs, None if truth is None else list(truth), given)

    def ordered(self, estimator: Any) -> Sample:
        """The columns that the estimator was fitted on, in its order. Raises `UsageError` when one is missing."""
        names = [str(name) for name in getattr(estimator, "feature_names_in_", [])]
        if missing := [name for name in names if name not in self.rows.columns]:
            raise UsageError(
                f"The sample has no column {missing[0]}, which the estimator was fitted on.",
                where="package",
                code="package.sample",
                allowed=self.rows.columns,
                nearest=nearest(missing[0], self.rows.columns),
            )
        return replace(self, rows=self.rows.select(names)) if names else self

    def restored(self, rows: pl.DataFrame) -> Any:
        """Rows as the estimator saw them in training: the same kind of frame or array.

        What is missing is an empty text where the sample has those and nothing else missing.
        """
        for name in rows.columns:
            seen = self.rows[name]
            if seen.dtype == pl.String and not seen.null_count() and (seen == "").any():
                rows = rows.with_columns(pl.col(name).fill_null(""))
        if isinstance(self.like, np.ndarray):
            return rows.to_numpy().astype(np.float64)
        if isinstance(self.like, pl.DataFrame | pl.LazyFrame):
            return rows
        columns = {name: rows[name].to_list() for name in rows.columns}
        made = type(self.like)(columns)
        for name in rows.columns:
            try:
                made[name] = made[name].astype(self.like[name].dtype)
            except (TypeError, ValueError):  # a missing value where the column had none
                continue
        return made


def read_sample(path: str) -> pl.DataFrame:
    """All rows of a file, typed as its reader finds them. Raises `SourceError` when there is no such file."""
    source = open_source("sample", SourceSettings(**{"from": path}), Path.cwd())
    return pl.concat([batch.frame for batch in source.batches(None)], how="diagonal_relaxed")


def fields_of(rows: pl.DataFrame, types: Mapping[str, FieldType]) -> tuple[Field, ...]:
    """The inputs, typed as their columns are, or as `types` says. Raises `UsageError` for a type no graph takes."""
    if unknown := sorted(types.keys() - set(rows.columns)):
        raise UsageError(
            f"`types` names {unknown[0]}, which is no column of the sample.",
            where="package",
            allowed=rows.columns,
            nearest=nearest(unknown[0], rows.columns),
        )
    return tuple(_field(rows[name], types.get(name)) for name in rows.columns)


def _field(column: pl.Series, wanted: FieldType | None) -> Field:
    kind = wanted or _kind(column)
    field = Field(column.name, kind)
    seen = column.drop_nulls()
    if field.numeric:
        known = seen.cast(pl.Float64).drop_nans()
        finite = known.filter(known.is_finite())
        if finite.is_empty():
            return field
        middle = float(finite.median())  # type: ignore[arg-type]
        example: Any = {"boolean": bool(round(middle)), "integer": int(middle)}.get(kind, middle)
        return replace(field, low=float(finite.min()), high=float(finite.max()), example=example)  # type: ignore[arg-type]
    texts = seen.cast(pl.String).filter(seen.cast(pl.String) != "")
    counts = texts.value_counts(sort=True)
    if kind == "category" and counts.height <= max(_CATEGORIES, texts.len() // 2):
        field = replace(field, categories=tuple(counts[column.name].to_list()))
    return replace(field, example=counts[column.name][0]) if counts.height else field


def _kind(column: pl.Series) -> FieldType:
    if column.dtype.is_integer():
        return "integer"
    if column.dtype.is_numeric() or column.dtype == pl.Null:
        return "number"
    if column.dtype in _KINDS:
        return _KINDS[column.dtype]
    raise UsageError(
        f"Column {column.name} of the sample holds {column.dtype}.",
        where="package",
        code="package.sample",
        allowed=["numbers", "booleans", "texts"],
        next_step="make numbers of dates before the pipeline, or let Millrace train on them",
    )


def signature_of(estimator: Any, fields: tuple[Field, ...], target: str, positive: Any) -> Signature:
    """What the estimator takes and gives. Raises `UsageError` when `positive` is none of its classes."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return Signature("regression", target, fields)
    names = tuple(text_of(one) for one in np.asarray(classes).tolist())
    if len(names) != 2:
        return Signature("multiclass", target, fields, names)
    wanted = names[1] if positive is None else text_of(positive)
    if wanted not in names:
        raise UsageError(
            f"`positive` is {wanted}, and the model has no such class.",
            where="package",
            allowed=names,
            nearest=nearest(wanted, names),
        )
    return Signature("binary", target, fields, names if wanted == names[1] else names[::-1], wanted)
