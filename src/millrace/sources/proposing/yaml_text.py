"""Texts as they must be written in YAML to be read back as the same texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*([-./*]+[A-Za-z0-9_]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def scalar(text: str) -> str:
    r"""`text` as a YAML scalar, quoted where it would be read as something else.

    Examples
    --------
    >>> print(scalar("tenure"), scalar("no"), scalar("a: b"), scalar(" "), scalar('5" pipe'))
    tenure "no" "a: b" " " "5\" pipe"
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def flow(texts: Iterable[str]) -> str:
    """Texts as a YAML list on one line."""
    return "[" + ", ".join(scalar(text) for text in texts) + "]"


def expression(sql: str) -> str:
    r"""An SQL expression as a YAML scalar, plain where that is safe.

    Examples
    --------
    >>> print(expression("tenure >= 0"), expression("\"a b\" in ('x: y')"))
    tenure >= 0 "\"a b\" in ('x: y')"
    """
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ <>=().,'/-]*", sql)
    return sql if plain and not sql.endswith(" ") else json.dumps(sql, ensure_ascii=not sql.isprintable())
