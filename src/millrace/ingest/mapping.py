"""The cleaning step `map`: which value stands for which, by a table in the project file or in a small file beside it.

A value without an entry sends its row to quarantine, unless `unmapped` says to keep it or to leave none: a table that
lists what may come should not let pass what it does not list. Missing values stay missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from millrace.config.schema import ColumnSettings, SourceSettings
from millrace.errors import DataError, ProjectFileError, nearest
from millrace.ingest.types import column_types, typed
from millrace.sources import open_source

#: So many entries a table may have; more of them are a table to join, not a rule.
MOST = 100_000
_WAYS = ("quarantine", "keep", "null")
_KEYS = ("values", "file", "key", "value", "unmapped")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One column's map: its new `value`, and which rows have no entry (None: such rows are no matter)."""

    value: pl.Expr
    unmapped: pl.Expr | None


def mapped(column: str, told: object, dtype: pl.DataType, at: str) -> Mapped:
    """Compile the map of one column whose `values` are known. Raises `ProjectFileError` for what is no table.

    Examples
    --------
    >>> one = mapped("plan", {"values": {"p": "pro"}, "unmapped": "keep"}, pl.String(), "sources.s")
    >>> pl.DataFrame({"plan": ["p", "basic", None]}).select(one.value).to_series().to_list()
    ['pro', 'basic', None]
    """
    said = _told(told, at)
    values, unmapped = said.get("values"), said.get("unmapped", _WAYS[0])
    unmapped = "null" if unmapped is None else unmapped
    if unmapped not in _WAYS:
        guess = nearest(str(unmapped), _WAYS)
        raise _refuse(f"`{unmapped}` is no way with values that have no entry.", at, allowed=_WAYS, nearest=guess)
    if not isinstance(values, Mapping) or not values:
        raise _refuse("`values` holds old and new values, at least one.", at, next_step="write `values: {old: new}`")
    if None in values:
        raise _refuse("A missing value has no entry.", at, next_step="write `fill: {column: value}`")
    old, new = (_literals(list(some), column, dtype, at) for some in (values.keys(), values.values()))
    if old.n_unique() != old.len():
        twice = old.filter(old.is_duplicated()).first()
        raise _refuse(f"`{twice!s}` has two entries, once they are read as values of the column.", at)
    here = pl.col(column)
    default = here if unmapped != "null" else None
    value = here.replace_strict(old, new, default=default, return_dtype=dtype)
    listed = here.is_null() | here.is_in(old.implode())
    return Mapped(value, ~listed if unmapped == "quarantine" else None)


def with_tables(name: str, settings: SourceSettings, base: Path) -> SourceSettings:
    """The settings with the entries of every `map` that names a file, which lies at a path relative to `base`.

    Raises `ProjectFileError` when the file is no table of old and new values, `SourceError` when it cannot be read.
    """
    steps = []
    for ordinal, step in enumerate(settings.clean):
        columns, at = step.get("map"), f"sources.{name}.clean[{ordinal}].map"
        if isinstance(columns, Mapping):
            steps.append({"map": {column: _whole(told, base, f"{at}.{column}") for column, told in columns.items()}})
        else:
            steps.append(step)
    return settings.model_copy(update={"clean": tuple(steps)})


def _whole(told: object, base: Path, at: str) -> object:
    said = {"file": told} if isinstance(told, str) else _told(told, at)
    if "file" not in said:
        return told
    if "values" in said:
        raise _refuse("`values` and `file` both hold the entries; only one can.", at)
    frame = _read(str(said["file"]), base, at)
    columns = list(frame.columns)
    named = [said.get("key", columns[0]), said.get("value", columns[min(1, len(columns) - 1)])]
    for one in named:
        if one not in columns:
            raise _refuse(f"`{one}` is not a column of the file.", at, columns, nearest=nearest(str(one), columns))
    entries = frame.select(pl.col(named[0]).alias("old"), pl.col(named[1]).alias("new")).unique(maintain_order=True)
    if named[0] == named[1]:
        raise _refuse("The file has one column; old and new values need two.", at)
    if entries["old"].null_count():
        raise _refuse(f"A row of the file has no `{named[0]}`.", at)
    if (twice := entries.filter(pl.col("old").is_duplicated())).height:
        raise _refuse(f"`{twice['old'][0]}` has several entries in the file.", at)
    rest = {key: value for key, value in said.items() if key == "unmapped"}
    return {"values": dict(entries.iter_rows()), **rest}


def _read(file: str, base: Path, at: str) -> pl.DataFrame:
    """The file as texts, so that codes such as 007 stay what they are."""
    where, settings = f"the file of {at}", SourceSettings.model_validate({"from": file})
    texts = dict.fromkeys(open_source(where, settings, base, None).schema(), "text")
    parts = []
    for batch in open_source(where, settings, base, texts).batches(None):  # type: ignore[arg-type]
        if batch.refused.height:
            raise DataError(f"A row cannot be read: {batch.refused['reason'][0]}", where=where, code="data.map")
        parts.append(batch.frame.cast(pl.String))
        if sum(part.height for part in parts) > MOST:
            raise _refuse(
                f"The file has more than {MOST:,} rows.", at, next_step="make it a source, and join it in `dataset`"
            )
    if not parts or not parts[0].width:
        raise _refuse("The file has no rows.", at)
    return pl.concat(parts)


def _told(told: object, at: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise _refuse(
            f"`map` takes a table or a file for each column, not {told!r}.",
            at,
            allowed=["{column: {values: {old: new}}}", "{column: {file: table.csv}}", "{column: table.csv}"],
        )
    for key in told:
        if key not in _KEYS:
            raise _refuse(
                f"`{key}` is not a key of a map.",
                at,
                allowed=_KEYS,
                nearest=nearest(str(key), _KEYS),
                next_step="write the entries below `values`",
            )
    return told


def _literals(values: list[object], column: str, dtype: pl.DataType, at: str) -> pl.Series:
    """The values as the column holds them, read as texts of a delivered column would be."""
    texts = pl.Series(column, [_text(value) for value in values], dtype=pl.String)
    (kind,) = column_types({column: dtype}).values()
    how = typed(column, pl.String(), kind, ColumnSettings.model_construct())
    if how is None:
        return texts
    frame = texts.to_frame().with_columns(how.value, how.fits.alias("fits"))
    if not frame["fits"].all():
        odd = texts.filter(~frame["fits"])[0]
        raise _refuse(
            f"`{odd}` is no value of `{column}`, whose type is {kind}.",
            at,
            next_step=f"mend the table, or state `columns: {{{column}: {{type: text}}}}`",
        )
    return frame[column]


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse(seen: str, at: str, allowed: Any = (), nearest: str | None = None, next_step: str = "") -> ProjectFileError:
    return ProjectFileError(seen, where=at, code="config.clean", allowed=allowed, nearest=nearest, next_step=next_step)
