"""The engine that a project file names."""

from __future__ import annotations

from millrace.engine.base import Engine
from millrace.engine.here import Here
from millrace.errors import UsageError, nearest

_ENGINES = ("local", "ray", "ray://host:10001")


def open_engine(named: str) -> Engine:
    """Open ``local`` (this process), ``ray`` (a Ray on this machine, for this run) or ``ray://head:10001``.

    Raises `UsageError` for another word, `MissingExtraError` without the extra. A cluster is asked when there is
    something to do.
    """
    if named == "local":
        return Here()
    if named != "ray" and not named.startswith("ray://"):
        raise UsageError(f"`{named}` is no engine.", where="engine", allowed=_ENGINES, nearest=nearest(named, _ENGINES))
    from millrace.engine.on_ray import OnRay

    return OnRay("local" if named == "ray" else named)
