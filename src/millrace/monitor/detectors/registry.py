"""Which detectors there are: the built-in ones and those of plugins, by one table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points

from millrace.errors import UsageError, nearest
from millrace.monitor.detectors.base import Detector, DetectorKind

GROUP = "millrace.detectors"

#: The entry points that Millrace itself declares; a copy, so that a source tree works without being installed.
BUILT_IN: Mapping[str, str] = {
    "adwin": "millrace.monitor.detectors.adwin:KIND",
    "betting": "millrace.monitor.detectors.betting:KIND",
    "hddm_a": "millrace.monitor.detectors.hddm_a:KIND",
    "hddm_w": "millrace.monitor.detectors.hddm_w:KIND",
    "kswin": "millrace.monitor.detectors.kswin:KIND",
    "page_hinkley": "millrace.monitor.detectors.page_hinkley:KIND",
}


def kinds() -> dict[str, DetectorKind]:
    """Every kind of detector that is installed, by name; a plugin may replace a built-in kind.

    Examples
    --------
    >>> sorted(set(kinds()) & set(BUILT_IN))
    ['adwin', 'betting', 'hddm_a', 'hddm_w', 'kswin', 'page_hinkley']
    """
    found = {name: _load(target) for name, target in BUILT_IN.items()}
    for point in entry_points(group=GROUP):
        if point.value != BUILT_IN.get(point.name):
            found[point.name] = _checked(point.load(), point.value)
    return found


def detector(name: str) -> Detector:
    """A new detector of a kind, guarded against values it is not made for. Raises `UsageError` for an unknown name.

    Examples
    --------
    >>> detector("betting").update(0.0)
    False
    """
    installed = kinds()
    if name not in installed:
        raise UsageError(
            f"`{name}` is no kind of detector.",
            where="detectors",
            allowed=sorted(installed),
            nearest=nearest(name, installed),
        )
    return installed[name].guarded()


def _load(target: str) -> DetectorKind:
    module, _, attribute = target.partition(":")
    return _checked(getattr(import_module(module), attribute), target)


def _checked(kind: object, target: str) -> DetectorKind:
    if not isinstance(kind, DetectorKind):
        raise UsageError(f"`{target}` is not a DetectorKind.", where="detectors")
    return kind
