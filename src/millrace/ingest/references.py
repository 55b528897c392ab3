"""Rows whose key is in no row of another source's table: what `references` refuses.

The other table is read as it is when the first row asks for it. Missing values refer to nothing and pass, as in SQL.
The first batch is compared by one streaming join; from the second on the keys of the other table are held in memory,
each different one once: 8 bytes, and a text beside them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.config.references import parse_reference
from millrace.config.schema import SourceSettings
from millrace.errors import DataError, ProjectFileError, nearest
from millrace.ingest.built_in import REFERENCES
from millrace.ingest.keys import EXACT, MOST, hashed, ranges
from millrace.ingest.types import column_types
from millrace.store.objects import Store
from millrace.store.tables import Snapshot, Table


class Parents:
    """The columns that rows refer to, for one ingest."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._columns: dict[tuple[str, str], _Column] = {}

    def column(self, source: str, column: str, where: str) -> _Column:
        """One of them. Raises `DataError` before that source was ingested, `ProjectFileError` without the column."""
        if (source, column) not in self._columns:
            now = Table(self._store, f"tables/{source}").snapshot()
            if not now.number:
                raise DataError(
                    f"Rows refer to `{source}`, of which nothing was ingested yet.",
                    where=where,
                    code="data.references",
                    next_step=f"millrace ingest {source}",
                )
            if column not in (columns := now.schema()):
                raise ProjectFileError(
                    f"`{column}` is not a column of the table of `{source}`.",
                    where=where,
                    code="config.unknown-column",
                    allowed=columns,
                    nearest=nearest(column, columns),
                )
            self._columns[source, column] = _Column(now, column)
        return self._columns[source, column]


@dataclass(frozen=True, slots=True)
class Reference:
    """`column` has values of another source's column, written as `text`."""

    column: str
    text: str
    to: _Column

    def orphans(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows whose value is not there: `_row`, and the reason as `orphan`."""
        missing = self.to.missing(rows[self.column].drop_nulls().unique())
        parts = [pl.lit(f"{REFERENCES}: {self.column} = '"), pl.col(self.column).cast(pl.String)]
        reason = pl.concat_str(*parts, pl.lit(f"' is not in {self.text}"))
        refused = rows.filter(pl.col(self.column).is_in(missing.implode()))
        return refused.select("_row", reason.alias("orphan"))


def compile_references(
    settings: SourceSettings, columns: Mapping[str, pl.DataType], parents: Parents, where: str
) -> tuple[Reference, ...]:
    """The references of a source with these columns, as its table has them.

    Raises `ProjectFileError` for columns that are not there or have another type, `DataError` as `Parents` does.
    """
    found = []
    for column, text in settings.references.items():
        at = f"{where}.references.{column}"
        if column not in columns:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=at,
                code="config.unknown-column",
                allowed=columns,
                nearest=nearest(column, columns),
            )
        to = parents.column(*parse_reference(text), at)
        if to.dtype != columns[column]:
            kinds = column_types({"one": columns[column], "other": to.dtype})
            raise ProjectFileError(
                f"`{column}` is {kinds.get('one')} and `{text}` is {kinds.get('other')}, so no value is in both.",
                where=at,
                code="config.references",
                next_step=f"state one type for both: `columns: {{{column}: {{type: {kinds.get('other')}}}}}`",
            )
        found.append(Reference(column, text, to))
    return tuple(found)


def orphans(rows: pl.DataFrame, references: Sequence[Reference]) -> pl.DataFrame:
    """The rows that refer to nothing, with every reason: `_row` and `orphan`."""
    every = [pl.DataFrame(schema={"_row": pl.Int64(), "orphan": pl.String()})]
    every += [one.orphans(rows) for one in references]
    return pl.concat(every).group_by("_row", maintain_order=True).agg(pl.col("orphan").str.join("; "))


def unknown_columns(sources: Mapping[str, SourceSettings], columns: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the references between sources that have these columns, in words."""
    problems = []
    for name, settings in sources.items():
        for column, text in settings.references.items():
            for source, one in ((name, column), parse_reference(text)):
                if one not in columns[source]:
                    problems.append(f"sources.{name}.references.{column}: `{one}` is not a column of `{source}`")
    return problems


class _Column:
    """The values of one column of a table as it is now."""

    def __init__(self, now: Snapshot, column: str) -> None:
        self._now = now
        self._column = column
        self._asked = 0
        self._held: pl.Series | None = None
        self.dtype = now.schema()[column]
        self._exact = self.dtype in EXACT

    def missing(self, values: pl.Series) -> pl.Series:
        """Those of the different `values` that are not there."""
        self._asked += 1
        if self._held is None and (self._asked == 1 or self._now.rows > MOST):
            asked = values.alias(self._column).to_frame().lazy()
            found = self._values().join(asked, on=self._column, how="semi").unique().collect(engine="streaming")
            return values.filter(~values.is_in(found.to_series().implode()))
        if self._held is None:
            stored = self._values().drop_nulls().unique().collect(engine="streaming").to_series()
            hashes = hashed(stored.to_frame(), exact=self._exact)
            order = np.argsort(hashes)
            self._hashes, self._held = hashes[order], stored.clear() if self._exact else stored.gather(order)
        there = np.zeros(values.len(), np.bool_)
        if self._hashes.size:
            which, places = ranges(self._hashes, hashed(values.to_frame(), exact=self._exact))
            if not self._exact:
                same = (values.gather(which) == self._held.gather(places)).to_numpy()
                which = which[same]
            there[which] = True
        return values.filter(pl.Series(~there))

    def _values(self) -> pl.LazyFrame:
        return self._now.scan().select(self._column)
