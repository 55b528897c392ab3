"""The records of an API over HTTP: page after page, what is new, and each record once.

A sweep asks for all pages, or with `since` for those from the newest `cursor` less `overlap` on. Records that an
earlier sweep or page delivered are left out, so pages may shift while they are read: a record pushed onto the next page
is not delivered twice. One that slips onto a page already read is missed until the next sweep asks for it.

The position is that behind the last page committed: where the next page is (`place`, see `pages`), what was asked
for (`since`), the newest `cursor` (`high`), the hashes of the records of this sweep and of those before, and how pages
repeat. It holds no parameter, header or credential of the project file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import ProjectFileError, SourceError, nearest
from millrace.records.batch import Batch, Position
from millrace.sources import columnar
from millrace.sources.base import Refusal
from millrace.sources.columnar import Part
from millrace.sources.cursors import floor, measure
from millrace.sources.gather import gathered
from millrace.sources.http.auth import revealed
from millrace.sources.http.client import Answer, Client, Query, Refused
from millrace.sources.http.pages import Pages, Place, records_in
from millrace.sources.seen import MOST_SEEN, identity, packed, unpacked

#: Types are inferred from so many records, pages or seconds, whichever comes first.
SAMPLE = (5_000, 20, 10.0)
#: Pages in a row that are empty or repeat one of this sweep, after which the API is taken to run in circles.
IDLE_PAGES = 20
#: What an API may answer to the address of a page that it no longer knows.
_FORGOTTEN = frozenset({400, 404, 410, 422})

#: Brings the answer to a path and a query.
Get = Callable[[str, Query], Answer]
#: A record as it came, and with the fields of its inner objects as its own; none for what is no object.
Record = tuple[Any, dict[str, Any] | None]


@dataclass(slots=True)
class Read:
    """How far the reading has come; `place` is None between sweeps."""

    place: Place | None = None
    since: str | None = None
    high: Any = None
    rows: int = 0
    refused: int = 0
    before: dict[bytes, None] = field(default_factory=dict)
    sweep: dict[bytes, Any] = field(default_factory=dict)
    pages: dict[bytes, None] = field(default_factory=dict)
    idle: int = 0

    def position(self) -> dict[str, Any]:
        """The position that says so."""
        plain = {name: getattr(self, name) for name in ("place", "since", "high", "rows", "refused", "idle")}
        return plain | {name: packed(getattr(self, name)) for name in ("before", "sweep", "pages")}

    @staticmethod
    def of(position: Position | None) -> Read:
        """What a position says."""
        if position is None:
            return Read()
        hashes = {name: dict.fromkeys(unpacked(position[name])) for name in ("before", "sweep", "pages")}
        return Read(**{**position, **hashes})


def request_name(path: str, query: Query) -> str:
    """What tells a request from all others of a source."""
    return json.dumps([path, query])


class ApiSource:
    """One collection of one API, as JSON."""

    def __init__(
        self, name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None
    ) -> None:
        del base
        self.name = name
        self._settings = settings
        self._api = settings.api
        self._where = f"sources.{name}"
        self._schema = dict(schema) if schema else {}
        self._keys = (settings.key,) if isinstance(settings.key, str) else tuple(settings.key or ())
        if not self._keys:
            self._refuse("Records of an API need a `key` that tells them apart.", "add `key: <column>`")
        if self._api.since and not settings.cursor:
            self._refuse(
                f"`since` sends the newest `cursor` as `{self._api.since}`, and `cursor` is not stated.",
                "add `cursor: <column>`, such as a time of change",
            )
        self._identifying = tuple(dict.fromkeys((*((settings.cursor,) if settings.cursor else ()), *self._keys)))
        self._client = Client(settings.from_, self._api, self._where)
        self._kept: dict[str, Answer] = {}

    def __repr__(self) -> str:
        return f"ApiSource({self.name!r}, {self._client.host!r})"

    def schema(self) -> dict[str, ColumnType]:
        """The columns as the first records show them; nested objects are flattened to `address.city`."""
        if not self._schema:
            records, pages, seconds = SAMPLE
            until, sample = monotonic() + seconds, list[Record]()
            for number, new in enumerate(self._sweep(Read(), self._client.get, keep=True), 1):
                sample += new
                if len(sample) >= records or number >= pages or monotonic() > until:
                    break
            self._learn(sample)
        return dict(self._schema)

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The rest of the sweep that `after` stands in, or else a new one; several pages to a batch."""
        return self._read(after, self._client.get)

    def _read(self, after: Position | None, get: Get) -> Iterator[Batch]:
        """The same, with pages that `get` brings."""
        self.schema()
        done = Read.of(after)
        resumed, found = done.place is not None, False
        try:
            for batch in self._batches(done, get):
                found = True
                yield batch
            if resumed and not found:
                yield from self._batches(done, get)
        finally:
            self._client.close()

    def _batches(self, done: Read, get: Get) -> Iterator[Batch]:
        """One sweep."""
        return gathered(
            map(self._part, self._sweep(done, get)),
            lambda parts: self._batch(parts, done),
            lambda: self._position(done),
            self._settings.chunk,
        )

    def _begin(self, done: Read) -> None:
        """Place `done` before a new sweep."""
        done.place, done.idle, done.pages, done.sweep = {}, 0, {}, {}
        low = floor(done.high, self._settings.overlap) if self._api.since and done.high is not None else None
        done.since = None if low is None else str(low)

    def _sweep(self, done: Read, get: Get, *, keep: bool = False) -> Iterator[list[Record]]:
        """What each page has that is new, `done` being moved behind the page first."""
        resumed = done.place is not None
        if not resumed:
            self._begin(done)
        pages = self._pages(done.since)
        while done.place is not None:
            place = done.place
            try:
                answer = self._answer(pages, place, get, keep)
            except Refused as refusal:
                if not resumed or refusal.status not in _FORGOTTEN:
                    raise
                done.place, done.pages, resumed = {}, {}, False
                continue
            resumed = False
            document = self._decoded(answer)
            found = records_in(document, self._settings.record, self._where)
            new = self._take(found, done)
            done.place = pages.after(place, document, answer.headers, len(found))
            if done.place is None:
                done.before = dict.fromkeys(done.sweep) | ({} if self._api.since else done.before)
                done.sweep, done.pages, done.idle = {}, {}, 0
            elif pages.request(done.place) == pages.request(place) or done.idle >= IDLE_PAGES:
                raise self._error(
                    "The API runs in circles: its next page is one that was read already.",
                    "source.api-loop",
                    "state `api.pages` as the API's manual describes them; `none` if there is one page only",
                )
            yield new

    def _take(self, found: list[Any], done: Read) -> list[Record]:
        """The records of a page that were not delivered; all of them are remembered as seen."""
        here: dict[bytes, Any] = {}
        new: list[Record] = []
        flat = [columnar.flat(record) if type(record) is dict else None for record in found]
        self._look_for_keys([fields for fields in flat if fields])
        for record, fields in zip(found, flat, strict=True):
            known = identity([fields.get(name) for name in self._identifying] if fields else [None], record)
            if known in here:
                if here[known] != record:
                    self._refuse(
                        f"`key` does not tell records apart: {str(record)[:200]} has that of another.",
                        "name all columns of the key",
                    )
                continue
            here[known] = record
            grown = self._grown(fields, done)
            if known not in done.before and known not in done.sweep:
                new.append((record, fields))
            done.sweep[known] = grown
        self._bound(done)
        print_ = identity([known.hex() for known in here], None)
        done.idle = done.idle + 1 if not here or print_ in done.pages else 0
        done.pages[print_] = None
        return new

    def _grown(self, fields: Mapping[str, Any] | None, done: Read) -> Any:
        """The measure of a record's cursor, after moving the newest one on; None where `since` does not need it."""
        value = fields.get(self._settings.cursor) if fields and self._api.since and self._settings.cursor else None
        if value is None:
            return None
        try:
            if type(value) not in {str, int, float}:
                raise TypeError
            size = measure(value)
            if done.high is None or size > measure(done.high):
                done.high = value
        except TypeError:
            raise self._error(
                f"`{self._settings.cursor}` holds {done.high!r} and {value!r}, which have no order.",
                "source.cursor",
                "name a `cursor` whose values are all numbers, or all dates and times",
            ) from None
        return size

    def _bound(self, done: Read) -> None:
        """Forget what no later sweep will ask for, when there is much to remember."""
        if len(done.before) + len(done.sweep) <= MOST_SEEN:
            return
        if self._api.since and done.high is not None:
            least = measure(floor(done.high, self._settings.overlap))
            done.sweep = {known: size for known, size in done.sweep.items() if size is None or size >= least}
        if len(done.before) + len(done.sweep) > MOST_SEEN:
            raise self._error(
                f"More than {MOST_SEEN:,} records would have to be remembered to tell which are new.",
                "source.api-size",
                "state `cursor` and `api.since`, or read the collection in parts by `api.params`",
            )

    def _part(self, records: list[Record]) -> Part:
        """The new records of a page as columns; the objects that they came as are let go."""
        if not self._schema:
            self._learn(records)
        rows = [fields or {} for _, fields in records]
        frame = columnar.raw_frame(rows, dict.fromkeys((*self._schema, *columnar.names_of(rows))))
        void = {row: _no_object(record) for row, (record, fields) in enumerate(records) if fields is None}
        return columnar.part(frame, self._schema, self._settings, self._where, void)

    def _batch(self, parts: list[Part], done: Read) -> Batch:
        made = columnar.joined(parts, self._schema, self._settings, done.refused)
        first = done.rows + 1
        done.rows, done.refused = done.rows + made.frame.height, done.refused + made.refused.height
        position = self._position(done)
        return Batch(made.frame, made.refused, self._client.host, first, position, misfits=made.misfits)

    def _position(self, done: Read) -> dict[str, Any]:
        position = done.position()
        if self._client.tells(json.dumps([position["place"], position["since"], position["high"]])):
            raise self._error("The next page's address repeats a credential; it is not written down.", "source.secret")
        return position

    def _learn(self, records: list[Record]) -> None:
        rows = [fields for _, fields in records if fields]
        if rows:
            frame = columnar.raw_frame(rows, columnar.names_of(rows))
            self._schema = columnar.found_types(frame, self._settings, self._where)

    def _answer(self, pages: Pages, place: Place, get: Get, keep: bool) -> Answer:
        """The answer to one page; that of a page read for the schema is used again, once."""
        path, query = pages.request(place)
        name = request_name(path, query)
        answer = self._kept.pop(name, None) or get(path, query)
        if keep:
            self._kept[name] = answer
        return answer

    def _decoded(self, answer: Answer) -> Any:
        body = answer.body.removeprefix(b"\xef\xbb\xbf").strip()
        try:
            return msgspec.json.decode(body) if body else None
        except RecursionError:
            reason = "it is nested too deep"
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = str(error)
        kind = answer.headers.get("content-type", "no content type")
        shown = self._client.hide(body[:100].decode("utf-8", errors="replace"))
        raise self._error(
            f"{self._client.host} answers ({kind}) with what is not JSON: {reason}. It begins {shown!r}.",
            "source.json",
            "check `from`; nothing of this page was kept",
        )

    def _look_for_keys(self, objects: list[dict[str, Any]]) -> None:
        """Raise `SourceError` when no record has a column that identifies it."""
        for name in self._identifying if objects else ():
            if not any(name in fields for fields in objects):
                allowed = columnar.names_of(objects)
                raise SourceError(
                    f"The records have no field `{name}`.",
                    where=self._where,
                    code="source.columns",
                    allowed=allowed[:40],
                    nearest=nearest(name, allowed),
                    next_step="correct `key` and `cursor`, or `record`",
                )

    def _pages(self, since: str | None) -> Pages:
        parts = urlsplit(self._settings.from_)
        fixed = dict(parse_qsl(parts.query, keep_blank_values=True)) | revealed(self._api.params)
        if self._api.since and since is not None:
            fixed[self._api.since] = since
        hidden = frozenset((self._api.auth.query if self._api.auth else None) or ())
        return Pages(self._api.pages, (self._client.origin, parts.path or "/"), fixed, hidden, self._where)

    def _error(self, seen: str, code: str, next_step: str = "") -> SourceError:
        return SourceError(seen, where=self._where, code=code, next_step=next_step)

    def _refuse(self, seen: str, next_step: str) -> None:
        raise ProjectFileError(seen, where=self._where, code="config.api", next_step=next_step)


def _no_object(record: Any) -> Refusal:
    return Refusal(None, None, "not a JSON object", msgspec.json.encode(record).decode())
