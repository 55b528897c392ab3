"""Which type texts safely have, and the values they then stand for.

Safe means that no text changes its meaning: ``007`` stays text, as do ``+49 30`` and ``yes``; an integer too large for
64 bits stays text rather than losing digits; ``nan`` is a marker, not a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from millrace.config.schema import ColumnType

#: How each column type rests in a table.
DTYPES: Mapping[ColumnType, pl.DataType] = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "text": pl.String(),
}

MEANING: Mapping[ColumnType, str] = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date such as 2024-12-31",
    "datetime": "a date and time such as 2024-12-31 23:59:00",
    "text": "text",
}

_DATETIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d",
)
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_EXACT = 2.0**53
#: Fewer rows are not worth a look of their own.
_SMALL_ROWS = 20_000


def parse(values: pl.Series, kind: ColumnType) -> pl.Series:
    """The values that texts stand for as `kind`; null where a text is none (or was null).

    Examples
    --------
    >>> parse(pl.Series(["1", " 2 ", "1.5", "x"]), "integer").to_list()
    [1, 2, None, None]
    >>> parse(pl.Series(["2024-05-01T10:00:00+02:00"]), "datetime").to_list()
    [datetime.datetime(2024, 5, 1, 8, 0)]
    """
    parsed = _PARSERS[kind](values)
    if parsed.null_count() == values.null_count():
        return parsed
    return parsed.fill_null(_PARSERS[kind](values.str.strip_chars())) if kind != "text" else parsed


def converted(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Values that are no texts in another type; null where they have none there, as a fraction has no whole number.

    Examples
    --------
    >>> converted(pl.Series([1.0, 1.5]), pl.Int64()).to_list()
    [1, None]
    """
    final = values.cast(dtype, strict=False)
    if not (values.dtype.is_float() and dtype.is_integer()):
        return final
    return final.zip_with(final.cast(values.dtype) == values, pl.Series([None], dtype=dtype))


def kind_of(values: pl.Series) -> ColumnType | None:
    """The narrowest type that every text of `values` safely has; None when there is no value.

    Examples
    --------
    >>> [kind_of(pl.Series(v)) for v in (["1", "2"], ["1", "2.5"], ["007", "8"], ["2024-01-31"], ["yes", "no"])]
    ['integer', 'number', 'text', 'date', 'text']
    """
    present = values.drop_nulls()
    if present.is_empty():
        return None
    head = present.head(200)
    order: tuple[ColumnType, ...] = ("integer", "number", "boolean", "date", "datetime")
    return next((kind for kind in order if _fits(head, kind) and _fits(present, kind)), "text")


def widest(one: ColumnType | None, other: ColumnType | None) -> ColumnType | None:
    """The narrowest type that holds what both hold; None stands for no value seen.

    Examples
    --------
    >>> widest("integer", "number"), widest("date", "integer"), widest(None, "date")
    ('number', 'text', 'date')
    """
    if one is None or other is None or one == other:
        return one or other
    pair = {one, other}
    if pair == {"integer", "number"}:
        return "number"
    return "datetime" if pair == {"date", "datetime"} else "text"


def infer(frames: Iterable[pl.DataFrame], missing: Mapping[str, tuple[str, ...]]) -> dict[str, ColumnType]:
    """The type of every column over all `frames` of texts; the markers of `missing` are no values."""
    seen: dict[str, ColumnType | None] = {}

    def kind(column: pl.Series) -> ColumnType | None:
        known, markers = seen.get(column.name), missing.get(column.name)
        if known == "text":
            return known
        return widest(known, kind_of(column.filter(~is_marker(column, markers)) if markers else column))

    with ThreadPoolExecutor() as pool:
        for frame in _larger(frames):
            seen.update(zip(frame.columns, pool.map(kind, frame.get_columns()), strict=True))
    return {name: kind or "text" for name, kind in seen.items()}


def _larger(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames that are worth a look each: small ones with the same columns are joined."""
    waiting: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        if waiting and (rows + frame.height > _SMALL_ROWS or waiting[0].columns != frame.columns):
            yield pl.concat(waiting)
            waiting, rows = [], 0
        waiting.append(frame)
        rows += frame.height
    if waiting:
        yield pl.concat(waiting)


def is_marker(values: pl.Series, markers: tuple[str, ...]) -> pl.Series:
    """Where texts, apart from blanks around them, are one of `markers`.

    Examples
    --------
    >>> is_marker(pl.Series(["?", " ? ", "1", " "]), ("?", " ")).to_list()
    [True, True, False, True]
    """
    return values.str.strip_chars().is_in([marker.strip() for marker in markers])


def _fits(present: pl.Series, kind: ColumnType) -> bool:
    parsed = parse(present, kind)
    if parsed.null_count():
        return False
    if kind == "boolean":
        return bool(present.str.strip_chars().str.to_lowercase().is_in(["true", "false"]).all())
    if kind not in {"integer", "number"}:
        return True
    if present.str.contains(r"^\s*(\+|-?0[0-9])").any():
        return False
    if kind == "number" and float(parsed.abs().max() or 0.0) >= _EXACT:  # type: ignore[arg-type]
        return not present.str.contains(r"^\s*-?[0-9]{16,}\s*$").any()
    return True


def _number(values: pl.Series) -> pl.Series:
    parsed = values.cast(pl.Float64, strict=False)
    finite = parsed.is_finite()
    return parsed if finite.all() else parsed.set(~finite, None)


def _boolean(values: pl.Series) -> pl.Series:
    lower = values.str.to_lowercase()
    return lower.replace_strict({**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}, default=None).cast(
        pl.Boolean
    )


def _date(values: pl.Series) -> pl.Series:
    parsed = values.str.to_date("%Y-%m-%d", strict=False)
    return parsed.set(values.str.len_bytes() != 10, None)


def _datetime(values: pl.Series) -> pl.Series:
    parsed = pl.Series(values.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(values))
    for pattern in _DATETIMES:
        if parsed.null_count() == values.null_count():
            break
        found = values.str.to_datetime(pattern, strict=False, time_unit="us")
        if found.dtype.time_zone is not None:  # type: ignore[attr-defined]
            found = found.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        if found.null_count() == values.null_count():
            return found
        parsed = parsed.fill_null(found)
    return parsed


_PARSERS: Mapping[ColumnType, Callable[[pl.Series], pl.Series]] = {
    "number": _number,
    "integer": lambda values: values.cast(pl.Int64, strict=False),
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "text": lambda values: values,
}
