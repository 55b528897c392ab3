"""Lines without quotes, each with all its delimiters: most files have no others, and Polars reads those fastest.

It would also read others, and misread some; so the lines are looked at first, many at once, and the first that are
not regular end this way of reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from millrace.sources.files.dialect import Dialect, opened
from millrace.sources.files.quoting import Quoting

_FEED = 10
#: How many bytes are looked at together: what a processor holds at hand. A longer line is not regular.
_PIECE = 1 << 17
_NEWLINES = (r"\n", r"\r\n")


class RegularLines:
    """The lines of a file behind its header, as frames of texts named ``c0, c1, …``.

    After `frames`, `whole` tells whether they were all of the file.
    """

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.whole = False
        self._path = path
        self._dialect = dialect
        self._schema = {f"c{index}": pl.String() for index in range(len(dialect.names))}

    def frames(self, size: int) -> Iterator[pl.DataFrame]:
        """The rows, `size` at a time, up to the first lines that are not regular; the last frame may be shorter."""
        dialect = self._dialect
        if dialect.encoding != "utf-8" or dialect.newline not in _NEWLINES or len(dialect.delimiter.encode()) != 1:
            return
        for lines in self._lines(size):
            frame = self._frame(lines)
            if frame is None:
                return
            yield frame
        self.whole = True

    def _lines(self, size: int) -> Iterator[bytes]:
        """The lines behind the header, `size` at a time; none of a file whose header is no single line.

        What it gives is empty where a line is longer than a piece, which is not regular.
        """
        with opened(self._path) as handle:
            for _ in range(self._dialect.skip):
                handle.readline(_PIECE)
            if self._dialect.header and not self._behind_header(handle.readline(_PIECE)):
                yield b""
                return
            pieces, count = list[bytes](), 0
            while piece := handle.read(_PIECE):
                feeds = np.flatnonzero(np.frombuffer(piece, np.uint8) == _FEED)
                if not len(feeds) and len(piece) == _PIECE:
                    yield b""
                    return
                while count + len(feeds) >= size:
                    end = int(feeds[size - count - 1]) + 1
                    yield b"".join([*pieces, piece[:end]])
                    pieces, piece, feeds, count = [], piece[end:], feeds[size - count :] - end, 0
                pieces.append(piece)
                count += len(feeds)
            if rest := b"".join(pieces):
                yield rest

    def _behind_header(self, line: bytes) -> bool:
        """Whether a line is all of the header; a blank one stands before it."""
        dialect = self._dialect
        body = line.rstrip(b"\r\n")
        seen = Quoting(dialect.delimiter, dialect.quote, dialect.escape).scan(body)
        return bool(body.strip()) and line.endswith(b"\n") and b"\r" not in body and seen.state == "closed"

    def _frame(self, lines: bytes) -> pl.DataFrame | None:
        """The rows that some lines are; None when any is not regular."""
        if self._dialect.newline == r"\r\n":
            lines = lines.replace(b"\r\n", b"\n")
        if not self._are_regular(lines):
            return None
        try:
            return pl.read_csv(
                lines,
                has_header=False,
                schema=self._schema,
                separator=self._dialect.delimiter,
                quote_char=None,
                extra_columns="raise",
            )
        except pl.exceptions.PolarsError:  # one line has too many values and another too few, or bytes are no text
            return None

    def _are_regular(self, lines: bytes) -> bool:
        """Whether lines hold no quote, escape, return or blank line, and together as many delimiters as they need."""
        dialect = self._dialect
        if any(sign and sign.encode() in lines for sign in ("\r", dialect.quote, dialect.escape)):
            return False
        rows, delimiters, before = 0, 0, _FEED
        for start in range(0, len(lines), _PIECE):
            signs = np.frombuffer(lines, np.uint8, min(_PIECE, len(lines) - start), start)
            feeds = signs == _FEED
            if (feeds[0] and before == _FEED) or (feeds[1:] & feeds[:-1]).any():
                return False
            rows += int(np.count_nonzero(feeds))
            delimiters += int(np.count_nonzero(signs == ord(dialect.delimiter)))
            before = signs[-1]
        rows += int(before != _FEED)
        return bool(rows and delimiters == rows * (len(self._schema) - 1))
