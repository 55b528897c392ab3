"""XML: one row per record element, read as a stream.

Attributes and child elements become columns. Nested ones are flattened (``address.city``); children that repeat are
kept as JSON. The record's tag is the first that repeats, nearest to the root, unless `record` states it. Declarations
of entities are refused: data needs none, and attacks do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import SourceKind
from millrace.sources.files.converted import opener
from millrace.sources.files.unpack import pieces

_DEEPEST = 100


class _Element:
    """An element within a record."""

    __slots__ = ("attributes", "children", "text")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.children: list[tuple[str, _Element]] = []
        self.text: list[str] = []


class _Reader:
    """Builds the records while the parser runs; `found` holds those that are complete."""

    def __init__(self, path: Path, wanted: str) -> None:
        self.path = path
        self.wanted = wanted
        self.found: list[tuple[int, str]] = []
        self.stack: list[_Element] = []
        self.line = 0
        self.parser = _parser(path)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.stack and tag != self.wanted:
            return
        if len(self.stack) >= _DEEPEST:
            why = f"elements are nested more than {_DEEPEST} deep"
            raise _refused(self.path, why, self.parser.CurrentLineNumber)
        element = _Element(attributes)
        if self.stack:
            self.stack[-1].children.append((tag, element))
        else:
            self.line = self.parser.CurrentLineNumber
        self.stack.append(element)

    def end(self, _: str) -> None:
        if not self.stack:
            return
        element = self.stack.pop()
        if not self.stack:
            self.found.append((self.line, json.dumps(_values(element, ""), ensure_ascii=False)))

    def text(self, words: str) -> None:
        if self.stack:
            self.stack[-1].text.append(words)


def records(path: Path, settings: SourceSettings) -> Iterator[tuple[int, str]]:
    """The line at which each record starts, and the record as JSON. Raises `SourceError` where the XML breaks."""
    reader = _Reader(path, settings.record or _record_tag(path))
    for _ in _parsed(reader.parser, path):
        yield from reader.found
        reader.found.clear()


def _record_tag(path: Path) -> str:
    """The tag that repeats nearest to the root; the first below the root when none does."""
    seen: Counter[tuple[int, str]] = Counter()
    depth = 0
    parser = _parser(path)

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal depth
        seen[(depth, tag)] += 1
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    for _ in _parsed(parser, path):
        if repeated := [place for place, count in seen.items() if count > 1]:
            return min(repeated, key=lambda place: place[0])[1]
    return next((tag for level, tag in seen if level == 1), next(iter(seen))[1])


def _parser(path: Path) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def entity(name: str, *_: object) -> None:
        raise _refused(path, f"it declares the entity `{name}`", parser.CurrentLineNumber)

    parser.EntityDeclHandler = entity
    return parser


def _parsed(parser: expat.XMLParserType, path: Path) -> Iterator[None]:
    """Feed the file to `parser`, a piece at a time."""
    try:
        for piece in pieces(path):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise SourceError(
            f"`{path.name}` is not well-formed XML: {error}.",
            where=f"{path}:{error.lineno}",
            code="source.xml",
            next_step="mend the file; nothing of it was kept",
        ) from error


def _values(element: _Element, prefix: str) -> dict[str, Any]:
    """The flattened values; where an attribute and a child have one name, the second gets a number."""
    values: dict[str, Any] = {}
    for name, value in _flat(element, prefix):
        number, free = 1, name
        while free in values:
            number += 1
            free = f"{name}_{number}"
        values[free] = value
    return values


def _flat(element: _Element, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in element.attributes.items():
        yield prefix + name, value
    counts = Counter(tag for tag, _ in element.children)
    lists: dict[str, list[Any]] = {}
    for tag, child in element.children:
        if counts[tag] > 1:
            if tag not in lists:
                lists[tag] = [_plain(other) for name, other in element.children if name == tag]
                yield prefix + tag, lists[tag]
        elif child.children or child.attributes:
            yield from _flat(child, f"{prefix}{tag}.")
        else:
            yield prefix + tag, "".join(child.text)
    words = "".join(element.text).strip()
    if words:
        yield f"{prefix}text", words


def _plain(element: _Element) -> Any:
    return _values(element, "") if element.children or element.attributes else "".join(element.text)


def _refused(path: Path, why: str, line: int) -> SourceError:
    return SourceError(
        f"`{path.name}` is refused: {why}.",
        where=f"{path}:{line}",
        code="source.xml",
        next_step="remove it from the file if you trust where it comes from",
    )


KIND = SourceKind("xml", opener(records, typed=False), suffixes=(".xml",))
