"""Which keys the rows of a table have: asked batch by batch, at a price that does not grow with the table.

The first batch of an ingest is compared with the table by one streaming join, which holds no more than the batch. From
the second on the keys are held in memory: one 64-bit hash of each row's key, sorted, with the row's place. A key of one
whole number, date, time or flag is held as it is; for others, whatever has the same hash is looked up in the table and
compared, so that no two different keys are ever taken for one. A key takes 20 bytes a row; a table of more than `MOST`
rows is compared by the join for every batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from millrace.store.tables import Snapshot

#: So many rows are held in memory: 2 GB for each key.
MOST = 100_000_000
#: Types whose values are numbers of 64 bits, or fewer.
EXACT = (pl.Int64(), pl.Date(), pl.Datetime("us"), pl.Boolean())
_AT = "_at_"
_PLACES = {_AT: pl.UInt32(), "_origin": pl.String(), "_row": pl.Int64()}

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that make two rows the same.

    Rows without a value in one of them are never the same, unless `whole`: then a missing value is one like others.
    """

    columns: tuple[str, ...]
    whole: bool = False

    def complete(self) -> pl.Expr:
        """Whether a row can be the same as another."""
        if self.whole:
            return pl.lit(value=True)
        return pl.all_horizontal(pl.col(column).is_not_null() for column in self.columns)


class Keys:
    """The keys of a table's rows, for one ingest, which adds to them what it commits.

    Examples
    --------
    >>> import tempfile
    >>> from millrace.store.objects import Store
    >>> from millrace.store.tables import Table
    >>> table, key = Table(Store(tempfile.mkdtemp()), "tables/orders"), Key(("id",))
    >>> rows = pl.DataFrame({"id": [7, 8], "_origin": ["a.csv"] * 2, "_row": [1, 2]})
    >>> keys = Keys().of(table.append(table.snapshot(), rows, number=1 << 32))
    >>> keys.places(key, pl.DataFrame({"id": [9, 8, None]})).rows()
    [(1, 'a.csv', 2)]
    """

    def __init__(self) -> None:
        self._now: Snapshot | None = None
        self._asked = 0
        self._held: dict[Key, _Held] = {}

    def of(self, now: Snapshot) -> Self:
        """The keys of the rows of `now`; call it once for each batch."""
        if self._now is not None and self._now.number != now.number:
            self._held.clear()
            self._asked = 0
        self._now = now
        self._asked += 1
        return self

    @property
    def rows(self) -> pl.LazyFrame | None:
        """The rows themselves; None before the first commit."""
        return self._now.scan() if self._now is not None and self._now.number else None

    def places(self, key: Key, rows: pl.DataFrame) -> pl.DataFrame:
        """Where the keys of `rows` are in the table: `_at_`, the index of the row, and the `_origin` and `_row` there.

        Rows whose key is not there are left out; of several places the first is given, by origin and row.
        """
        if self._now is None or not self._now.number:
            return pl.DataFrame(schema=_PLACES)
        asked = rows.select(key.columns).with_row_index(_AT).filter(key.complete())
        if key not in self._held and (self._asked == 1 or self._now.rows > MOST):
            return _first(_compared(self._now.scan(), key, asked))
        if key not in self._held:
            stored = self._now.scan().filter(key.complete()).select(*key.columns, "_origin", "_row")
            self._held[key] = _Held(key, stored.collect(engine="streaming"))
        held = self._held[key]
        found = held.find(asked)
        if found.is_empty() or held.exact:
            return _first(found)
        places = pl.col("_origin").is_in(found["_origin"].unique().to_list()) & pl.col("_row").is_between(
            pl.lit(found["_row"].min()), pl.lit(found["_row"].max())
        )
        likely = asked.join(found.select(_AT).unique(), on=_AT, how="semi")
        return _first(_compared(self._now.scan().filter(places), key, likely))

    def add(self, now: Snapshot, kept: pl.DataFrame) -> None:
        """Follow a commit of this ingest, which put `kept` into the table and left it as it is `now`."""
        self._now = now
        for key, held in self._held.items():
            held.add(kept.filter(key.complete()).select(*key.columns, "_origin", "_row"))


class _Held:
    """Hashes of keys, sorted, in a few runs each at least twice as long as the next, and the places of their rows."""

    def __init__(self, key: Key, stored: pl.DataFrame) -> None:
        self._key = key
        self._origins: dict[str, int] = {}
        self._runs: list[tuple[Hashes, npt.NDArray[np.uint32], npt.NDArray[np.int64]]] = []
        self.exact = len(key.columns) == 1 and not key.whole and stored.schema[key.columns[0]] in EXACT
        self.add(stored)

    def add(self, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        names = rows["_origin"].unique(maintain_order=True).to_list()
        numbers = [self._origins.setdefault(name, len(self._origins)) for name in names]
        origins = rows["_origin"].replace_strict(names, numbers, return_dtype=pl.UInt32).to_numpy()
        self._runs.append(_sorted("quicksort", self._hashed(rows), origins, rows["_row"].to_numpy()))
        while any(2 * shorter[0].size > longer[0].size for longer, shorter in pairwise(self._runs[-2:])):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted("stable", *(np.concatenate([a, b]) for a, b in zip(before, last, strict=True))))

    def find(self, asked: pl.DataFrame) -> pl.DataFrame:
        """The places of all rows with the hashes of those asked for."""
        hashes, at = self._hashed(asked), asked[_AT].to_numpy()
        order = np.argsort(hashes)  # neighbours are found together, while they are in the processor's cache
        hashes, at, names = hashes[order], at[order], list(self._origins)
        found = [pl.DataFrame(schema=_PLACES)]
        for run, origins, rows in self._runs:
            which, places = ranges(run, hashes)
            of = pl.Series(names, dtype=pl.String).gather(origins[places])
            found.append(pl.DataFrame({_AT: at[which], "_origin": of, "_row": rows[places]}, schema=_PLACES))
        return pl.concat(found)

    def _hashed(self, rows: pl.DataFrame) -> Hashes:
        return hashed(rows.select(self._key.columns), exact=self.exact)


def hashed(columns: pl.DataFrame, *, exact: bool) -> Hashes:
    """A number for each row: the value itself, or a hash of the columns, the same for the same values."""
    if exact:
        return columns.to_series().cast(pl.Int64).to_numpy().view(np.uint64)
    return columns.hash_rows(seed=0).to_numpy()


def ranges(held: Hashes, asked: Hashes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Every pair of an index of `asked` and an index of the sorted `held` where the two agree.

    Examples
    --------
    >>> [indexes.tolist() for indexes in ranges(np.array([1, 5, 5], np.uint64), np.array([5, 4], np.uint64))]
    [[0, 0], [1, 2]]
    """
    first = np.searchsorted(held, asked)
    there = np.flatnonzero(held[np.minimum(first, held.size - 1)] == asked)
    first = first[there]
    many = np.searchsorted(held, asked[there], "right") - first
    which = np.repeat(there, many)
    return which, np.arange(which.size) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)


def _sorted(kind: Literal["quicksort", "stable"], hashes: Hashes, *others: npt.NDArray[Any]) -> Any:
    """Sorted by hash; `stable` is the faster kind for two runs that are sorted already."""
    order = np.argsort(hashes, kind=kind)
    return (hashes[order], *(other[order] for other in others))


def _compared(stored: pl.LazyFrame, key: Key, asked: pl.DataFrame) -> pl.DataFrame:
    """The places of the rows of `stored` that have the keys asked for, value by value."""
    places = stored.select(*key.columns, "_origin", "_row")
    both = places.join(asked.lazy(), on=key.columns, nulls_equal=key.whole).select(list(_PLACES))
    return both.collect(engine="streaming")


def _first(found: pl.DataFrame) -> pl.DataFrame:
    return found.sort(_AT, "_origin", "_row").unique(_AT, keep="first", maintain_order=True)
