"""What a detector owes: take one value, and say whether the stream began to differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from millrace.errors import DataError, MissingExtraError


class Detector(Protocol):
    """Sees one value after another; after an alarm it goes on, ready for the next one."""

    def update(self, value: float) -> bool:
        """Take the next value; whether that makes an alarm."""


@dataclass(frozen=True, slots=True)
class DetectorKind:
    """One kind of detector, the values it is made for (`low` to `high`), and how one is opened with its defaults."""

    name: str
    open: Callable[[], Detector]
    low: float = -math.inf
    high: float = math.inf

    def guarded(self) -> Detector:
        """A new detector that refuses values it is not made for, instead of alarming at them."""
        return _Guarded(self, self.open())


class _Guarded:
    def __init__(self, kind: DetectorKind, detector: Detector) -> None:
        self._kind, self._detector = kind, detector

    def update(self, value: float) -> bool:
        """Hand `value` on when the detector is made for it. Raises `DataError`, and leaves the detector as it was."""
        kind = self._kind
        if not (math.isfinite(value) and kind.low <= value <= kind.high):
            raise DataError(
                f"The detector `{kind.name}` got {value}.",
                where="detectors",
                code="data.range",
                allowed=[f"finite numbers from {kind.low:g} to {kind.high:g}"],
                next_step="scale the values, such as absolute errors by the largest one that can occur",
            )
        return self._detector.update(value)


def of_river(module: str, name: str, **options: object) -> Callable[[], Detector]:
    """What opens a detector of the library river, as `module` and `name` say. Raises `MissingExtraError` without it."""

    def open_one() -> Detector:
        from importlib import import_module

        try:
            made = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"The detector `{name}` needs the library river.",
                where="detectors",
                next_step="pip install 'millrace[river]'",
            ) from error
        return _Rivers(made(**options))

    return open_one


class _Rivers:
    def __init__(self, detector: object) -> None:
        self._detector = detector

    def update(self, value: float) -> bool:
        self._detector.update(value)  # type: ignore[attr-defined]
        return bool(self._detector.drift_detected)  # type: ignore[attr-defined]
