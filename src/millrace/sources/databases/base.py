"""What a database owes: pages of rows in order, asked read-only; and how its failures are told.

Values never enter SQL unquoted, names only as quoted identifiers. What a driver says of a failure is told without the
password.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import polars as pl

from millrace.config.schema import ColumnType
from millrace.errors import MillraceError, MissingExtraError, RemoteError, SourceError
from millrace.sources.base import misfits
from millrace.sources.databases.bounds import Bounds

#: Which class opens the databases of a dialect; every other dialect is SQLAlchemy's.
_DRIVERS: Mapping[str, str] = {
    "postgresql": "millrace.sources.databases.postgresql:PostgreSQL",
    "postgres": "millrace.sources.databases.postgresql:PostgreSQL",
    "sqlite": "millrace.sources.databases.rows:SQLite",
    "mongodb": "millrace.sources.databases.mongodb:MongoDB",
    "mongodb+srv": "millrace.sources.databases.mongodb:MongoDB",
}
_OTHERWISE = "millrace.sources.databases.rows:Alchemy"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for rows of `origin` in the order of the columns `order`: `limit` of those within `bounds`.

    Without `order`, the rows come as they come.
    """

    origin: str
    order: tuple[str, ...]
    bounds: Bounds = field(default_factory=Bounds)
    limit: int | None = None
    #: So many of the first are left out.
    skip: int = 0
    #: Give only the columns of the order.
    order_only: bool = False
    #: Columns of which texts are delivered as they are: cleaning makes them what the project file states.
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order.

    `frame` has typed columns; `hashes` (UInt64) know each row by the values of its order; `place` gives those values of
    the n-th row, as the database compares them; `misfits` are the values that are none of their column's type.
    """

    frame: pl.DataFrame
    hashes: pl.Series
    place: Callable[[int], tuple[Any, ...]]
    misfits: pl.DataFrame = field(default_factory=misfits)

    @property
    def last(self) -> tuple[Any, ...]:
        """The place of the last row."""
        return self.place(self.frame.height - 1)

    def head(self, count: int) -> Page:
        """The first `count` rows."""
        few = self.misfits.filter(pl.col("at") < count)
        return replace(self, frame=self.frame.head(count), hashes=self.hashes.head(count), misfits=few)

    def only(self, chosen: pl.Series) -> Page:
        """The rows for which `chosen` is true; they have no places any more."""
        there = self.misfits.filter(chosen.gather(self.misfits["at"]))
        places = chosen.cum_sum().gather(there["at"]) - 1
        odd = there.with_columns(places.cast(pl.UInt32).alias("at"))
        return replace(self, frame=self.frame.filter(chosen), hashes=self.hashes.filter(chosen), misfits=odd)


@dataclass(frozen=True, slots=True)
class Indexes:
    """What the catalogue says of a table: the columns of its primary key, and those of each index, in order."""

    key: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()


class Database(Protocol):
    """One connection, read-only."""

    def tables(self) -> list[str]:
        """The tables and views that can be read, as `table` names them."""

    def indexes(self, table: str) -> Indexes:
        """The primary key and the other indexes of `table`; none of a view."""

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """The columns of `origin` with types; None when only values tell."""

    def page(self, ask: Ask, schema: Mapping[str, ColumnType] | None) -> Page:
        """The rows asked for."""

    def absent(self, ask: Ask) -> int:
        """How many of the rows asked for have no place in the order, as a column of it has no value there."""

    def origin(self, table: str | None, query: str | None) -> str:
        """What an `Ask` names as its origin."""

    def close(self) -> None:
        """End the session."""


def connect(url: str, base: Path, where: str) -> Database:
    """A read-only session with the database at `url`; SQLite paths are relative to `base`.

    Raises `RemoteError` when it cannot be reached, `MissingExtraError` without its driver.
    """
    module, _, name = _DRIVERS.get(url.split("://", 1)[0].lower(), _OTHERWISE).partition(":")
    opened: Database = getattr(import_module(module), name)(Guard(url, where), base)
    return opened


def origin_sql(quote: Callable[[str], str], table: str | None, query: str | None) -> str:
    """What stands behind `from`: a table by its quoted name, or a query in parentheses."""
    if query:
        return f"({query.strip().rstrip(';')}\n)"
    return ".".join(quote(part) for part in (table or "").split("."))


def absent_sql(quote: Callable[[str], str], order: Sequence[str]) -> str:
    """The condition that a row has no place in the order."""
    return " or ".join(f"q.{quote(name)} is null" for name in order)


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells failures without the secrets of the URL."""

    url: str
    where: str

    def __repr__(self) -> str:
        return f"Guard({self.place})"

    @property
    def place(self) -> str:
        """The database without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def told(self, error: Exception, *, reached: bool) -> MillraceError:
        """`error` as one that a user can act on."""
        text = " ".join(str(error).split())
        for secret in self._secrets():
            text = text.replace(secret, "***")
        if reached:
            return SourceError(
                f"{self.place} refuses: {text}",
                where=self.where,
                code="source.sql",
                next_step=f"correct `table`, `query`, `key` or `cursor`; `millrace init {self.place}` lists the tables",
            )
        return RemoteError(
            f"{self.place} does not answer: {text}",
            where=self.where,
            code="remote.sql",
            next_step="run again when it is back; what was committed is not read again",
        )

    def _secrets(self) -> list[str]:
        parts = urlsplit(self.url)
        raw = parts.netloc.rpartition("@")[0].partition(":")[2]
        found = {self.url, raw, unquote(raw), *(pair.partition("=")[2] for pair in parts.query.split("&"))}
        return sorted((one for one in found if len(one) > 2), key=len, reverse=True)


def missing(what: str, where: str, extra: str = "sql") -> MissingExtraError:
    """The error of an absent driver."""
    return MissingExtraError(
        f"{what} needs a driver that is not installed.", where=where, next_step=f"pip install 'millrace[{extra}]'"
    )
