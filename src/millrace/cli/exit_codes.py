"""Which exit code an error has; scripts and CI rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from millrace.errors import MillraceError, MissingExtraError, ProjectFileError, RemoteError, UsageError

DONE = 0
#: A gate or a check said no; also every error of the project's own that has no code of its own.
SAID_NO = 1
USAGE = 2
#: A defect of Millrace itself (EX_SOFTWARE of sysexits.h).
UNEXPECTED = 70
#: 128 + SIGINT, as shells report it.
INTERRUPTED = 130

_BY_CLASS: Mapping[type[MillraceError], int] = MappingProxyType(
    {UsageError: USAGE, ProjectFileError: 3, MissingExtraError: 4, RemoteError: 5}
)


def exit_code(error: MillraceError) -> int:
    """The exit code of the nearest class of `error` that has one.

    Examples
    --------
    >>> exit_code(ProjectFileError("wrong")), exit_code(MillraceError("no"))
    (3, 1)
    """
    return next((_BY_CLASS[kind] for kind in type(error).__mro__ if kind in _BY_CLASS), SAID_NO)
