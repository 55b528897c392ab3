"""Rows that come as Python objects or as frames of any types, as the columns of a source.

A column's type is found once; later values that do not fit are told beside their rows, and columns that come later
stand behind the others: the source's contract says what becomes of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate, count
from types import MappingProxyType
from typing import Any

import msgspec
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError, nearest
from millrace.sources.base import Refusal, misfits, refused
from millrace.sources.column_names import MOST_COLUMNS, check_names
from millrace.sources.column_types import DTYPES, is_marker, kind_of, parse

_KINDS: Mapping[pl.DataType, ColumnType] = {dtype: kind for kind, dtype in DTYPES.items()}
_NUMERIC = ("number", "integer")
_DEEPEST = 100


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its inner objects' fields as its own, named by their path; lists stay, as do very deep objects.

    Examples
    --------
    >>> flat({"id": 1, "address": {"city": "Ulm", "geo": {"lat": 48.4}}, "tags": ["a"]})
    {'id': 1, 'address.city': 'Ulm', 'address.geo.lat': 48.4, 'tags': ['a']}
    """
    if dict not in map(type, record.values()):
        return dict(record)
    found: dict[str, Any] = {}
    _flatten(record, "", found, 0)
    return found


def _flatten(record: Mapping[str, Any], prefix: str, found: dict[str, Any], depth: int) -> None:
    for name, value in record.items():
        path = prefix + name
        if type(value) is dict and value and depth < _DEEPEST:
            _flatten(value, path + ".", found, depth + 1)
        elif path not in found:
            found[path] = value
        else:
            found[next(free for n in count(2) if (free := f"{path}_{n}") not in found)] = value


def raw_frame(records: Sequence[Mapping[str, Any]], names: Iterable[str]) -> pl.DataFrame:
    """The values of `records` under `names`: typed where all of a column have one type, else as texts."""
    columns = {name: _column(name, [record.get(name) for record in records]) for name in names}
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=len(records))


def plain_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame of any types as one of those that a table holds: nested values as JSON, moments in UTC."""
    return pl.DataFrame([_plain(column) for column in frame.get_columns()])


def names_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every field, in order of appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def found_types(frame: pl.DataFrame, settings: SourceSettings, where: str) -> dict[str, ColumnType]:
    """The columns with their types, as the settings state them or as `frame`, the first rows, shows them.

    A column that the settings give a type is taken although no row has it: APIs leave out what has no value. One
    without any value is not, where it is an object in other rows, whose fields are columns of their own. Raises
    `SourceError` for a column name that cannot be used, and for a stated one that is neither there nor typed.
    """
    _check_names(frame.columns, where)
    kinds: dict[str, ColumnType] = {}
    for column in frame.get_columns():
        stated = _stated(column.name, settings)
        if stated is None and _absent_object(column, frame.columns):
            continue
        kinds[column.name] = stated or _inferred(_unmarked(column, settings))
    for name, said in settings.columns.items():
        if name in kinds:
            continue
        if said.type is None:
            raise SourceError(
                f"`columns` names `{name}`, which is not in the data.",
                where=where,
                code="source.column",
                allowed=kinds,
                nearest=nearest(name, kinds),
            )
        kinds[name] = said.type
    return kinds


def typed(
    frame: pl.DataFrame, schema: Mapping[str, ColumnType], settings: SourceSettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`frame` with its columns of `schema` in those types, then those that `schema` lacks; and the values that misfit.

    A column that `schema` lacks and that has no value is left out: it tells nothing.
    """
    columns, odd = [], [misfits()]
    for name, kind in schema.items():
        if name not in frame.columns:
            continue
        given = frame[name]
        if deferred(name, settings):
            columns.append(_texts(given))
            continue
        held = _unmarked(given, settings) if kind != "text" else given
        final = _as(held, kind)
        columns.append(final)
        if final.null_count() > held.null_count():
            at = (final.is_null() & held.is_not_null()).arg_true()
            odd.append(pl.select(at=at, column=pl.lit(name), text=given.gather(at).cast(pl.String)))
    new = [one for one in frame.get_columns() if one.name not in schema and one.null_count() < len(one)]
    return pl.DataFrame([*columns, *new]), pl.concat(odd)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows in the types of their source, with `misfits` as a batch has them, and what is no row."""

    frame: pl.DataFrame
    misfits: pl.DataFrame
    refused: tuple[Refusal, ...] = ()

    def __len__(self) -> int:
        return self.frame.height + len(self.refused)


def part(
    frame: pl.DataFrame,
    schema: Mapping[str, ColumnType],
    settings: SourceSettings,
    where: str,
    void: Mapping[int, Refusal] = MappingProxyType({}),
) -> Part:
    """The rows of `frame` in the types of `schema`, without those that are `void`.

    Raises `SourceError` for a new column with a name that cannot be used.
    """
    absent = list(void)
    there = frame.filter(_but(absent, frame.height)) if absent else frame
    final, odd = typed(there, schema, settings)
    _check_names([name for name in final.columns if name not in schema], where)
    return Part(final, odd, tuple(void[row] for row in sorted(absent)))


@dataclass(frozen=True, slots=True)
class Joined:
    """What a batch holds of several parts."""

    frame: pl.DataFrame
    refused: pl.DataFrame
    misfits: pl.DataFrame | None


def joined(parts: Sequence[Part], schema: Mapping[str, ColumnType], settings: SourceSettings, before: int) -> Joined:
    """The rows of `parts`; what is no row is numbered on from `before`."""
    rows = (row for one in parts for row in one.refused)
    bad = refused(replace(row, line=number) for number, row in enumerate(rows, before + 1))
    starts = accumulate((one.frame.height for one in parts), initial=0)
    moved = zip(parts, starts, strict=False)
    odd = pl.concat(one.misfits.with_columns((pl.col("at") + start).cast(pl.UInt32)) for one, start in moved)
    seen = dict.fromkeys(name for one in parts for name in one.frame.columns)
    new = [name for name in seen if name not in schema]
    frames = [one.frame for one in parts]
    for name in new:
        dtype = _common({frame.schema[name] for frame in frames if name in frame.columns})
        frames = [frame.cast({name: dtype}) if name in frame.columns else frame for frame in frames]
    every = pl.concat(frames, how="diagonal").select(*(name for name in schema if name in seen), *new)
    dated = [_dated(every[name]) for name in new if _stated(name, settings) is None]
    return Joined(every.with_columns(dated), bad, odd if odd.height else None)


def _common(dtypes: set[pl.DataType]) -> pl.DataType:
    """What holds the values of a new column, whose parts have these types."""
    if len(dtypes) == 1:
        return next(iter(dtypes))
    return pl.Float64() if dtypes == {pl.Int64(), pl.Float64()} else pl.String()


def _dated(column: pl.Series) -> pl.Series:
    """Texts that all are dates, as those."""
    return _as(column, _inferred(column))


def _but(rows: Iterable[int], height: int) -> pl.Series:
    """True for every index below `height` but for `rows`."""
    return pl.Series([True]).new_from_index(0, height).scatter(list(rows), False)


def deferred(name: str, settings: SourceSettings) -> bool:
    """Whether cleaning types the column's texts, as the settings state a format, or a type and markers."""
    column = settings.columns.get(name)
    if column is None:
        return False
    return column.worded or (column.type is not None and bool(column.missing or settings.missing))


def text(value: Any) -> str | None:
    """A value as text; what is neither text nor number, as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else msgspec.json.encode(value, enc_hook=str).decode()


def _column(name: str, values: list[Any]) -> pl.Series:
    """One column; texts where the values' types have nothing in common."""
    types = frozenset(map(type, values)) - {type(None)}
    for among, dtype in _HOMOGENEOUS:
        if types and types <= among and not (bool in types and len(types) > 1):
            try:
                return _plain(pl.Series(name, _utc(values) if datetime in types else values, dtype=dtype))
            except (OverflowError, pl.exceptions.PolarsError, TypeError):
                break
    return pl.Series(name, [text(value) for value in values], dtype=pl.String)


def _utc(values: list[Any]) -> list[Any]:
    return [value.astimezone(UTC).replace(tzinfo=None) if value and value.tzinfo else value for value in values]


_HOMOGENEOUS: tuple[tuple[frozenset[type], pl.DataType], ...] = (
    (frozenset({str}), pl.String()),
    (frozenset({bool}), pl.Boolean()),
    (frozenset({int}), pl.Int64()),
    (frozenset({int, float}), pl.Float64()),
    (frozenset({datetime}), pl.Datetime("us")),
    (frozenset({date}), pl.Date()),
)


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype in _KINDS:
        return column
    if isinstance(dtype, pl.Datetime):
        moved = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else column
        return moved.cast(pl.Datetime("us"))
    if dtype.is_integer():
        whole = column.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == column.null_count() else column.cast(pl.String)
    if dtype.is_float() or dtype.is_decimal():
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return column.cast(pl.String)
    return pl.Series(column.name, [text(value) for value in column.to_list()], dtype=pl.String)


def _as(given: pl.Series, kind: ColumnType) -> pl.Series:
    """The values as `kind`; null where one is none."""
    if given.dtype == DTYPES[kind]:
        return given.fill_nan(None) if kind == "number" else given
    if kind == "text":
        return _texts(given)
    if given.dtype == pl.String:
        return parse(given, kind)
    if kind == "number" and given.dtype == pl.Int64:
        return given.cast(pl.Float64)
    if kind == "integer" and given.dtype == pl.Float64:
        whole = given.cast(pl.Int64, strict=False)
        return whole.set((whole.cast(pl.Float64) != given).fill_null(value=True), None)
    return parse(_texts(given), kind)


def _texts(given: pl.Series) -> pl.Series:
    return given if given.dtype == pl.String else given.cast(pl.String)


def _inferred(column: pl.Series) -> ColumnType:
    """Texts are texts, unless they all are dates: a source that has types says what is a number."""
    kind = _KINDS[column.dtype]
    if kind == "text":
        kind = kind_of(column) or "text"
        return kind if kind in {"date", "datetime"} else "text"
    return kind


def _absent_object(column: pl.Series, names: Sequence[str]) -> bool:
    return column.null_count() == len(column) and any(name.startswith(f"{column.name}.") for name in names)


def _stated(name: str, settings: SourceSettings) -> ColumnType | None:
    column = settings.columns.get(name)
    return column.kind if column else None


def _unmarked(given: pl.Series, settings: SourceSettings) -> pl.Series:
    """Without the texts that mean 'no value'."""
    column = settings.columns.get(given.name)
    markers = (*settings.missing, *(column.missing if column else ()))
    return given.set(is_marker(given, markers), None) if markers and given.dtype == pl.String else given


def _check_names(names: Sequence[str], where: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise SourceError(
            f"The records have {len(names):,} different fields; a table has at most {MOST_COLUMNS:,} columns.",
            where=where,
            code="source.columns",
            next_step="state `record`: the path to the list of records",
        )
    check_names(names, where)
