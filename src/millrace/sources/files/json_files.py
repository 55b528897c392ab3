"""JSON that is not one object per line: an array of objects, a list inside a document, or objects one after another.

Elements are read one at a time. Where `record` names the key of the list (``data`` or ``result.items``), the whole
document is held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import SourceKind
from millrace.sources.files.converted import opener
from millrace.sources.files.plain import checked, detected, texts

#: A record longer than this is taken for a file that is broken.
_LONGEST = 64 << 20
_BETWEEN = " \t\r\n,"


def records(path: Path, settings: SourceSettings) -> Iterator[tuple[int, str]]:
    """The line at which each record starts, and its text on one line. Raises `SourceError` where the JSON breaks."""
    encoding = checked(settings.encoding) if settings.encoding else detected(path)
    pieces = texts(path, encoding)
    if settings.record is not None:
        yield from _inside("".join(pieces), settings.record, path)
        return
    text, line, ended, inside = "", 1, False, False
    decoder = json.JSONDecoder()
    while True:
        bare = text.lstrip(_BETWEEN)
        line += text.count("\n", 0, len(text) - len(bare))
        text = bare
        if text[:1] == "[" and not inside:
            inside, text = True, text[1:]
            continue
        if inside and text[:1] == "]":
            inside, text = False, text[1:]
            continue
        try:
            end = decoder.raw_decode(text)[1] if text else 0
            whole = bool(text) and (end < len(text) or ended or text[end - 1] in '}]"')
        except (json.JSONDecodeError, RecursionError) as error:
            if ended or len(text) > _LONGEST:
                raise _broken(path, line, str(error)) from error
            whole = False
        if whole:
            yield line, text[:end].replace("\n", " ").replace("\r", " ")
            line += text.count("\n", 0, end)
            text = text[end:]
        elif ended:
            break
        else:
            more, ended = _more(pieces, len(text))
            text += more
    if inside:
        raise _broken(path, line, "the array is not closed")


def _more(pieces: Iterator[str], size: int) -> tuple[str, bool]:
    """More text, at least as much as is waiting already, so that long records are not parsed again and again."""
    found, length = [], 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length >= size:
            return "".join(found), False
    return "".join(found), True


def _inside(text: str, keys: str, path: Path) -> Iterator[tuple[int, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(path, 1, str(error)) from error
    for key in keys.split("."):
        if not isinstance(found, dict) or key not in found:
            raise SourceError(
                f"`{path.name}` has no `{keys}`.",
                where=str(path),
                code="source.record",
                allowed=found if isinstance(found, dict) else (),
                next_step="correct `record`",
            )
        found = found[key]
    for number, element in enumerate(found if isinstance(found, list) else [found], 1):
        yield number, json.dumps(element, ensure_ascii=False)


def _broken(path: Path, line: int, reason: str) -> SourceError:
    return SourceError(
        f"`{path.name}` is not valid JSON from line {line} on: {reason}.",
        where=f"{path}:{line}",
        code="source.json",
        next_step="mend the file; nothing of it was kept",
    )


KIND = SourceKind("json", opener(records, typed=True), suffixes=(".json",))
