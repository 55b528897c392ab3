"""What is done to each row before it is checked: the steps of `clean`, compiled to Polars expressions.

`trim` works before typing and `drop_duplicates` after the checks, wherever they stand in the list: a text is trimmed
before it is read as a number, and a good row never gives way to a refused one. The steps between (`fill`, `clip`,
`replace`, `map`, `case`, `normalize`, `substitute`) run in the order written, on values of their final type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from millrace.config.schema import SourceSettings
from millrace.errors import ProjectFileError, nearest
from millrace.ingest.keys import Key
from millrace.ingest.mapping import mapped

#: Flags of rows whose value has no entry in a map start with this, followed by their ordinal.
UNMAPPED = "_failed_map_"


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The compiled steps.

    `trimmed` are the text columns to trim, `steps` the expressions of each step in order, `unmapped` the columns whose
    values must have an entry in a map: the n-th is flagged by the steps as ``UNMAPPED + n``. `identity` are the columns
    that make two rows the same (None: duplicates are kept). Rows without a value in an identity column are never
    duplicates, unless it is the whole row.
    """

    trimmed: frozenset[str]
    steps: tuple[tuple[pl.Expr, ...], ...]
    identity: Key | None
    unmapped: tuple[str, ...] = ()


def compile_cleaning(settings: SourceSettings, final: Mapping[str, pl.DataType], where: str) -> Cleaning:
    """The steps of `settings.clean` for columns of the `final` dtypes. Raises `ProjectFileError` for others."""
    trimmed: frozenset[str] = frozenset()
    steps: list[tuple[pl.Expr, ...]] = []
    identity: Key | None = None
    unmapped: list[str] = []
    for ordinal, step in enumerate(settings.clean):
        at = f"{where}.clean[{ordinal}]"
        name, value = next(iter(step.items()))
        if name == "trim":
            texts = list(final) if value == "all" else columns_named(value, final, at)
            trimmed |= frozenset(texts)
        elif name == "drop_duplicates":
            identity = Key(_identity(value, settings, final, at), whole=value == "all")
        elif name == "map":
            steps.append(tuple(_maps(value, final, at, unmapped)))
        else:
            steps.append(tuple(_expressions(name, value, final, at)))
    return Cleaning(trimmed, tuple(steps), identity, tuple(unmapped))


def columns_named(value: object, final: Mapping[str, pl.DataType], at: str) -> list[str]:
    """The column or columns that `value` names. Raises `ProjectFileError` where one is not there."""
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, Iterable):
        raise ProjectFileError(f"{value!r} names no columns.", where=at, code="config.clean", allowed=final)
    for column in (columns := [str(one) for one in named]):
        if column not in final:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=at,
                code="config.unknown-column",
                allowed=final,
                nearest=nearest(column, final),
            )
    return columns


def _identity(value: object, settings: SourceSettings, final: Mapping[str, pl.DataType], at: str) -> tuple[str, ...]:
    if value == "all":
        return tuple(final)
    if value == "key" and "key" not in final:
        if settings.key is None:
            seen = "`drop_duplicates: key` needs the source's `key`, which is not stated."
            raise ProjectFileError(seen, where=at, code="config.clean", next_step="add `key: <column>` to the source")
        return tuple(columns_named(settings.key, final, at))
    return tuple(columns_named(value, final, at))


def _by_column(name: str, value: object, final: Mapping[str, pl.DataType], at: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        seen = f"`{name}` takes columns and values, not {value!r}."
        raise ProjectFileError(seen, where=at, code="config.clean", next_step=f"write `{name}: {{column: …}}`")
    columns_named(list(value), final, at)
    return value


def _expressions(name: str, value: object, final: Mapping[str, pl.DataType], at: str) -> list[pl.Expr]:
    build = _STEPS[name]
    told = _by_column(name, value, final, at)
    return [build(column, one, final[column], f"{at}.{name}.{column}") for column, one in told.items()]


def _maps(value: object, final: Mapping[str, pl.DataType], at: str, unmapped: list[str]) -> Iterator[pl.Expr]:
    """The expressions of a step `map`; columns whose values must have an entry are added to `unmapped`."""
    for column, told in _by_column("map", value, final, at).items():
        one = mapped(column, told, final[column], f"{at}.map.{column}")
        yield one.value
        if one.unmapped is not None:
            yield one.unmapped.alias(f"{UNMAPPED}{len(unmapped)}")
            unmapped.append(column)


def _fill(column: str, value: object, dtype: pl.DataType, at: str) -> pl.Expr:
    return pl.col(column).fill_null(pl.lit(_literal(value, dtype, at), dtype=dtype))


def _clip(column: str, bounds: object, dtype: pl.DataType, at: str) -> pl.Expr:
    if not (isinstance(bounds, list | tuple) and len(bounds) == 2) or not (dtype.is_numeric() or dtype.is_temporal()):
        seen = f"`clip` cannot bound `{column}` ({dtype}) by {bounds!r}."
        allowed = ["[low, high] for a number, an integer, a date or a datetime; null leaves a side open"]
        raise ProjectFileError(seen, where=at, code="config.clean", allowed=allowed)
    low, high = (_literal(bound, dtype, at) for bound in bounds)
    return pl.col(column).clip(
        None if low is None else pl.lit(low, dtype=dtype), None if high is None else pl.lit(high, dtype=dtype)
    )


def _replace(column: str, changes: object, dtype: pl.DataType, at: str) -> pl.Expr:
    if not isinstance(changes, Mapping):
        seen = f"`replace` takes old and new values, not {changes!r}."
        raise ProjectFileError(seen, where=at, code="config.clean", next_step="write `replace: {column: {old: new}}`")
    old = pl.Series([_literal(one, dtype, at) for one in changes], dtype=dtype)
    new = pl.Series([_literal(one, dtype, at) for one in changes.values()], dtype=dtype)
    return pl.col(column).replace(old, new)


def _case(column: str, case: object, dtype: pl.DataType, at: str) -> pl.Expr:
    text = pl.col(_text(column, dtype, at)).str
    made = {"lower": text.to_lowercase, "upper": text.to_uppercase, "title": text.to_titlecase}
    return made[_one_of(case, made, at)]()


def _normalize(column: str, form: object, dtype: pl.DataType, at: str) -> pl.Expr:
    text = pl.col(_text(column, dtype, at)).str
    forms = {
        "NFC": text.normalize("NFC"),
        "NFKC": text.normalize("NFKC"),
        "NFD": text.normalize("NFD"),
        "NFKD": text.normalize("NFKD"),
    }
    return forms[_one_of(form, forms, at)]


def _substitute(column: str, changes: object, dtype: pl.DataType, at: str) -> pl.Expr:
    """Every match replaced, one pattern after the other; Rust's regular expressions take time linear in the text."""
    text = pl.col(_text(column, dtype, at))
    if not isinstance(changes, Mapping):
        seen = f"`substitute` takes patterns and what stands in their place, not {changes!r}."
        raise ProjectFileError(
            seen, where=at, code="config.clean", next_step="write `substitute: {column: {pattern: new}}`"
        )
    for pattern, new in changes.items():
        try:
            pl.Series([""]).str.contains(str(pattern))
        except pl.exceptions.ComputeError as error:
            seen = f"`{pattern}` is not a regular expression: {error}"
            raise ProjectFileError(seen, where=at, code="config.clean") from error
        text = text.str.replace_all(str(pattern), str(new))
    return text


def _text(column: str, dtype: pl.DataType, at: str) -> str:
    if dtype != pl.String:
        raise ProjectFileError(f"`{column}` is {dtype}, and this step is for texts.", where=at, code="config.clean")
    return column


def _one_of(value: object, allowed: Mapping[str, object], at: str) -> str:
    if str(value) not in allowed:
        seen = f"{value!r} is not known here."
        guess = nearest(str(value), allowed)
        raise ProjectFileError(seen, where=at, code="config.clean", allowed=allowed, nearest=guess)
    return str(value)


def _literal(value: object, dtype: pl.DataType, at: str) -> object:
    """`value` as the column's type holds it. Raises `ProjectFileError` when it does not."""
    try:
        return pl.Series([value]).cast(dtype).item()
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        seen = f"{value!r} is no value of a {dtype} column."
        raise ProjectFileError(seen, where=at, code="config.clean") from error


_STEPS: Mapping[str, Callable[[str, object, pl.DataType, str], pl.Expr]] = MappingProxyType(
    {
        "fill": _fill,
        "clip": _clip,
        "replace": _replace,
        "case": _case,
        "normalize": _normalize,
        "substitute": _substitute,
    }
)
