"""Which rows of a batch repeat another one: those that `drop_duplicates` counts, and those that `unique` refuses.

Rows are looked at in their order. One whose identity is that of a kept row is a duplicate; one that has the value of a
kept row in columns of `unique` is refused. Neither keeps a later row out: only kept rows do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from millrace.config.schema import SourceSettings
from millrace.errors import ProjectFileError, nearest
from millrace.ingest.built_in import UNIQUE
from millrace.ingest.keys import Key, Keys

_AT = "_at_"
_KEPT, _DUPLICATE, _REFUSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Settled:
    """`kept` rows, how many were `duplicate`, and `taken`, the others: `_row` and the reason, a text, as `taken`."""

    kept: pl.DataFrame
    duplicate: int
    taken: pl.DataFrame


def compile_unique(settings: SourceSettings, columns: Mapping[str, object], where: str) -> tuple[Key, ...]:
    """The keys that `unique` names. Raises `ProjectFileError` for a column that is none."""
    keys = []
    for named in settings.uniques:
        for column in named:
            if column not in columns:
                raise ProjectFileError(
                    f"`{column}` is not a column of this source.",
                    where=f"{where}.unique",
                    code="config.unknown-column",
                    allowed=columns,
                    nearest=nearest(column, columns),
                )
        keys.append(Key(named))
    return tuple(keys)


def by_row(rows: pl.Series) -> pl.Series:
    """Rows as they are told of: by their number."""
    return pl.select(pl.format("row {}", rows)).to_series()


def settle(
    rows: pl.DataFrame,
    identity: Key | None,
    unique: Sequence[Key],
    known: Keys | None,
    called: Callable[[pl.Series], pl.Series] = by_row,
) -> Settled:
    """Part rows that repeat a row of the table, or an earlier one of these; `rows` have their keys and `_row`.

    The rows before are `called` so in the reasons.
    """
    every = [*([identity] if identity else []), *unique]
    if not every or rows.is_empty():
        return Settled(rows, 0, _told([]))
    reasons: list[pl.DataFrame] = []
    places = [known.places(key, rows) for key in every] if known else [None] * len(every)
    fate = pl.repeat(_KEPT, rows.height, dtype=pl.Int8, eager=True)
    for key, place in zip(every, places, strict=True):
        if place is not None and place.height:
            there = pl.int_range(rows.height, dtype=pl.UInt32, eager=True).is_in(place[_AT].implode())
            fate = fate.zip_with(~(there & (fate == _KEPT)), pl.Series([_DUPLICATE if key is identity else _REFUSED]))
    refused = fate == _REFUSED
    for key, place in zip(every, places, strict=True):
        if place is not None and key is not identity:
            reasons.append(_there(rows, key, place.filter(refused.gather(place[_AT]))))
    left = rows.filter(fate == _KEPT)
    inside = _inside(left, identity, unique)
    reasons += [_earlier(left, key, of, called) for key, of in zip(unique, inside.held_by, strict=True)]
    kept = left if inside.fate is None else left.filter(inside.fate == _KEPT)
    taken = _told(reasons)
    if identity and taken.height:
        taken = taken.join(_repeated(rows.join(taken, on="_row", how="semi"), kept, identity), on="_row", how="anti")
    return Settled(kept, rows.height - kept.height - taken.height, taken.sort("_row"))


def _repeated(refused: pl.DataFrame, kept: pl.DataFrame, identity: Key) -> pl.DataFrame:
    """The rows that are no more than duplicates of an earlier kept row, whatever else they repeat: `_row`."""
    there = kept.select(*identity.columns, pl.col("_row").alias("_first"))
    both = refused.filter(identity.complete()).join(there, on=identity.columns, nulls_equal=identity.whole)
    return both.filter(pl.col("_first") < pl.col("_row")).select("_row")


@dataclass(frozen=True, slots=True)
class _Inside:
    """What becomes of rows beside each other (`fate`; None: all are kept), and for each unique key which rows hold it.

    `held_by` has, by the index of a refused row, the index of the row that was there before.
    """

    fate: pl.Series | None
    held_by: Sequence[Mapping[int, int]]


def _inside(rows: pl.DataFrame, identity: Key | None, unique: Sequence[Key]) -> _Inside:
    every = [*([identity] if identity else []), *unique]
    indexed = rows.with_row_index(_AT)
    # The first row with the same key stands for all of them; an incomplete row is alone.
    firsts = indexed.select(
        pl.when(key.complete()).then(pl.col(_AT).min().over(key.columns)).otherwise(pl.col(_AT)).alias(str(ordinal))
        for ordinal, key in enumerate(every)
    )
    repeats = firsts.select(pl.any_horizontal(pl.all().is_duplicated())).to_series()
    if not repeats.any():
        return _Inside(None, [{}] * len(unique))
    if len(every) == 1:
        first = firsts.to_series()
        later = indexed[_AT] != first
        fate = pl.repeat(_KEPT, rows.height, dtype=pl.Int8, eager=True)
        fate = fate.zip_with(~later, pl.Series([_DUPLICATE if identity else _REFUSED], dtype=pl.Int8))
        pairs = dict(zip(indexed[_AT].filter(later), first.filter(later), strict=True))
        return _Inside(fate, [pairs] if unique else [])
    return _in_turn(firsts, repeats, by_identity=identity is not None)


def _in_turn(firsts: pl.DataFrame, repeats: pl.Series, *, by_identity: bool) -> _Inside:
    """Look at one row after the other, for only kept rows count; rows that repeat nothing are left alone."""
    fates = [_KEPT] * firsts.height
    held: list[dict[int, int]] = [{} for _ in firsts.columns]
    held_by: list[dict[int, int]] = [{} for _ in firsts.columns]
    for at, groups in zip(repeats.arg_true().to_list(), firsts.filter(repeats).iter_rows(), strict=True):
        before = [by.get(group) for by, group in zip(held, groups, strict=True)]
        if by_identity and before[0] is not None:
            fates[at] = _DUPLICATE
        elif any(one is not None for one in before):
            fates[at] = _REFUSED
            for ordinal, one in enumerate(before):
                if one is not None:
                    held_by[ordinal][at] = one
        else:
            for by, group in zip(held, groups, strict=True):
                by[group] = at
    return _Inside(pl.Series(fates, dtype=pl.Int8), held_by[1:] if by_identity else held_by)


def _there(rows: pl.DataFrame, key: Key, place: pl.DataFrame) -> pl.DataFrame:
    of = rows[place[_AT]].select("_row", *key.columns)
    return _reason(of.with_columns(_by=pl.format("row {} of {}", place["_row"], place["_origin"])), key)


def _earlier(
    rows: pl.DataFrame, key: Key, held_by: Mapping[int, int], called: Callable[[pl.Series], pl.Series]
) -> pl.DataFrame:
    of = rows[list(held_by)].select("_row", *key.columns)
    return _reason(of.with_columns(called(rows["_row"].gather(list(held_by.values()))).alias("_by")), key)


def _reason(of: pl.DataFrame, key: Key) -> pl.DataFrame:
    """Which values are taken, and by which row: `_by`."""
    values = [
        pl.concat_str(pl.lit(f"{column} = '"), pl.col(column).cast(pl.String), pl.lit("'")) for column in key.columns
    ]
    words = pl.concat_str(pl.lit(f"{UNIQUE}: "), pl.concat_str(values, separator=", "), pl.lit(" is taken by "), "_by")
    return of.select("_row", words.alias("taken"))


def _told(reasons: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One reason for each row."""
    every = pl.concat([pl.DataFrame(schema={"_row": pl.Int64(), "taken": pl.String()}), *reasons])
    return every.group_by("_row", maintain_order=True).agg(pl.col("taken").str.join("; "))
