"""Rows that a team's own function yields (`use: package.module:function`), and those of other libraries' sources.

The function may yield Polars frames, whatever exports Arrow, dicts, and lists of dicts. Where it takes an argument
`position`, it gets what it yielded last beside rows, as `(rows, position)`, that were committed; None at first. So it
continues there. Where it does not, it is called anew each time: rows already delivered are left out, by `key` where one
is stated, else by their number, and then the function must yield the same rows first.

The position is ``{"state": …, "rows": n, "refused": n, "count": n, "last": hash, "seen": hashes}``; the last three
speak of the rows since `state` took effect.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import MillraceError, SourceError
from millrace.records.batch import Batch, Position
from millrace.sources import columnar
from millrace.sources.base import Source, SourceKind
from millrace.sources.columnar import Part
from millrace.sources.gather import gathered
from millrace.sources.own.code import load, told
from millrace.sources.seen import MOST_SEEN, identity, packed, unpacked

#: Types are inferred from so many rows, or what comes within so many seconds.
SAMPLE = (5_000, 10.0)
#: Dicts that come one by one are handled so many at a time.
ROWS = 1_000

Rows = pl.DataFrame | list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Item:
    """Some rows, and the state that takes effect with them, where `moved`."""

    rows: Rows
    state: Any = None
    moved: bool = False


#: Gives the items behind a state; None is the beginning.
Feed = Callable[[Any], Iterator[Item]]
#: Libraries whose objects are fed by an adapter: ``adapter(object, settings, where)`` is a feed.
ADAPTERS: Mapping[str, str] = {"dlt": "millrace.sources.own.dlt_resource:feed"}


@dataclass(slots=True)
class _Read:
    """How far the reading has come; `count`, `last` and `seen` speak of the rows since `state` took effect."""

    state: Any = None
    rows: int = 0
    refused: int = 0
    count: int = 0
    last: str = ""
    seen: dict[bytes, None] = field(default_factory=dict)

    def position(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("state", "rows", "refused", "count", "last")}
        return plain | {"seen": packed(self.seen)}

    @staticmethod
    def of(position: Position | None) -> _Read:
        return _Read(**{**position, "seen": dict.fromkeys(unpacked(position["seen"]))}) if position else _Read()

    def move(self, state: Any) -> None:
        """Let `state` take effect behind the rows so far; a state that did not move leaves them to be recognised."""
        if state != self.state:
            self.state, self.count, self.last, self.seen = state, 0, "", {}


class OwnSource:
    """The rows of one feed."""

    def __init__(
        self, name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None
    ) -> None:
        self.name = name
        self._settings = settings
        self._where = f"sources.{name}"
        self._schema = dict(schema) if schema else {}
        self._keys = (settings.key,) if isinstance(settings.key, str) else tuple(settings.key or ())
        self._identifying = tuple(dict.fromkeys((*((settings.cursor,) if settings.cursor else ()), *self._keys)))
        self._target = settings.use or ""
        self._feed = fed(load(self._target, base, self._where), settings, self._where)
        self._begun: Iterator[Item] | None = None

    def __repr__(self) -> str:
        return f"OwnSource({self.name!r}, {self._target!r})"

    def schema(self) -> dict[str, ColumnType]:
        """The columns as the first rows show them."""
        if not self._schema:
            rows, seconds = SAMPLE
            until, items, count = monotonic() + seconds, list[Item](), 0
            feed = self._items(None)
            try:
                for item in feed:
                    items.append(item)
                    count += len(item.rows)
                    if count >= rows or monotonic() > until:
                        break
            except SourceError as error:
                if not count:
                    raise
                feed = map(_failing, [error])  # what came before is committed first
            self._begun = chain(items, feed)
            self._learn([item.rows for item in items])
        return dict(self._schema)

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The rows behind `after`."""
        self.schema()
        done = _Read.of(after)
        begun, self._begun = self._begun, None
        items = begun if begun is not None and after is None else self._items(done.state)
        return gathered(
            map(self._part, self._new(items, done)),
            lambda parts: self._batch(parts, done),
            done.position,
            self._settings.chunk,
        )

    def _items(self, state: Any) -> Iterator[Item]:
        """The items of the feed; what goes wrong in it is told as an error of the source."""
        try:
            yield from self._feed(state)
        except MillraceError:
            raise
        except Exception as error:
            raise SourceError(
                f"`{self._target}` failed: {self._hide(told(error))}",
                where=self._where,
                code="source.use",
                next_step="mend it and run again; what was committed is kept and not read again",
            ) from error

    def _new(self, items: Iterator[Item], done: _Read) -> Iterator[Rows]:
        """The rows of each item that were not delivered."""
        # The rows to pass over are those delivered since the state took effect: they come first again.
        behind = 0 if self._keys else done.count
        for item in items:
            rows = item.rows
            if self._keys:
                rows = self._unseen(rows, done)
            elif behind:
                passed = min(behind, len(rows))
                behind -= passed
                if passed and not behind and _print(rows, passed - 1) != done.last:
                    raise self._changed()
                rows = rows[passed:]
            if len(rows):
                done.count, done.last = done.count + len(rows), "" if self._keys else _print(rows, len(rows) - 1)
            if item.moved:
                done.move(item.state)
            yield rows
        if behind:
            raise self._changed()

    def _unseen(self, rows: Rows, done: _Read) -> Rows:
        new = []
        for at, record in enumerate(_records(rows)):
            known = identity([record.get(name) for name in self._identifying], record)
            if known not in done.seen:
                self._bound(done)
                done.seen[known] = None
                new.append(at)
        if len(new) == len(rows):
            return rows
        return rows[new] if isinstance(rows, pl.DataFrame) else [rows[at] for at in new]

    def _bound(self, done: _Read) -> None:
        if len(done.seen) >= MOST_SEEN:
            raise SourceError(
                f"More than {MOST_SEEN:,} rows would have to be remembered to tell which are new.",
                where=self._where,
                code="source.size",
                next_step="let the function take `position` and continue there",
            )

    def _part(self, rows: Rows) -> Part:
        if not self._schema:
            self._learn([rows])
        return columnar.part(_framed(rows, self._schema), self._schema, self._settings, self._where)

    def _batch(self, parts: list[Part], done: _Read) -> Batch:
        made = columnar.joined(parts, self._schema, self._settings, done.refused)
        first = done.rows + 1
        done.rows, done.refused = done.rows + made.frame.height, done.refused + made.refused.height
        return Batch(made.frame, made.refused, self._target, first, done.position(), misfits=made.misfits)

    def _learn(self, parts: Iterable[Rows]) -> None:
        frames = [_framed(rows, {}) for rows in parts if len(rows)]
        if frames:
            sample = columnar.plain_frame(pl.concat(frames, how="diagonal_relaxed"))
            self._schema = columnar.found_types(sample, self._settings, self._where)

    def _hide(self, text: str) -> str:
        """`text` without the arguments that the project file gives: they may be secrets."""
        for value in self._settings.with_.values():
            if isinstance(value, str) and len(value) > 3:
                text = text.replace(value, "***")
        return text

    def _changed(self) -> SourceError:
        return SourceError(
            f"`{self._target}` does not yield the rows first that it yielded before, so what is new cannot be told.",
            where=self._where,
            code="source.use",
            next_step="state the `key` of its rows, or let it take `position` and continue there",
        )


def fed(thing: Any, settings: SourceSettings, where: str) -> Feed:
    """The feed of what `use` names: an object that an adapter knows, or a function."""
    if adapter := _adapter(thing):
        # A factory of such objects has parameters, and the object itself has none that are free.
        return adapter(thing, settings, where)
    if not callable(thing):
        return lambda _: _each(thing, settings, where)

    def call(state: Any) -> Iterator[Item]:
        takes = "position" in inspect.signature(thing).parameters
        given = thing(**settings.with_, **({"position": state} if takes else {}))
        if adapter := _adapter(given):
            yield from adapter(given, settings, where)(state)
        else:
            yield from _each(given, settings, where)

    return call


def _adapter(thing: Any) -> Callable[[Any, SourceSettings, str], Feed] | None:
    library = type(thing).__module__.partition(".")[0]
    if library not in ADAPTERS:
        return None
    module, _, name = ADAPTERS[library].partition(":")
    found: Callable[[Any, SourceSettings, str], Feed] = getattr(import_module(module), name)
    return found


def _each(given: Any, settings: SourceSettings, where: str) -> Iterator[Item]:
    """The items of what a function returned: rows, or an iterable of rows."""
    if (whole := rows_of(given)) is not None:
        yield Item(whole)
        return
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise _unusable(given, settings, where)
    yield from grouped(given, settings, where)


def grouped(things: Iterable[Any], settings: SourceSettings, where: str) -> Iterator[Item]:
    """The items of an iterable of frames, lists of dicts, dicts, and pairs of these with a position."""
    single: list[dict[str, Any]] = []
    for thing in things:
        if isinstance(thing, dict):
            single.append(thing)
            if len(single) >= min(ROWS, settings.chunk or ROWS):
                yield Item(single)
                single = []
            continue
        if single:
            yield Item(single)
            single = []
        pair = isinstance(thing, tuple) and len(thing) == 2
        rows = rows_of(thing[0] if pair else thing)
        if rows is None:
            raise _unusable(thing, settings, where)
        yield Item(rows, thing[1], moved=True) if pair else Item(rows)
    if single:
        yield Item(single)


def _failing(error: SourceError) -> Item:
    raise error


def rows_of(thing: Any) -> Rows | None:
    """Rows as this room handles them; None for what are no rows."""
    if isinstance(thing, pl.LazyFrame):
        thing = thing.collect()
    if isinstance(thing, pl.DataFrame):
        return thing
    if isinstance(thing, dict):
        return [thing]
    if hasattr(thing, "__arrow_c_stream__") or hasattr(thing, "__arrow_c_array__"):
        return pl.DataFrame(thing)
    if isinstance(thing, list) and all(isinstance(row, dict) for row in thing):
        return thing
    return None


def _framed(rows: Rows, schema: Mapping[str, ColumnType]) -> pl.DataFrame:
    """Rows as columns; a dict that lacks a key of `schema` has no value there, a frame does not have the column."""
    if isinstance(rows, pl.DataFrame):
        return columnar.plain_frame(rows)
    records = [columnar.flat(row) for row in rows]
    return columnar.raw_frame(records, dict.fromkeys((*schema, *columnar.names_of(records))))


def _records(rows: Rows) -> Sequence[Mapping[str, Any]]:
    return rows.rows(named=True) if isinstance(rows, pl.DataFrame) else rows


def _record(rows: Rows, at: int) -> Mapping[str, Any]:
    return rows.row(at, named=True) if isinstance(rows, pl.DataFrame) else rows[at]


def _print(rows: Rows, at: int) -> str:
    """The hash of one row."""
    return identity([None], _record(rows, at)).hex()


def _unusable(thing: Any, settings: SourceSettings, where: str) -> SourceError:
    return SourceError(
        f"`{settings.use}` gives {type(thing).__name__}, which are no rows.",
        where=where,
        code="source.use",
        allowed=["a Polars frame", "an Arrow table", "a dict", "a list of dicts", "(rows, position)"],
    )


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return OwnSource(name, settings, base, schema)


KIND = SourceKind("own", _open)
