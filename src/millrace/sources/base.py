"""What every kind of source owes: typed batches with a position that an ingest can continue from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from millrace.config.schema import ColumnType, SourceSettings
from millrace.records.batch import Batch, Position

if TYPE_CHECKING:
    import polars as pl


@runtime_checkable
class Source(Protocol):
    """Rows of one origin or many, in an order that never changes.

    Obligations, which `millrace.testing.sources` checks:

    - `schema` gives the columns in order; the frame of every batch has those of them that its origin has, in this
      order, and behind them those that the schema lacks. The source's contract says what becomes of either.
    - A column has its final dtype (number Float64, integer Int64, boolean Boolean, date Date, datetime
      Datetime("us") in UTC without zone, text String), or String where the settings state markers of missing values
      or a format, which cleaning resolves.
    - `batches(after)` continues exactly behind `after`: the batches that follow are those that would have followed in
      an undisturbed reading. `None` starts anew. Every position survives JSON.
    - Every row read is in `frame` or in `refused` of exactly one batch; a row of `frame` whose value is none of its
      column's type may have none there, and the value in `misfits`.
    - Nothing is read before the first batch is asked for, except what `schema` needs.
    """

    name: str

    def schema(self) -> dict[str, ColumnType]:
        """The columns in order, with their types. Raises `SourceError` when nothing can be read."""

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The rows behind `after`, some at a time. Raises `SourceError` when reading cannot go on."""


@runtime_checkable
class Part(Protocol):
    """Some consecutive rows of a source; picklable, so that another process can read them."""

    def read(self) -> Iterator[Any]:
        """What this part alone finds, in order and picklable; its source's `joined` knows what it is."""


@runtime_checkable
class Divisible(Source, Protocol):
    """A source whose rows can be read in parts, several at once.

    What all parts find, in order, is joined to the very batches of `batches`. Parts remember nothing of one another:
    all that depends on the rows before (positions, numbers, what is new) is told where they are joined.
    """

    def parts(self, after: Position | None) -> Iterable[Part]:
        """The rows behind `after`, in parts; few rows are read to tell them. There may be more than are needed."""

    def joined(self, after: Position | None, found: Iterator[Any]) -> Iterator[Batch]:
        """The batches behind `after`, from what its parts found; the rest of `found` is not asked for."""


@runtime_checkable
class Collection(Source, Protocol):
    """A source of several origins, whose columns may differ."""

    def first_batches(self, after: Position | None) -> Iterator[Batch]:
        """The first batch of each origin behind `after`; their positions mean nothing."""


@runtime_checkable
class Foreseeable(Source, Protocol):
    """A source that can tell which columns come before it reads rows."""

    def columns_ahead(self, after: Position | None) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Origin and column names of what is behind `after`, as far as they are known without reading it whole."""


@runtime_checkable
class Recognizable(Source, Protocol):
    """A source that can say before it is read whether its rows are those of another time."""

    def fingerprints(self) -> dict[str, str]:
        """What each of its origins that is there now is recognised by."""


@runtime_checkable
class Comparable(Source, Protocol):
    """A source that can say which of its rows are still there."""

    def present(self, after: Position) -> tuple[pl.DataFrame, Position]:
        """The key of every row that is there, as rows are delivered, and `after` without the rows that are not."""


#: How a kind opens a source: name, settings, folder that relative paths start from, and the schema when it is known.
Opener = Callable[[str, SourceSettings, Path, Mapping[str, ColumnType] | None], Source]


@dataclass(frozen=True, slots=True)
class Look:
    """A first look at data, from which a project file is proposed.

    `frame` has the columns of `schema`; `whole` says whether it holds every row. `lines` open the source's section, in
    place of a line for `from`, `name` is what the source is called, and a `keyed` one cannot be read without a key.
    Where `key` is known, `lines` state it. `elsewhere` are columns that only rows left out here have, as of another
    sheet, each with the settings of a look at these rows.
    """

    frame: pl.DataFrame
    schema: Mapping[str, ColumnType]
    refused: int
    whole: bool
    name: str
    lines: tuple[str, ...]
    keyed: bool = False
    key: tuple[str, ...] = ()
    elsewhere: Mapping[str, SourceSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of source, described by what it reads; registered under the entry-point group ``millrace.sources``.

    `suffixes` are file endings in lower case, without the ending of a compression; `schemes` what stands before
    ``://``. A kind with `otherwise` also takes files that no kind names. `look` gives a first look at what is stated
    (`from`, `table`, `query`) where opening it is not enough, and None where it is; paths are written relative to the
    folder it is given, where the project file will stand.
    """

    name: str
    open: Opener
    suffixes: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    otherwise: bool = False
    look: Callable[[SourceSettings, Path], Look | None] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be parsed: where it stands (None: unknown), which column, why, and the row as it was."""

    line: int | None
    column: str | None
    reason: str
    raw: str


def misfits(values: Iterable[tuple[int, str, str]] = ()) -> pl.DataFrame:
    """The `misfits` frame of a batch: at UInt32, column and text String.

    Examples
    --------
    >>> misfits([(0, "age", "old")]).rows()
    [(0, 'age', 'old')]
    """
    import polars as pl

    return pl.DataFrame(list(values), schema={"at": pl.UInt32, "column": pl.String, "text": pl.String}, orient="row")


def refused(rows: Iterable[Refusal] = ()) -> pl.DataFrame:
    """The `refused` frame of a batch: line Int64, column, reason and raw String.

    Examples
    --------
    >>> refused([Refusal(3, "age", "age: 'old' is not a number", "7,old")]).rows()
    [(3, 'age', "age: 'old' is not a number", '7,old')]
    """
    import polars as pl

    schema = {"line": pl.Int64, "column": pl.String, "reason": pl.String, "raw": pl.String}
    return pl.DataFrame([(row.line, row.column, row.reason, row.raw) for row in rows], schema=schema, orient="row")
