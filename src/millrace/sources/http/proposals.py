"""What the first answers of an API suggest: where its records are, and how its pages follow each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import polars as pl

from millrace.config.api import ApiSettings
from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources import columnar
from millrace.sources.base import Look
from millrace.sources.cursors import CHANGED, CREATED
from millrace.sources.http.client import Answer, Client, Query
from millrace.sources.http.pages import Pages, record_path, records_in
from millrace.sources.proposing.yaml_text import scalar

#: Looked at before a proposal is made, whichever is reached first.
_PAGES, _RECORDS = 10, 2_000
#: Parameters that often number pages or count records to skip, where the answer names no next page.
_NUMBERS = ("page", "page_number", "pageNumber")
_OFFSETS = ("offset", "skip", "start")
_SECRET = re.compile(r"(?i)(key|token|secret|passw|sig|auth)")


def look(url: str) -> Look:
    """The records of the first pages at `url`, and the lines of a source that reads them.

    Nothing secret of the URL is written: user, password and keys become references to the environment. Raises
    `SourceError` when the answer holds no records.
    """
    parts = urlsplit(url)
    said = parse_qsl(parts.query, keep_blank_values=True)
    client = Client(url, ApiSettings(retry=30.0), "init")
    try:
        first = client.get(parts.path or "/", said)
        document = _json(first)
        path = record_path(document)
        found = records_in(document, path, "init")
        way, evidence, more = _pages(client, url, first, document, found, path)
    finally:
        client.close()
    rows = [columnar.flat(record) for record in [*found, *more] if type(record) is dict]
    if not rows:
        raise SourceError("The API has no records to look at.", where="init", code="source.empty")
    settings = SourceSettings.model_validate({"from": url})
    raw = columnar.raw_frame(rows, columnar.names_of(rows))
    schema = columnar.found_types(raw, settings, "init")
    frame, _ = columnar.typed(raw, schema, settings)
    plain = [(name, value) for name, value in said if not _SECRET.search(name)]
    home = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    lines = [
        f"    from: {scalar(home + (f'?{urlencode(plain)}' if plain else ''))}",
        f"    record: {scalar(path or '$')}  # {_where_records_are(path, found)}",
        "    api:",
        *_auth(parts.username, [name for name, _ in said if _SECRET.search(name)]),
        f"      pages: {way}  # {evidence}",
        *_since(frame),
    ]
    whole = not more and way == "none"
    return Look(frame, schema, 0, whole, _name(parts.path, parts.hostname or "api"), tuple(lines), keyed=True)


def _pages(
    client: Client, url: str, first: Answer, document: Any, found: list[Any], path: str | None
) -> tuple[str, str, list[Any]]:
    """How `pages` is stated, what that rests on, and the records of some more pages."""
    parts = urlsplit(url)
    fixed = dict(parse_qsl(parts.query, keep_blank_values=True))
    auto = Pages("auto", (client.origin, parts.path or "/"), fixed, frozenset(), "init")
    named = auto.way(document, first.headers)
    if named is None:
        return _numbered(client, parts.path or "/", list(fixed.items()), found, path)
    more: list[Any] = []
    place = auto.after({}, document, first.headers, len(found))
    for _ in range(_PAGES - 1):
        if place is None or len(more) > _RECORDS:
            break
        answer = client.get(*auto.request(place))
        page = records_in(inner := _json(answer), path, "init")
        more += page
        place = auto.after(place, inner, answer.headers, len(page))
    return *named, more


def _numbered(
    client: Client, path: str, query: Query, found: list[Any], record: str | None
) -> tuple[str, str, list[Any]]:
    """Pages by number or offset, found by asking for the second one; `none` where no parameter changes the answer."""
    asked = [(name, "2", f"{{page: {name}}}") for name in _NUMBERS]
    asked += [(name, str(len(found)), f"{{offset: {name}}}") for name in _OFFSETS]
    for name, value, said in asked if found else ():
        try:
            second = records_in(_json(client.get(path, [*query, (name, value)])), record, "init")
        except SourceError:
            continue  # an API may well refuse a parameter that it does not know
        if second and second != found and not any(one in found for one in second):
            return said, f"{name}={value} gives other records", second
    return "none", f"all {len(found):,} records came at once, and no next page is named", []


def _auth(user: str | None, names: list[str]) -> list[str]:
    if user:
        return ['      auth: {basic: {user: "${API_USER}", password: "${API_PASSWORD}"}}  # export both']
    if names:
        keys = ", ".join(f'{scalar(name)}: "${{{_variable(name)}}}"' for name in names)
        return [f"      auth: {{query: {{{keys}}}}}  # export {' and '.join(map(_variable, names))}"]
    return ['      # auth: {bearer: "${API_TOKEN}"}  # it answered without']


def _since(frame: pl.DataFrame) -> list[str]:
    """A hint at the column that may tell what is new."""
    moments = [name for name in frame.columns if frame.schema[name] in {pl.Datetime("us"), pl.Date()}]
    named = [name for pattern in (CHANGED, CREATED) for name in moments if pattern.search(name)]
    if not named:
        return []
    return [
        "      # since: <parameter>  # asks only for what is new, where the API takes such a one; it needs the line:",
        f"    # cursor: {scalar(named[0])}",
    ]


def _where_records_are(path: str | None, found: list[Any]) -> str:
    where = "the answer is a list" if path == "$" else "the only list of objects in the answer"
    return f"{where}, {len(found):,} on the first page"


def _json(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body) if answer.body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = answer.headers.get("content-type", "no content type")
        raise SourceError(
            f"The answer ({kind}) is not JSON: {error}.",
            where="init",
            code="source.json",
            next_step="give the URL of an API that answers JSON, or of a file such as https://…/data.csv",
        ) from error


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _name(path: str, host: str) -> str:
    """The name of the source: the last part of the path that is a word."""
    words: Mapping[int, str] = dict(enumerate(re.findall(r"[A-Za-z][A-Za-z0-9_-]*", path)))
    last = words[len(words) - 1] if words else host.split(".", maxsplit=1)[0]
    return re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_") or "api"
