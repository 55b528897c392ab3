"""Which value a text stands for: delivered texts become columns of their final type.

Order, for every text column: trim (where asked) → missing → type. A text is missing when it, or what is left of it
after trimming, is empty or one of the `missing` texts of its column or source. ``nan`` counts as missing in numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from millrace.config.schema import ColumnSettings, ColumnType, SourceSettings
from millrace.errors import ProjectFileError, nearest
from millrace.sources.column_types import DTYPES

_NAMES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "date": "a date",
        "datetime": "a date and time",
        "text": "a text",
    }
)
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_INSTANTS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_ZONED = "%Y-%m-%d %H:%M:%S%.f%#z"


@dataclass(frozen=True, slots=True)
class Typed:
    """How one delivered column gets its final type.

    `value` computes the final column, `fits` is False where the text stands for no value of the type, and `refusal`
    starts the reason given then.
    """

    column: str
    value: pl.Expr
    fits: pl.Expr
    refusal: str


def meaning(dtype: pl.DataType) -> str:
    """What a value of a column is, in words.

    Examples
    --------
    >>> meaning(pl.Int64())
    'a whole number'
    """
    (kind,) = column_types({"": dtype}).values()
    return _NAMES[kind]


def column_types(schema: Mapping[str, pl.DataType]) -> dict[str, ColumnType]:
    """The column type of each dtype that a table holds; other dtypes are left out.

    Examples
    --------
    >>> column_types({"tenure": pl.Int64(), "name": pl.String(), "codes": pl.List(pl.Int64())})
    {'tenure': 'integer', 'name': 'text'}
    """
    known = {dtype: name for name, dtype in DTYPES.items()}
    return {column: known[dtype] for column, dtype in schema.items() if dtype in known}


def final_schema(
    delivered: Mapping[str, pl.DataType], known: Mapping[str, ColumnType], settings: SourceSettings, where: str
) -> dict[str, pl.DataType]:
    """The dtype of each column after typing: as the settings state it, else as the source knows it, else as delivered.

    Raises `ProjectFileError` when the settings state a column that does not exist.
    """
    for column in settings.columns:
        if column not in delivered:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=f"{where}.columns",
                code="config.unknown-column",
                allowed=delivered,
                nearest=nearest(column, delivered),
            )
    stated = {column: one.kind for column, one in settings.columns.items() if one.kind is not None}
    types = {**known, **stated}
    return {column: DTYPES[types[column]] if column in types else dtype for column, dtype in delivered.items()}


def tidy(column: str, settings: SourceSettings, trimmed: bool) -> pl.Expr:
    """The text column with trimming applied, and null where it says that there is no value."""
    own = settings.columns.get(column, ColumnSettings.model_construct(missing=()))
    missing = sorted({"", *settings.missing, *own.missing})
    text = pl.col(column)
    short = text.str.strip_chars() if trimmed else text
    absent = short.is_in(missing)
    if trimmed and len(missing) > 1:
        absent = absent | text.is_in(missing)
    return pl.when(~absent).then(short).alias(column)


def typed(column: str, delivered: pl.DataType, kind: ColumnType, stated: ColumnSettings) -> Typed | None:
    """How `column` becomes `kind`; None when it is delivered so already."""
    final = DTYPES[kind]
    if delivered == final and not (kind == "text" and stated.format):
        return None
    value = _parse(pl.col(column), kind, stated) if delivered == pl.String else pl.col(column).cast(final, strict=False)
    fits = value.is_not_null() | pl.col(column).is_null()
    if delivered == pl.Float64 and kind == "integer":
        fits = fits & (value.cast(pl.Float64) == pl.col(column)).fill_null(value=True)
    if kind == "number":
        fits = fits & value.is_infinite().not_().fill_null(value=True)
        value = value.fill_nan(None)
    like = f" like {' or '.join(stated.formats)}" if stated.format else ""
    return Typed(column, value.alias(column), fits, f"type: {column} is not {_NAMES[kind]}{like}: ")


def _parse(text: pl.Expr, kind: ColumnType, stated: ColumnSettings) -> pl.Expr:
    if kind == "boolean":
        lower = text.str.to_lowercase()
        yes, no = ([word.lower() for word in words] for words in (stated.true or _TRUE, stated.false or _FALSE))
        return pl.when(lower.is_in(yes)).then(statement=True).when(lower.is_in(no)).then(statement=False)
    if kind == "date":
        return pl.coalesce(text.str.to_date(form, strict=False) for form in stated.formats or ("%Y-%m-%d",))
    if kind == "datetime":
        return pl.coalesce(_instant(text, form) for form in stated.formats or (None,))
    return text.cast(DTYPES[kind], strict=False)


def _instant(text: pl.Expr, form: str | None) -> pl.Expr:
    """The moment as UTC without zone; ISO 8601 unless `form` says otherwise."""
    if form:
        return text.str.to_datetime(form, time_unit="us", strict=False).dt.replace_time_zone(None)
    iso = text.str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
    plain = [iso.str.to_datetime(one, time_unit="us", strict=False) for one in _INSTANTS]
    zoned = iso.str.to_datetime(_ZONED, time_unit="us", strict=False).dt.replace_time_zone(None)
    return pl.coalesce(*plain, iso.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")), zoned)
