"""What every detector promises, as a test class to inherit.

class TestMyDetector(DetectorContract):
    kind = my_package.KIND
"""

from __future__ import annotations

import math
from typing import ClassVar

from millrace.errors import DataError
from millrace.monitor.detectors.base import Detector, DetectorKind
from millrace.testing.streams import Score, alarms, score, stream


class DetectorContract:
    """The obligations of `millrace.monitor.detectors.base`; a test runner finds them in a subclass named ``Test…``."""

    kind: ClassVar[DetectorKind]
    #: Rows within which errors that grow from one in ten to half must be found.
    within: ClassVar[int] = 1000
    #: False alarms per 10,000 rows of errors that stay as they are.
    bearable: ClassVar[float] = 1.0

    def open(self) -> Detector:
        """A new detector, as a user gets it."""
        return self.kind.guarded()

    def test_errors_that_grow_are_found(self) -> None:
        """Growth of errors is found in time in three streams."""
        assert not any(self._score("abrupt", seed).missed for seed in range(3)), f"missed within {self.within} rows"

    def test_errors_that_stay_raise_few_alarms(self) -> None:
        """On errors without a drift, false alarms stay bearable."""
        found = sum(self._score("none", seed).false_alarms for seed in range(3))
        assert found / 3 <= self.bearable, f"{found} false alarms in 30,000 rows"

    def test_the_same_values_give_the_same_alarms(self) -> None:
        """Two detectors of a kind agree, and share nothing."""
        errors = stream("recurring", rows=4000, seed=1).errors
        one, other = self.open(), self.open()
        together = [(one.update(float(value)), other.update(float(value))) for value in errors]
        assert all(first == second for first, second in together), "two detectors fed alike differ"

    def test_it_goes_on_after_an_alarm(self) -> None:
        """A second drift of the same stream is found too."""
        turns = stream("recurring", rows=20_000, at=5000, width=5000, seed=2)
        found = alarms(self.open().update, turns.errors.astype(float))
        assert not score(found, turns.harmed, 20_000).missed, f"alarms at {found}, drifts at {turns.harmed}"

    def test_values_that_it_is_not_made_for_are_refused(self) -> None:
        """No number, an infinite one, or one out of range is an error, and leaves no trace."""
        odd = [math.nan, math.inf, -math.inf]
        odd += [end for end in (self.kind.low - 1, self.kind.high + 1) if math.isfinite(end)]
        errors = stream("abrupt", rows=4000, seed=3).errors.astype(float)
        detector = self.open()
        found = []
        for row, value in enumerate(errors):
            for wrong in odd if row % 500 == 0 else ():
                _assert_refused(detector, wrong)
            if detector.update(value):
                found.append(row)
        assert tuple(found) == alarms(self.open().update, errors), "a refused value changed what came after"

    def _score(self, kind: str, seed: int) -> Score:
        known = stream(kind, seed=seed)
        found = alarms(self.open().update, known.errors.astype(float))
        return score(found, known.harmed, known.errors.size, within=self.within)


def _assert_refused(detector: Detector, value: float) -> None:
    try:
        detector.update(value)
    except DataError:
        return
    message = f"{value} was taken"
    raise AssertionError(message)
