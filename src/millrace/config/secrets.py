"""Which texts must not be shown: the values that a project file takes from the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from millrace.config.environment import names

#: Shorter values are no secrets, and hiding them would garble what is said.
_LEAST = 6
#: Taken from the environment without being named in a project file.
KEY = "MILLRACE_PII_KEY"


class Redaction:
    """Puts ``${NAME}`` where a value of the environment would show.

    Examples
    --------
    >>> Redaction([("PASSWORD", "p@ss:word")])("postgresql://me:p%40ss%3Aword@db refused p@ss:word")
    'postgresql://me:${PASSWORD}@db refused ${PASSWORD}'
    """

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        self._written = sorted(
            (
                (form, f"${{{name}}}")
                for name, value in values
                for form in {value, quote(value, safe=""), quote_plus(value)}
                if len(value) >= _LEAST
            ),
            key=lambda pair: -len(pair[0]),
        )

    def __repr__(self) -> str:
        return f"Redaction({len(self._written)} texts)"

    def __call__(self, text: str) -> str:
        """Give `text` with names in the place of values."""
        for form, name in self._written:
            text = text.replace(form, name)
        return text


def redaction(path: Path, environ: Mapping[str, str]) -> Redaction:
    """What must not be shown of the project file at `path`, which may be missing or wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    wanted = {*names(text), KEY}
    values = [(name, environ[name]) for name in sorted(wanted) if name in environ]
    return Redaction([*values, *((KEY, part.strip()) for part in environ.get(KEY, "").split(","))])
