"""Whom a project file tells: the built-in notifiers and those of plugins, by one table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from millrace.config.alert import AFTER, after
from millrace.errors import ProjectFileError, nearest
from millrace.notify.base import NotifierKind, Receiver

GROUP = "millrace.notifiers"

#: The entry points that Millrace itself declares; a copy, so that a source tree works without being installed.
BUILT_IN: Mapping[str, str] = {
    "email": "millrace.notify.mail:KIND",
    "slack": "millrace.notify.slack:KIND",
    "webhook": "millrace.notify.webhook:KIND",
}


def kinds() -> dict[str, NotifierKind]:
    """Every kind of notifier that is installed, by name; a plugin may replace a built-in kind.

    Examples
    --------
    >>> sorted(set(kinds()) & set(BUILT_IN))
    ['email', 'slack', 'webhook']
    """
    found = {name: _load(target) for name, target in BUILT_IN.items()}
    for point in entry_points(group=GROUP):
        if point.value != BUILT_IN.get(point.name):
            found[point.name] = point.load()
    return found


def receivers(alert: Sequence[Mapping[str, Any]]) -> dict[str, Receiver]:
    """Who is told by `monitor.alert`, by a name that stays when lines change places and shows no secret.

    Raises `ProjectFileError` for a kind that is not installed, or a target that it cannot mean.

    Examples
    --------
    >>> told = receivers([{"slack": "https://hooks.slack.com/services/T/B/x", "after": "4 hours"}])
    >>> [(name.partition("-")[0], receiver.after) for name, receiver in told.items()]
    [('slack', 14400.0)]
    """
    installed, opened = kinds(), {}
    for line in alert:
        patience = after(dict(line))
        for kind, target in line.items():
            if kind == AFTER:
                continue
            if kind not in installed:
                raise ProjectFileError(
                    f"`{kind}` is no kind of notifier.",
                    where="monitor.alert",
                    code="config.value",
                    allowed=sorted(installed),
                    nearest=nearest(kind, installed),
                )
            digest = hashlib.sha256(json.dumps(target, sort_keys=True, default=str).encode()).hexdigest()
            opened[f"{kind}-{digest[:8]}"] = Receiver(installed[kind].open(target), patience)
    return opened


def _load(target: str) -> NotifierKind:
    module, _, attribute = target.partition(":")
    kind = getattr(import_module(module), attribute)
    if not isinstance(kind, NotifierKind):
        raise ProjectFileError(f"`{target}` is not a NotifierKind.", where="notify", code="config.value")
    return kind
