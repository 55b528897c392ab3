"""What a refused row says: which rules refused it, why, and itself as it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from millrace.ingest.built_in import TYPE, UNREADABLE
from millrace.ingest.checks import Check
from millrace.ingest.types import Typed

#: Columns of a row as it was read stand beside its cleaned ones under this prefix.
RAW = "_raw_"
#: Columns of which some values did not fit stand there under this prefix as they were read, with null for these.
GIVEN = "_given_"
REFUSED = {"_row": pl.Int64(), "_rules": pl.List(pl.String()), "_reasons": pl.String(), "_raw": pl.String()}


@dataclass(frozen=True, slots=True)
class Mark:
    """One way to be refused: the Boolean column `flag`, the rule's name, and the reason as a text."""

    flag: str
    rule: str
    reason: pl.Expr


def misfit(flag: str, one: Typed) -> Mark:
    """A value does not fit its column's type."""
    return Mark(flag, TYPE, pl.concat_str(pl.lit(one.refusal), shown(RAW + one.column)))


def unlisted(flag: str, rule: str, column: str) -> Mark:
    """A value has no entry in the table that `map` gives."""
    return Mark(flag, rule, pl.concat_str(pl.lit(f"{rule}: {column} has no entry for "), shown(RAW + column)))


def broken(flag: str, check: Check) -> Mark:
    """A check does not hold."""
    parts = [pl.lit(f"{check.name}: {check.refusal}")]
    for ordinal, column in enumerate(check.columns):
        parts += [pl.lit(f"{', ' if ordinal else ': '}{column} = "), shown(column)]
    return Mark(flag, check.name, pl.concat_str(parts))


def refusals(done: pl.DataFrame, raw: pl.DataFrame, marks: Sequence[Mark]) -> pl.DataFrame:
    """Refused rows with every reason; `done` and `raw` are the same rows after and before cleaning."""
    if done.is_empty():
        return pl.DataFrame(schema=REFUSED)
    by_rule: dict[str, list[str]] = {}
    for mark in marks:
        by_rule.setdefault(mark.rule, []).append(mark.flag)
    rules = [pl.when(pl.any_horizontal(flags)).then(pl.lit(rule)) for rule, flags in by_rule.items()]
    both = pl.concat([done, raw.rename(lambda name: RAW + name)], how="horizontal")
    both = both.with_columns(pl.lit(None).alias(RAW + name) for name in done.columns if name not in raw.columns)
    return both.select(
        pl.col("_row"),
        pl.concat_list(rules).list.drop_nulls().list.unique(maintain_order=True).alias("_rules"),
        pl.concat_str(
            [pl.when(mark.flag).then(mark.reason) for mark in marks], separator="; ", ignore_nulls=True
        ).alias("_reasons"),
        _as_json(raw, done.select(pl.col(f"^{GIVEN}.*$").name.replace(GIVEN, "", literal=True))).alias("_raw"),
    )


def _as_json(raw: pl.DataFrame, given: pl.DataFrame) -> pl.Series:
    """Each row as one object; in the columns `given`, texts stand only for the values that are null there."""
    if not given.width:
        return raw.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    fields = [
        _field(raw, name).zip_with(given[name].is_null(), _field(given, name)) if name in given else _field(raw, name)
        for name in raw.columns
    ]
    return pl.select(pl.format("{{{}}}", pl.concat_str(fields, separator=","))).to_series()


def _field(rows: pl.DataFrame, name: str) -> pl.Series:
    """A column as it stands in an object: `"name":value`."""
    return rows.select(pl.struct(name).struct.json_encode().str.head(-1).str.slice(1)).to_series()


def unreadable(refused: pl.DataFrame) -> pl.DataFrame:
    """What a reader could not parse, in the form of `refusals`."""
    column, reason = pl.col("column").fill_null(""), pl.col("reason").fill_null("no reason given")
    named = (column == "") | reason.str.starts_with(column)
    return refused.select(
        pl.col("line").cast(pl.Int64).alias("_row"),
        pl.concat_list(pl.lit(UNREADABLE)).alias("_rules"),
        pl.when(named).then(reason).otherwise(pl.concat_str(column, pl.lit(": "), reason)).alias("_reasons"),
        pl.col("raw").alias("_raw"),
    )


def misfits(refused: pl.DataFrame, unread: pl.DataFrame) -> dict[str, str]:
    """The columns with values that do not fit, each with what was said of one; `unread` is what the reader refused."""
    said = refused.filter(pl.col("_rules").list.contains(TYPE))["_reasons"].unique(maintain_order=True).to_list()
    told = {reason.removeprefix(f"{TYPE}: ").split(" is not ", 1)[0]: reason for reason in said}
    named = unread.drop_nulls("column").unique("column", maintain_order=True)
    return told | dict(zip(named["column"], named["reason"], strict=True))


def shown(column: str) -> pl.Expr:
    """The value of a column in quotes, or null."""
    return pl.concat_str(pl.lit("'"), pl.col(column).cast(pl.String), pl.lit("'")).fill_null("null")
