"""Which row of each key stays, where a source keeps the latest alone: that with the newest cursor."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from millrace.config.schema import SourceSettings
from millrace.store.tables import BOOKKEEPING

_AT, _NEWEST = "_at", "_newest"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a batch that enter the table, and the places of those that leave it for them."""

    kept: pl.DataFrame
    replaced: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Latest:
    """Of the rows that agree in the columns `key`, the one with the newest `cursor` stays; of equals, the first.

    Examples
    --------
    >>> rows = pl.DataFrame({"id": [1, 2, 1], "at": [5, 6, 7]})
    >>> Latest(("id",), "at").settle(rows, None).kept.rows()
    [(2, 6), (1, 7)]
    """

    key: tuple[str, ...]
    cursor: str

    @staticmethod
    def of(settings: SourceSettings) -> Latest | None:
        """What the settings of a source ask for."""
        if settings.keep != "latest" or settings.key is None or settings.cursor is None:
            return None
        return Latest((settings.key,) if isinstance(settings.key, str) else settings.key, settings.cursor)

    def settle(self, rows: pl.DataFrame, known: pl.LazyFrame | None) -> Chosen:
        """The rows that are newer than every other of their key, here and among the `known` ones of the table.

        The batch is the small side: of the table only the rows with its keys are ever held in memory.
        """
        newest_first = rows.with_row_index(_AT).sort(self.cursor, descending=True, maintain_order=True)
        newest = newest_first.unique(self.key, keep="first").sort(_AT).drop(_AT)
        if known is None:
            return Chosen(newest)
        same = known.select(*self.key, self.cursor, *BOOKKEEPING).join(
            newest.lazy().select(self.key), on=self.key, how="semi"
        )
        there = same.collect(engine="streaming")
        best = there.group_by(self.key).agg(pl.col(self.cursor).max().alias(_NEWEST))
        newer = pl.col(_NEWEST).is_null() | (pl.col(self.cursor) > pl.col(_NEWEST))
        kept = newest.join(best, on=self.key, how="left", maintain_order="left").filter(newer).drop(_NEWEST)
        return Chosen(kept, there.join(kept.select(self.key), on=self.key, how="semi").select(BOOKKEEPING))
