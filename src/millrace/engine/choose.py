"""The engine that a project file names."""

from __future__ import annotations

from millrace.engine.base import Engine
from millrace.engine.here import Here


def open_engine(named: str) -> Engine:
    """Open ``local`` (this process), ``ray`` (a Ray on this machine, for this run) or ``ray://head:10001``.

    Raises `MissingExtraError` without the extra. A cluster is asked when there is something to do.
    """
    if named == "local":
        return Here()
    from millrace.engine.on_ray import OnRay

    return OnRay("local" if named == "ray" else named)
