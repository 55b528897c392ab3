"""Quotes in delimited text: whether a line closes what it opens, and which lines of many need to be asked that.

A quote opens a value at its start and closes it at its end, spaces aside; within, it is doubled or escaped. Elsewhere
it is a sign like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

#: After a line: between records, within a quoted value that goes on, or behind text that follows a closing quote.
State = Literal["closed", "open", "broken"]
_LF, _CR = 10, 13


class Seen(NamedTuple):
    """What a line leaves, and how many delimiters it has outside quotes, up to where it breaks."""

    state: State
    delimiters: int


class Quoting:
    r"""The grammar of one dialect, over bytes in UTF-8.

    Examples
    --------
    >>> quoting = Quoting(",", '"', '"')
    >>> [quoting.scan(line).state for line in (b'1,"a ""b"" c"', b'1,"a', b'1,"a"b,2', b'1,5" pipe')]
    ['closed', 'open', 'broken', 'closed']
    >>> quoting.scan(b'and so on",2', opened=True)
    Seen(state='closed', delimiters=1)
    """

    def __init__(self, delimiter: str, quote: str, escape: str) -> None:
        between, sign, escaped = (re.escape(text.encode()) for text in (delimiter, quote, escape))
        own = escape not in {quote, ""}
        self._opening = re.compile(rb" *" + sign)
        within = (
            rb"(?:[^%b%b]|%b.)*+%b" % (sign, escaped, escaped, sign)
            if own
            else rb"(?:[^%b]|%b%b)*+%b(?!%b)" % ((sign,) * 5)
        )
        self._within = re.compile(within, re.DOTALL)
        self._behind = re.compile(rb" *(%b|\Z)" % between)
        bare = rb"(?:[^%b%b]|%b.|%b\Z)*+" % (between, escaped, escaped, escaped) if own else rb"[^%b]*+" % between
        several = len(delimiter.encode()) > 1
        self._bare = re.compile(rb".*?(%b|\Z)" % between if several else bare + rb"(%b|\Z)" % between, re.DOTALL)
        self.delimiter, self.quote = delimiter.encode(), quote.encode()
        self.escape = escape.encode() if own else b""

    def scan(self, line: bytes, *, opened: bool = False) -> Seen:
        """What `line`, without its end, leaves where it begins between records, or within a quoted value."""
        at, delimiters = 0, 0
        while True:
            start = None if opened else self._opening.match(line, at)
            if opened or start:
                within = self._within.match(line, start.end() if start else at)
                opened = False
                if within is None:
                    return Seen("open", delimiters)
                field = self._behind.match(line, within.end())
                if field is None:
                    return Seen("broken", delimiters)
            else:
                field = self._bare.match(line, at)
                if field is None:
                    return Seen("broken", delimiters)
            if not field[1]:
                return Seen("closed", delimiters)
            at = field.end()
            delimiters += 1


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a block, by where each starts and ends (without its line end, and with it)."""

    starts: np.ndarray
    bodies: np.ndarray
    ends: np.ndarray
    odd: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)


def lines_of(block: bytes, newline: bytes) -> Lines:
    r"""The lines of a block that ends with one; `odd` tells of each whether another line end than `newline` ends it.

    Examples
    --------
    >>> lines = lines_of(b"a\r\nb\nc\r\n", b"\r\n")
    >>> lines.starts.tolist(), lines.bodies.tolist(), lines.odd.tolist()
    ([0, 3, 5], [1, 4, 6], [False, True, False])
    """
    signs = np.frombuffer(block, np.uint8)
    feeds = np.flatnonzero(signs == _LF)
    if b"\r" not in block:
        return _lines(feeds, feeds + 1, np.full(len(feeds), newline != b"\n"), len(block))
    returns = np.flatnonzero(signs == _CR)
    paired = (returns + 1 < len(signs)) & (signs[np.minimum(returns + 1, len(signs) - 1)] == _LF)
    alone = np.setdiff1d(feeds, returns[paired] + 1, assume_unique=True)
    bodies = np.concatenate([returns, alone])
    lengths = np.concatenate([np.where(paired, 2, 1), np.ones(len(alone), np.int64)])
    kinds = np.concatenate([np.where(paired, 2, 1), np.zeros(len(alone), np.int64)])
    order = np.argsort(bodies, kind="stable")
    wanted = {b"\n": 0, b"\r": 1, b"\r\n": 2}[newline]
    bodies = bodies[order]
    return _lines(bodies, bodies + lengths[order], kinds[order] != wanted, len(block))


def _lines(bodies: np.ndarray, ends: np.ndarray, odd: np.ndarray, length: int) -> Lines:
    if not len(ends) or ends[-1] < length:  # the last line of a file may have no end
        bodies, ends = np.append(bodies, length), np.append(ends, length)
        odd = np.append(odd, False)
    return Lines(np.concatenate([[0], ends[:-1]]), bodies, ends, odd)


def doubtful(block: bytes, lines: Lines, quoting: Quoting) -> list[int]:
    r"""The lines of `block` that may leave a quote open or break one, if each begins between records.

    In all others every second quote of a line, from the first, stands behind a delimiter, the ones between stand before
    one, and those within values are doubled. Asked of many lines at once, so that text in order costs next to nothing.

    Examples
    --------
    >>> block = b'1,"a"\n2,"b\n3,5" pipe\n"4 ""d"" e",""\n'
    >>> doubtful(block, lines_of(block, b"\n"), Quoting(",", '"', '"'))
    [1, 2]
    """
    if len(quoting.delimiter) != 1 or len(quoting.quote) != 1:
        return [n for n in range(len(lines)) if quoting.quote in block[lines.starts[n] : lines.ends[n]]]
    signs = np.frombuffer(b"\n" + block + b"\n", np.uint8)
    quotes = np.flatnonzero(signs[1:-1] == quoting.quote[0])
    if not len(quotes):
        return []
    beside = np.zeros(256, np.bool_)
    beside[[_LF, _CR, quoting.delimiter[0], quoting.quote[0]]] = True
    upto = np.searchsorted(quotes, lines.ends)
    counts = np.diff(upto, prepend=0)
    closing = (np.arange(len(quotes)) - np.repeat(upto - counts, counts)) & 1
    fits = beside[signs[quotes + 2 * closing]]
    if quoting.escape:
        fits &= signs[quotes] != quoting.escape[0]
    wrong = np.searchsorted(lines.ends, quotes[~fits], side="right")
    found: list[int] = np.union1d(wrong, np.flatnonzero(counts & 1)).tolist()
    return found
