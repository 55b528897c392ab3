"""A delimited file as its reader wants it: UTF-8, unpacked, without comments; line numbers stay those of the original.

Where the file is that already (or is gzip of it), it is read in place; otherwise a copy is made, a piece at a time.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError, nearest
from millrace.sources.files.unpack import COMPRESSIONS, PIECE, pieces
from millrace.sources.scratch import Scratch

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\x1f\x8b": "gzip data",
    b"\x28\xb5\x2f\xfd": "Zstandard data",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"PAR1": "Parquet",
    b"Obj\x01": "Avro",
    b"ARROW1\0\0": "Arrow",
    b"%PDF-": "a PDF",
}
_KNOWN = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "cp437", "shift_jis", "gb18030", "koi8-r")
#: Bytes among which the encoding is looked for; lines behind them that do not fit are refused, not guessed.
_DETECTED_BYTES = 64 << 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
#: The control characters U+0080 to U+009F where Windows-1252 has a sign, each with that sign; and in UTF-8.
_SIGNS = {n: sign for n in range(0x80, 0xA0) if (sign := bytes([n]).decode("cp1252", errors="ignore"))}
_CONTROL = re.compile(rb"\xc2[" + bytes(_SIGNS) + rb"]")


def plain(path: Path, settings: SourceSettings, scratch: Scratch) -> Path:
    """The file as UTF-8 text that is plain or gzip, without the lines that `comment` starts.

    Bytes that the encoding does not have stay bytes that are not UTF-8, so that their line is refused. Where no
    encoding is stated, and UTF-8 holds control characters that are signs of Windows-1252 (a text that was taken for
    Latin-1 once), they are these signs again. Raises `SourceError` for an unknown encoding, an archive that is refused,
    and UTF-16 that is none.
    """
    _check_content(path)
    encoding = checked(settings.encoding) if settings.encoding else detected(path)
    ending, mistaken = path.suffix.lower(), not settings.encoding and encoding == "utf-8" and _mistaken(path)
    if encoding == "utf-8" and ending not in {".zip", ".zst"} and settings.comment is None and not mistaken:
        return path
    copy = scratch.place(path.stem if ending in COMPRESSIONS else path.name)
    lines = _decoded(path, encoding)
    if mistaken:
        lines = (line.translate(_SIGNS) for line in lines)
    if settings.comment is not None:
        lines = _uncommented(lines, settings.comment, settings.quote or '"')
    with copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as target:
        target.writelines(lines)
    return copy


def _check_content(path: Path) -> None:
    """Raise `SourceError` for what is no text by its first bytes, whatever its name says; an archive within one too."""
    start = next(pieces(path), b"")[:8]
    kind = next((kind for mark, kind in _NO_TEXT.items() if start.startswith(mark)), None)
    if kind:
        raise SourceError(
            f"`{path.name}` is not delimited text: it holds {kind}.",
            where=str(path),
            code="source.format",
            next_step="give the file the ending of what it is; unpack an archive within an archive",
        )


def detected(path: Path) -> str:
    """The encoding: by mark; else UTF-8 where any character outside ASCII is well-formed in it; else Windows-1252."""
    stream = pieces(path)
    head = next(stream, b"")
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    seen, piece = 0, head
    while piece and seen < _DETECTED_BYTES:
        if not piece.isascii():
            return _of(piece, last=len(piece) < PIECE)
        seen += len(piece)
        piece = next(stream, b"")
    return "utf-8"


def checked(encoding: str) -> str:
    """The name of a text encoding. Raises `SourceError` when there is none of this name."""
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise SourceError(
            f"`{encoding}` is not a text encoding.",
            where="encoding",
            code="source.encoding",
            allowed=_KNOWN,
            nearest=nearest(encoding, _KNOWN),
        ) from error


def _of(piece: bytes, last: bool) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(piece, final=last)
    except UnicodeDecodeError:
        # A text in another encoding has next to no two bytes that happen to be one character in UTF-8.
        if any(ord(sign) > 127 for sign in piece.decode("utf-8", errors="ignore")):
            return "utf-8"
        return "cp1252" if not any(byte in piece for byte in b"\x81\x8d\x8f\x90\x9d") else "iso8859-1"
    return "utf-8"


def _mistaken(path: Path) -> bool:
    """Whether the bytes among which the encoding is looked for hold a sign of Windows-1252 as a control character."""
    seen, before = 0, b""
    for piece in pieces(path):
        if not piece.isascii() and _CONTROL.search(before + piece):
            return True
        seen, before = seen + len(piece), piece[-1:]
        if seen >= _DETECTED_BYTES:
            break
    return False


def texts(path: Path, encoding: str) -> Iterator[str]:
    """The decoded text, a piece at a time; a byte that is none in `encoding` comes as a lone surrogate."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(errors="surrogateescape")
    try:
        for piece in pieces(path):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise SourceError(
            f"`{path.name}` is not text in {encoding}: {error}.",
            where=str(path),
            code="source.encoding",
            next_step="state the file's `encoding`",
        ) from error


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    """The text, line by line."""
    rest = ""
    for text in texts(path, encoding):
        lines = _LINE.findall(rest + text)
        rest = lines.pop() if lines else ""
        yield from lines
    yield rest


def _uncommented(lines: Iterator[str], comment: str, quote: str) -> Iterator[str]:
    """The lines, with blank ones where there are comments, so that line numbers stay."""
    quoted = False
    for line in lines:
        if not quoted and line.lstrip().startswith(comment):
            yield line[len(line.rstrip("\r\n")) :]
            continue
        quoted ^= line.count(quote) % 2 == 1
        yield line
