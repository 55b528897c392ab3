"""Where in an API's answer the records stand, and where the next page is.

Nothing here asks a server. A place is what tells one page from the others, as JSON: ``{}`` is the first,
``{"page": 3}``, ``{"offset": 200}`` and ``{"token": "x"}`` speak for themselves, and ``{"path": …, "query": …}`` is a
URL that the API named, without what the project file says: those parameters are named only, as they may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from millrace.config.api import PagesSettings
from millrace.errors import SourceError

Place = Mapping[str, Any]
Steps = tuple[str | int, ...]

_STEP = re.compile(r"""\[\s*(?:(\d+)|'([^']*)'|"([^"]*)"|\*)\s*\]|([^.\[\]]+)""")
#: A target, and its parameters: names with values that may be quoted.
_LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^=;,\s]+(?:\s*=\s*(?:"[^"]*"|[^;,"\s]*))?)*)""")
#: Under these an answer names the URL of its next page.
_NEXT: tuple[Steps, ...] = (
    ("next",),
    ("next_url",),
    ("nextUrl",),
    ("next_page_url",),
    ("nextLink",),
    ("@odata.nextLink",),
    ("@nextLink",),
    ("links", "next"),
    ("links", "next", "href"),
    ("_links", "next"),
    ("_links", "next", "href"),
    ("paging", "next"),
    ("paging", "next", "link"),
    ("pagination", "next"),
    ("pagination", "next_url"),
    ("meta", "next"),
    ("meta", "next_url"),
    ("info", "next"),
)
#: Under these it gives a token, and the parameter that takes it.
_TOKENS: tuple[tuple[Steps, str], ...] = (
    (("next_cursor",), "cursor"),
    (("meta", "next_cursor"), "cursor"),
    (("pagination", "next_cursor"), "cursor"),
    (("response_metadata", "next_cursor"), "cursor"),
    (("nextPageToken",), "pageToken"),
    (("next_page_token",), "page_token"),
)
_TOTALS: tuple[Steps, ...] = (
    *((name,) for name in ("total", "total_count", "totalCount", "total_results", "totalResults", "count")),
    *((part, "total") for part in ("meta", "pagination", "paging", "info", "page")),
    *((part, "count") for part in ("meta", "pagination", "info")),
)
_DEEPEST_LIST = 3


def steps(path: str) -> Steps:
    """A path such as ``data.items`` or ``$.hits[0]['a.b']`` as the steps to take.

    Examples
    --------
    >>> steps("$.hits[0]['a.b']"), steps("data[*]"), steps("$")
    (('hits', 0, 'a.b'), ('data',), ())
    """
    found: list[str | int] = []
    for number, single, double, name in _STEP.findall(path.removeprefix("$")):
        if number:
            found.append(int(number))
        elif single or double or name:
            found.append(single or double or name)
    return tuple(found)


def written(path: Steps) -> str:
    """Steps as a path.

    Examples
    --------
    >>> written(("data", "items")), written(()), written(("@odata.nextLink",))
    ('data.items', '$', "['@odata.nextLink']")
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f"['{step}']" if re.search(r"[.\[\]']", step) else f".{step}"
    return text.removeprefix(".") or "$"


def at(document: Any, path: Steps) -> Any:
    """What stands at `path`; None when nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def records_in(document: Any, record: str | None, where: str) -> list[Any]:
    """The records of an answer: what `record` names, or the only list of objects in it.

    Raises `SourceError` when `record` names nothing, or is not stated and none, or several lists could be meant.
    """
    if record is not None:
        found = at(document, steps(record))
        if found is None and not _null_at(document, steps(record)):
            raise SourceError(
                f"The answer has nothing at `{record}`.",
                where=where,
                code="source.record",
                allowed=[written(path) for path, _ in _lists(document)][:12],
                next_step="correct `record`",
            )
        return found if isinstance(found, list) else [] if found is None else [found]
    if isinstance(document, list) or document is None:
        return document or []
    lists = list(_lists(document))
    filled = [path for path, found in lists if _holds_objects(found)]
    shallow = [path for path in filled if len(path) == min(map(len, filled))]
    if len(shallow) == 1:
        return list(at(document, shallow[0]))
    if not filled and any(not found for _, found in lists):
        return []
    seen = "Several lists in the answer could hold the records" if shallow else "The answer holds no list of records"
    raise SourceError(
        f"{seen}.",
        where=where,
        code="source.record",
        allowed=[f"record: {written(path)}" for path in shallow] or ["record: $ for the answer itself as one record"],
        next_step="state `record`: the path to the list",
    )


def record_path(document: Any) -> str | None:
    """Where the records stand, as `record` states it; None when there is not exactly one place."""
    filled = [path for path, found in _lists(document) if _holds_objects(found)]
    shallow = [path for path in filled if len(path) == min(map(len, filled))]
    return written(shallow[0]) if len(shallow) == 1 else None


def _holds_objects(found: list[Any]) -> bool:
    return any(type(record) is dict for record in found[:100])


def _lists(document: Any, path: Steps = ()) -> Iterator[tuple[Steps, list[Any]]]:
    """Every list that is not inside another, with its path."""
    if isinstance(document, list):
        yield path, document
    elif isinstance(document, dict) and len(path) < _DEEPEST_LIST:
        for name, inner in document.items():
            yield from _lists(inner, (*path, name))


def _null_at(document: Any, path: Steps) -> bool:
    """Whether the path exists and holds null, as some APIs write an empty list."""
    before = at(document, path[:-1])
    return bool(path) and isinstance(before, dict) and path[-1] in before


class Pages:
    """How the pages of one API follow each other.

    `origin` and `path` are those of `from`, `fixed` are the parameters of every request, and parameters named in
    `hidden` are never remembered.
    """

    def __init__(
        self,
        stated: str | PagesSettings,
        at: tuple[str, str],
        fixed: Mapping[str, str],
        hidden: frozenset[str],
        where: str,
    ) -> None:
        self._stated = stated
        self._origin, self._path = at
        self._fixed = fixed
        self._hidden = hidden
        self._where = where

    def request(self, place: Place) -> tuple[str, list[tuple[str, str]]]:
        """Path and query of the page at `place`."""
        if "query" in place:
            segments = self._path.split("/")[: place["kept"]] + place["path"]
            query = [(name, self._fixed.get(name, "") if value is None else value) for name, value in place["query"]]
            return "/".join(segments), query
        named = self._stated if isinstance(self._stated, PagesSettings) else PagesSettings.model_construct()
        added: dict[str, str] = {}
        if named.page:
            added[named.page] = str(place.get("page", named.first))
        elif named.offset:
            added[named.offset] = str(place.get("offset", 0))
        elif "token" in place:
            added[place["param"]] = place["token"]
        return self._path, list({**self._fixed, **added}.items())

    def after(self, place: Place, document: Any, headers: Mapping[str, str], count: int) -> Place | None:
        """The place behind `place`, whose answer held `count` records; None behind the last page."""
        said = self._stated
        if isinstance(said, PagesSettings):
            return self._as_stated(said, place, document, count)
        if said == "none":
            return None
        return self._link(place, headers) if said == "link" else self._found(place, document, headers, count)

    def _found(self, place: Place, document: Any, headers: Mapping[str, str], count: int) -> Place | None:
        """The next place as APIs usually name it."""
        if link := self._link(place, headers):
            return link
        for path in _NEXT:
            target = at(document, path)
            if isinstance(target, str) and re.match(r"[a-z]+:|/|\?", target, re.IGNORECASE):
                return self._url(place, target)
        for path, param in _TOKENS:
            if token := _token(at(document, path)):
                return {"token": token, "param": param}
        if not place:
            self._refuse_a_part(document, headers, count)
        return None

    def way(self, document: Any, headers: Mapping[str, str]) -> tuple[str, str] | None:
        """How `pages` states what `auto` finds in an answer, and the evidence; None when it finds nothing."""
        if _next_link(headers):
            return "link", "the answer has a Link header with rel=next"
        for path in _NEXT:
            target = at(document, path)
            if isinstance(target, str) and re.match(r"[a-z]+:|/|\?", target, re.IGNORECASE):
                return f"{{next: {_quoted(written(path))}}}", f"{written(path)} holds the URL of the next page"
        for path, param in _TOKENS:
            if _token(at(document, path)):
                said = f"{{token: {_quoted(written(path))}, param: {param}}}"
                return said, f"{written(path)} holds a token; `{param}` usually takes it"
        return None

    def _as_stated(self, said: PagesSettings, place: Place, document: Any, count: int) -> Place | None:
        if said.page:
            return {"page": place.get("page", said.first) + 1} if count else None
        if said.offset:
            return {"offset": place.get("offset", 0) + count} if count else None
        found = at(document, steps(said.next or said.token or ""))
        if found is None or found is False or found == "":
            return None
        if (text := _token(found)) is None:
            raise self._error(f"`{said.next or said.token}` holds neither text nor number.", "correct `api.pages`")
        return self._url(place, text) if said.next else {"token": text, "param": said.param}

    def _link(self, place: Place, headers: Mapping[str, str]) -> Place | None:
        target = _next_link(headers)
        return self._url(place, target) if target else None

    def _url(self, place: Place, target: str) -> Place:
        """The place that a URL names. Raises `SourceError` for one of another host or another scheme."""
        path, query = self.request(place)
        base = f"{self._origin}{path}" + ("?" + "&".join(f"{n}={v}" for n, v in query) if query else "")
        try:
            found, home = urlsplit(urljoin(base, target)), urlsplit(self._origin)
            upgraded = (found.scheme, home.scheme, found.port) in {("http", "https", None), ("http", "https", 80)}
            same = found.hostname == home.hostname and (
                upgraded or (found.scheme == home.scheme and _port(found) == _port(home))
            )
        except ValueError:
            raise self._error("The URL of the next page is none.", "") from None
        if not same:
            seen = f"The next page is said to be at {found.scheme}://{found.hostname or ''}, not where `from` is."
            raise self._error(f"{seen} It is not followed.", "read that host as a source of its own if you trust it")
        mine, theirs = self._path.split("/"), (found.path or "/").split("/")
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False)))
        pairs = [pair for pair in parse_qsl(found.query, keep_blank_values=True) if pair[0] not in self._hidden]
        told = [[name, None if self._fixed.get(name) == value else value] for name, value in pairs]
        return {"kept": kept, "path": theirs[kept:], "query": told}

    def _refuse_a_part(self, document: Any, headers: Mapping[str, str], count: int) -> None:
        """Raise `SourceError` when the answer says that there is more than it holds, and not where."""
        totals = [value for path in _TOTALS if type(value := at(document, path)) is int]
        if (stated := headers.get("x-total-count", "")).isdigit():
            totals.append(int(stated))
        if count and totals and max(totals) > count:
            raise SourceError(
                f"The answer holds {count:,} of {max(totals):,} records, and does not say where the next page is.",
                where=self._where,
                code="source.api-pages",
                allowed=["pages: {page: …}", "pages: {offset: …}", "pages: {token: …, param: …}", "pages: none"],
                next_step="state `api.pages`; `none` if this answer is all you want",
            )

    def _error(self, seen: str, next_step: str) -> SourceError:
        return SourceError(seen, where=self._where, code="source.api-pages", next_step=next_step)


def _next_link(headers: Mapping[str, str]) -> str | None:
    """The target of a `Link` header (RFC 8288) whose relation is `next`."""
    for target, parameters in _LINK.findall(headers.get("link", "")):
        if re.search(r"""\brel\s*=\s*"?[^"]*\bnext\b""", parameters, re.IGNORECASE):
            return str(target)
    return None


def _token(value: Any) -> str | None:
    """A value that can be sent back: text or a whole number."""
    return str(value) if value != "" and type(value) in {str, int} else None


def _port(parts: Any) -> int:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _quoted(path: str) -> str:
    return path if re.fullmatch(r"[A-Za-z_][\w.]*", path) else f'"{path}"'
