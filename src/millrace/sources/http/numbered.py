"""An API whose pages have numbers: they can be asked for before the ones in front of them have come.

A part sends one request, once. It was let out here, in its turn and with its credentials, so a rate holds for all
parts together. Whatever a part does not bring at once (an error, a redirection, a page that is elsewhere than expected)
is asked for here, as in a reading that is not divided: so both give the same batches, and the same errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from millrace.config.api import PagesSettings
from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.records.batch import Batch, Position
from millrace.sources.http.client import Answer, Client, Query, Request
from millrace.sources.http.pages import Pages, Place, records_in
from millrace.sources.http.source import ApiSource, Read, request_name


def can_be_asked_ahead(settings: SourceSettings) -> bool:
    """Whether pages are asked for by number, or by how many records stand before them, and all in every sweep.

    When rows come in front while pages are read, one may move from a page not read yet to one that was asked for ahead
    of it. The next sweep finds it, except with `since`, which may never ask for it again: such a sweep goes in order.
    """
    said = settings.api.pages
    return isinstance(said, PagesSettings) and bool(said.page or said.offset) and settings.api.since is None


@dataclass(frozen=True, slots=True)
class Asked:
    """One page, asked for ahead; `name` tells it from the others."""

    name: str
    request: Request

    def read(self) -> Iterator[tuple[str, Answer | None]]:
        """Its answer; None when it must be asked for again."""
        yield self.name, self.request.answer()


class NumberedApi(ApiSource):
    """One collection of one API whose pages have numbers."""

    def parts(self, after: Position | None) -> Iterator[Asked]:
        """The pages behind `after` that no answer is kept of, without end: whoever joins them knows which is last."""
        self.schema()
        done = Read.of(after)
        if done.place is None:
            self._begin(done)
        assert done.place is not None
        pages = self._pages(done.since)
        places = _places(pages, done.place, self._size(pages, done.place))
        kept = frozenset(self._kept)
        requests = ((request_name(*request), request) for request in map(pages.request, places))
        return (Asked(name, self._client.let_out(*request)) for name, request in requests if name not in kept)

    def joined(self, after: Position | None, found: Iterator[tuple[str, Answer | None]]) -> Iterator[Batch]:
        """The batches of one sweep, for which pages that were asked for ahead need not be asked for again."""
        return self._read(after, _Ahead(self._client, found).get)

    def _size(self, pages: Pages, place: Place) -> int:
        """How many records each page has if it has as many as the one at `place`; 0 when that one cannot be read."""
        said = self._settings.api.pages
        if isinstance(said, PagesSettings) and said.page:
            return 1  # its number says where the next one is, however many it has
        try:
            document = self._decoded(self._answer(pages, place, self._client.get, keep=True))
            return len(records_in(document, self._settings.record, self._where))
        except SourceError:
            return 0  # whoever joins the parts meets it again


class _Ahead:
    """Answers that were asked for ahead, as long as they are asked for in that order; all others from the client."""

    def __init__(self, client: Client, found: Iterator[tuple[str, Answer | None]]) -> None:
        self._client = client
        self._found = found
        self._true = True

    def get(self, path: str, query: Query) -> Answer:
        """The answer to one request."""
        name, answer = next(self._found, ("", None)) if self._true else ("", None)
        self._true = name == request_name(path, query)
        return answer if self._true and answer else self._client.get(path, query)


def _places(pages: Pages, first: Place, size: int) -> Iterator[Place]:
    """`first` and the places behind it, were all pages full."""
    place: Place | None = first
    while place is not None:
        yield place
        place = pages.after(place, None, {}, size)
