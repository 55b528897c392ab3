"""Lines without quotes, each with all its delimiters: most files have no others, and Polars reads those fastest.

It would also read others, and misread some; so the lines are looked at first, many at once, and the first that are
not regular end this way of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from pathlib import Path

import numpy as np
import polars as pl

from millrace.sources.files.dialect import Dialect, opened
from millrace.sources.files.quoting import Quoting

#: How many bytes are looked at together: what a processor holds at hand. A longer line is not regular.
_PIECE = 1 << 17
_NEWLINES = (r"\n", r"\r\n")
#: What Polars skips before a number; where nothing follows, it takes that for no value, and not for a wrong one.
_SKIPPED = " \t"


class RegularLines:
    """The lines of a file behind its header, as frames of columns named ``c0, c1, …``.

    Values are texts. Those of the columns that `numbers` names (by their names in the file) come as numbers where all
    of a frame are; what is asked of it anew for every frame. After `frames`, `whole` tells whether they were all of the
    file.
    """

    def __init__(
        self, path: Path, dialect: Dialect, numbers: Callable[[], Mapping[str, pl.DataType]] = dict[str, pl.DataType]
    ) -> None:
        self.whole = False
        self._path = path
        self._dialect = dialect
        self._numbers = numbers
        self._schema = {f"c{index}": pl.String() for index in range(len(dialect.names))}
        self._texts = set[str]()

    def frames(self, size: int) -> Iterator[pl.DataFrame]:
        """The rows, `size` at a time, up to the first lines that are not regular; the last frame may be shorter."""
        dialect = self._dialect
        if dialect.encoding != "utf-8" or dialect.newline not in _NEWLINES or len(dialect.delimiter.encode()) != 1:
            return
        for lines, count in self._lines(size):
            frame = self._frame(lines, count)
            if frame is None:
                return
            yield frame
        self.whole = True

    def _lines(self, size: int) -> Iterator[tuple[bytes, int]]:
        """The lines behind the header, `size` at a time, each with its end, and how many they are.

        What it gives is empty where the header is no single line, or a line is longer than a piece: neither is regular.
        """
        with opened(self._path) as handle:
            for _ in range(self._dialect.skip):
                handle.readline(_PIECE)
            if self._dialect.header and not self._behind_header(handle.readline(_PIECE)):
                yield b"", 0
                return
            pieces, count = list[bytes](), 0
            while piece := handle.read(_PIECE):
                feeds = _count(piece, b"\n")
                if not feeds and len(piece) == _PIECE:
                    yield b"", 0
                    return
                while count + feeds >= size:
                    rest = piece.split(b"\n", size - count)[-1]
                    yield b"".join([*pieces, piece[: len(piece) - len(rest)]]), size
                    pieces, piece, feeds, count = [], rest, feeds - (size - count), 0
                pieces.append(piece)
                count += feeds
            if rest := b"".join(pieces):
                # Polars lets a value too many pass in a last line without an end.
                yield (rest, count) if rest.endswith(b"\n") else (rest + b"\n", count + 1)

    def _behind_header(self, line: bytes) -> bool:
        """Whether a line is all of the header; a blank one stands before it."""
        dialect = self._dialect
        body = line.rstrip(b"\r\n")
        seen = Quoting(dialect.delimiter, dialect.quote, dialect.escape).scan(body)
        return bool(body.strip()) and line.endswith(b"\n") and b"\r" not in body and seen.state == "closed"

    def _frame(self, lines: bytes, count: int) -> pl.DataFrame | None:
        """The rows that so many lines are; None when any is not regular."""
        if self._dialect.newline == r"\r\n":
            lines = lines.replace(b"\r\n", b"\n")
        if not self._are_regular(lines, count):
            return None
        numbers = self._readable_numbers()
        frame = self._read(lines, numbers) if numbers else None
        if frame is None or (wrong := self._misread(frame, lines, numbers)):
            frame, first = self._read(lines, {}), frame
            if numbers and frame is not None:
                # The next lines are not read twice for a column that is no number everywhere.
                self._texts |= _no_numbers(frame, numbers) if first is None else wrong
        if frame is None or frame.height != count or (frame.width == 1 and frame.to_series().null_count()):
            return None  # a line is blank
        return frame

    def _read(self, lines: bytes, numbers: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
        """The rows; None when a line has too many values (and another too few), or bytes are no text or number."""
        try:
            return pl.read_csv(
                lines,
                has_header=False,
                schema={**self._schema, **numbers},
                separator=self._dialect.delimiter,
                quote_char=None,
                extra_columns="raise",
            )
        except pl.exceptions.PolarsError:
            return None

    def _readable_numbers(self) -> dict[str, pl.DataType]:
        """The columns to read as numbers, so that a repeated header cannot pass for a row of numbers."""
        wanted, names = self._numbers(), zip(self._schema, self._dialect.names, strict=True)
        numbers = {column: wanted[name] for column, name in names if name in wanted and column not in self._texts}
        labels = dict(zip(self._schema, self._dialect.labels, strict=False))
        shown = (
            label and pl.Series([label]).cast(numbers[at], strict=False).item() is None
            for at, label in labels.items()
            if at in numbers
        )
        return numbers if not labels or any(shown) else {}

    def _misread(self, frame: pl.DataFrame, lines: bytes, numbers: Mapping[str, pl.DataType]) -> set[str]:
        """The columns that may hold what a text is no number for: blanks, read as no value, or no finite number."""
        starts = [self._dialect.delimiter.encode(), b"\n"]
        blanks = [blank.encode() for blank in _SKIPPED if blank != self._dialect.delimiter]
        empty = {column for column in numbers if frame[column].null_count()}
        blank = empty and (lines[:1] in blanks or any(start + blank in lines for start in starts for blank in blanks))
        floats = (column for column, dtype in numbers.items() if dtype.is_float())
        return (empty if blank else set()) | {column for column in floats if not frame[column].is_finite().all()}

    def _are_regular(self, lines: bytes, count: int) -> bool:
        """Whether lines hold no quote, escape or return, and together as many delimiters as they need."""
        dialect = self._dialect
        if not count or any(sign and sign.encode() in lines for sign in ("\r", dialect.quote, dialect.escape)):
            return False
        return _count(lines, dialect.delimiter.encode()) == count * (len(self._schema) - 1)


def _count(lines: bytes, sign: bytes) -> int:
    """How often a byte is there, in pieces that a processor holds at hand."""
    starts = range(0, len(lines), _PIECE)
    pieces = (np.frombuffer(lines, np.uint8, min(_PIECE, len(lines) - start), start) for start in starts)
    return sum(int(np.count_nonzero(piece == sign[0])) for piece in pieces)


def _no_numbers(texts: pl.DataFrame, numbers: Mapping[str, pl.DataType]) -> set[str]:
    """The columns of `numbers` that hold another text; all of them when none seems to."""
    lost = [texts[at].cast(dtype, strict=False).null_count() > texts[at].null_count() for at, dtype in numbers.items()]
    return set(compress(numbers, lost)) or set(numbers)
