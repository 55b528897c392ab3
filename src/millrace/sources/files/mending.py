"""Lines that the reader of a delimited file would misread: refused here, and left empty in the copy that it reads.

A quote that never closes would take all that follows with it; and a reader that works in parallel would go on somewhere
further down, and not tell what it left out. So the line that opens such a quote is refused alone, and the lines that
the quote swallowed are read as rows of their own. Line ends of another kind than the file's are made like the others.
Lines keep their numbers. Most lines with too few or too many values are refused here too: the reader would hold what it
has to say of each in memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np

from millrace.sources.base import Refusal
from millrace.sources.files.dialect import Dialect
from millrace.sources.files.quoting import Lines, Quoting, doubtful, lines_of
from millrace.sources.files.refusals import Refusals
from millrace.sources.files.unpack import PIECE, unpacked
from millrace.sources.scratch import Scratch

#: The longest record in bytes, which the reader has too: what is longer is a quote that is not closed, or no table.
LONGEST = 2_000_000
#: About so many lines of a block are asked whether there are broken ones.
_SAMPLE = 50
_LINE_END = re.compile(rb"[\r\n]")
_BOM = b"\xef\xbb\xbf"
_NEWLINES = {r"\n": b"\n", r"\r": b"\r", r"\r\n": b"\r\n"}


class Edit(NamedTuple):
    """Bytes of the file, what the copy has instead, and the refusal of a line that is taken away."""

    start: int
    end: int
    instead: bytes = b""
    refusal: Refusal | None = None


def mended(path: Path, dialect: Dialect, scratch: Scratch) -> tuple[Path, Refusals]:
    """The file without the lines that would be misread, and their refusals; `path` itself where there are none."""
    refusals, copy = Refusals(scratch), None
    with unpacked(path) as handle:
        for edit in _Pass(dialect).edits(handle):
            copy = copy or _Copy(path, scratch.place(path.name.removesuffix(".gz")))
            copy.put(edit)
            if edit.refusal:
                refusals.add(edit.refusal)
    return (copy.whole() if copy else path), refusals


@dataclass(frozen=True, slots=True)
class _Window:
    """Some lines of a file: where they start in it, the number of the first, and whether no more can be added.

    Of the last line, `cut` bytes are left out: it is too long to be held.
    """

    at: int
    number: int
    content: bytes
    lines: Lines
    final: bool
    cut: int

    def start(self, n: int) -> int:
        return self.at + int(self.lines.starts[n])

    def end(self, n: int) -> int:
        """Where the line end of a line stands in the file."""
        return self.at + int(self.lines.bodies[n]) + (self.cut if n == len(self.lines) - 1 else 0)

    def ended(self, n: int, newline: bytes) -> list[Edit]:
        """The edit that gives a line this end, where it has another."""
        length = int(self.lines.ends[n] - self.lines.bodies[n])
        return [Edit(self.end(n), self.end(n) + length, newline)] if self.lines.odd[n] else []

    def body(self, n: int) -> bytes:
        body = self.content[self.lines.starts[n] : self.lines.bodies[n]]
        return body.removeprefix(_BOM) if self.at == n == 0 else body

    def text(self, first: int, last: int) -> str:
        """Some lines as they stand, with escapes for what is not UTF-8."""
        content = self.content[self.lines.starts[first] : self.lines.bodies[last]]
        return content.decode("utf-8", errors="backslashreplace")


class _Span(NamedTuple):
    """How the record that starts at a line ends, the last of its lines, and its delimiters outside quotes."""

    end: Literal["closed", "broken", "endless"]
    last: int
    delimiters: int


class _Pass:
    """One look at a file from its first line to its last."""

    def __init__(self, dialect: Dialect) -> None:
        self._quoting = Quoting(dialect.delimiter, dialect.quote, dialect.escape)
        self._newline = _NEWLINES.get(dialect.newline, b"\n")
        self._names = dialect.names
        #: The number of the first line that is not dealt with yet.
        self._line = dialect.skip + 1
        self._headed = not dialect.header
        #: Whether a delimiter too many at the end of a line is a mistake, and not how the file is written.
        self._surplus: bool | None = None

    def edits(self, handle: IO[bytes]) -> Iterator[Edit]:
        """What is to be changed, in the order of the file."""
        number, rest = 1, b""
        for at, block, cut, last in _blocks(handle):
            if content := rest + block:
                lines = lines_of(content, self._newline)
                window = _Window(at - len(rest), number, content, lines, last or cut > 0, cut)
                done = yield from self._dealt_with(window)
                number += done
                rest = content[lines.starts[done] :] if done < len(lines) else b""

    def _dealt_with(self, window: _Window) -> Generator[Edit, None, int]:
        """The edits in a window; returns how many of its lines need no second look."""
        if not self._headed and (needed := (yield from self._header(window))) is not None:
            return needed
        for n in self._suspects(window):
            if window.number + n < self._line:
                continue
            span = self._span(window, n)
            if span is None:
                return n
            last, edits = self._judged(window, n, span)
            yield from edits
            self._line = window.number + last + 1
        return len(window.lines)

    def _header(self, window: _Window) -> Generator[Edit, None, int | None]:
        """Go behind the header, of which only the line end changes; while it is not whole, the line to go on with."""
        n = max(0, self._line - window.number)
        while n < len(window.lines) and not window.body(n).strip():
            n += 1
        span = self._span(window, n) if n < len(window.lines) else None
        if span is None:
            return min(n, len(window.lines))
        yield from window.ended(span.last, self._newline)
        self._line, self._headed = window.number + span.last + 1, True
        return None

    def _suspects(self, window: _Window) -> list[int]:
        """The lines that may need an edit."""
        lines = window.lines
        found = {*doubtful(window.content, lines, self._quoting), *np.flatnonzero(lines.odd).tolist()}
        found |= set(np.flatnonzero(lines.bodies - lines.starts > LONGEST).tolist())
        if self._surplus is not False and len(self._names) > 1:
            signs = np.frombuffer(window.content, np.uint8)
            ending = np.flatnonzero(signs[np.maximum(lines.bodies, 1) - 1] == self._quoting.delimiter[-1])
            surplus = [n for n in ending.tolist() if self._has_surplus(window.body(n))]
            if self._surplus is None:
                self._surplus = 2 * len(surplus) <= len(lines)
            found |= set(surplus if self._surplus else ())
        found |= self._miscounted(window)
        return sorted(found)

    def _miscounted(self, window: _Window) -> set[int]:
        """The lines that may have another number of values than there are names, where a sample shows some.

        Where it shows none, the reader finds the few that there are.
        """
        lines, needed = window.lines, len(self._names) - 1
        sample = (window.body(n) for n in range(0, len(lines), max(1, len(lines) // _SAMPLE)))
        if not needed or not any(body and self._quoting.scan(body).delimiters != needed for body in sample):
            return set()
        signs = np.frombuffer(window.content, np.uint8)
        places = np.flatnonzero(signs == self._quoting.delimiter[0])
        counts = np.diff(np.searchsorted(places, lines.ends), prepend=0)
        return set(np.flatnonzero((counts != needed) & (lines.bodies > lines.starts)).tolist())

    def _has_surplus(self, body: bytes) -> bool:
        columns = len(self._names)
        if not body.endswith(self._quoting.delimiter) or body.count(self._quoting.delimiter) < columns:
            return False
        seen = self._quoting.scan(body)
        return seen.state == "closed" and seen.delimiters >= columns

    def _span(self, window: _Window, n: int) -> _Span | None:
        """How the record that starts at line `n` goes on; None when that stands behind the window."""
        lines, last = window.lines, n
        seen = self._quoting.scan(window.body(n))
        delimiters = seen.delimiters
        while seen.state == "open":
            # Lines without a quote change nothing.
            quote = window.content.find(self._quoting.quote, int(lines.ends[last]))
            last = int(np.searchsorted(lines.ends, quote, side="right")) if quote >= 0 else len(lines)
            size = (lines.ends[last] if quote >= 0 else len(window.content)) - lines.starts[n]
            if size > LONGEST or delimiters > 2 * len(self._names) or (quote < 0 and window.final):
                return _Span("endless", n, delimiters)
            if quote < 0:
                return None
            seen = self._quoting.scan(window.body(last), opened=True)
            delimiters += seen.delimiters
        return _Span(seen.state, last, delimiters)

    def _judged(self, window: _Window, n: int, span: _Span) -> tuple[int, list[Edit]]:
        """The last line that is dealt with at line `n`, and its edits."""
        lines, columns, count = window.lines, len(self._names), span.delimiters + 1
        if lines.bodies[n] - lines.starts[n] > LONGEST:
            return n, self._refused(window, n, n, None, "the line is longer than 2 MB")
        expected = f"{count} values where {columns} columns are expected"
        if span.end == "closed" and span.last == n:
            body = window.body(n)
            broken = self._surplus if self._has_surplus(body) else body and count != columns > 1
            return n, self._refused(window, n, n, None, expected) if broken else window.ended(n, self._newline)
        if span.end == "closed" and count == columns:
            return span.last, window.ended(span.last, self._newline)
        if span.end == "endless" or (span.last > n and self._swallowed_rows(window, n, span.last)):
            opened = self._named(self._quoting.scan(window.body(n)).delimiters)
            return n, self._refused(window, n, n, opened, "a quote is not closed")
        if span.end == "closed":
            return span.last, self._refused(window, n, span.last, None, expected)
        column = self._named(span.delimiters)
        return span.last, self._refused(window, n, span.last, column, "text follows a closing quote")

    def _named(self, column: int) -> str | None:
        return self._names[column] if column < len(self._names) else None

    def _swallowed_rows(self, window: _Window, n: int, last: int) -> bool:
        """Whether most lines behind `n` are rows by themselves, so that it is a quote too many that joins them."""
        bodies = [body for line in range(n + 1, last + 1) if (body := window.body(line))]
        return 2 * sum(map(self._is_row, bodies)) >= len(bodies)

    def _is_row(self, body: bytes) -> bool:
        """Whether a line is a row beyond doubt: it has all values, and quotes only where they belong."""
        if doubtful(body, lines_of(body, self._newline), self._quoting):
            return False
        seen = self._quoting.scan(body)
        return seen.state == "closed" and seen.delimiters + 1 == len(self._names)

    def _refused(self, window: _Window, first: int, last: int, column: str | None, reason: str) -> list[Edit]:
        """Some lines left empty, which is one refusal."""
        reason = f"{column}: {reason}" if column else reason
        refusal: Refusal | None = Refusal(window.number + first, column, reason, window.text(first, last))
        edits = []
        for n in range(first, last + 1):
            edits += [Edit(window.start(n), window.end(n), b"", refusal), *window.ended(n, self._newline)]
            refusal = None
        return edits


def _blocks(handle: IO[bytes]) -> Iterator[tuple[int, bytes, int, bool]]:
    """Whole lines, some at a time: where they start, they, how much is cut from the last one, whether no more come."""
    at, rest = 0, b""
    while piece := handle.read(PIECE):
        rest += piece
        # A return at the very end may belong to a line feed behind it.
        feed = rest.rfind(b"\n")
        end = max(feed, rest.rfind(b"\r", feed + 1, -1)) + 1
        if end:
            yield at, rest[:end], 0, False
            at, rest = at + end, rest[end:]
        elif len(rest) > LONGEST + 1:
            head, cut, rest = rest[: LONGEST + 1], *_line_end(handle, rest[LONGEST + 1 :])
            newline = rest[: 2 if rest.startswith(b"\r\n") else 1]
            yield at, head + newline, cut, False
            at, rest = at + len(head) + cut + len(newline), rest[len(newline) :]
    yield at, rest, 0, True


def _line_end(handle: IO[bytes], piece: bytes) -> tuple[int, bytes]:
    """How many bytes stand before the next line end, and what was read from there on."""
    before = 0
    while piece:
        if found := _LINE_END.search(piece):
            rest = piece[found.start() :]
            return before + found.start(), rest if len(rest) > 1 else rest + handle.read(PIECE)
        before += len(piece)
        piece = handle.read(PIECE)
    return before, b""


class _Copy:
    """A copy of a file with edits, written as these come."""

    def __init__(self, path: Path, place: Path) -> None:
        self._place = place
        self._open = ExitStack()
        self._source = self._open.enter_context(unpacked(path))
        self._target = self._open.enter_context(place.open("wb"))
        self._at = 0

    def put(self, edit: Edit) -> None:
        """Copy up to an edit, and put in its place what stands there instead."""
        self._pass(edit.start, keep=True)
        self._pass(edit.end, keep=False)
        self._target.write(edit.instead)

    def whole(self) -> Path:
        """Where the copy is, once the rest of the file is in it too."""
        with self._open:
            shutil.copyfileobj(self._source, self._target, PIECE)
        return self._place

    def _pass(self, end: int, *, keep: bool) -> None:
        while self._at < end and (piece := self._source.read(min(PIECE, end - self._at))):
            self._at += len(piece)
            if keep:
                self._target.write(piece)
