"""`${NAME}` and `${NAME:-default}` in the texts of a project file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from millrace.errors import nearest

_REFERENCE = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class UnsetVariableError(LookupError):
    """A text asks for a variable that is not set; `offset` is where in the text it does."""

    def __init__(self, name: str, offset: int, guess: str | None) -> None:
        super().__init__(name)
        self.name = name
        self.offset = offset
        self.guess = guess


def refers(text: str) -> bool:
    """Whether `text` takes anything from the environment, so that its value must not be shown."""
    return any(not match["escaped"] for match in _REFERENCE.finditer(text))


def names(text: str) -> frozenset[str]:
    """The variables that `text` asks for.

    Examples
    --------
    >>> sorted(names("postgresql://${HOST:-localhost}/${DB} $${NOT_THIS}"))
    ['DB', 'HOST']
    """
    return frozenset(match["name"] for match in _REFERENCE.finditer(text) if not match["escaped"])


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Put the environment's values into `text`; a default stands in for a variable that is unset or empty.

    ``$${NAME}`` gives ``${NAME}`` itself. Raises `UnsetVariableError`.

    Examples
    --------
    >>> substitute("postgresql://${HOST:-localhost}/${DB}", {"DB": "shop"})
    'postgresql://localhost/shop'
    """

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match["escaped"]:
            return match[0][1:]
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            raise UnsetVariableError(name, match.start(), nearest(name, environ))
        return environ[name]

    return _REFERENCE.sub(value, text)
