"""The stated number of rows until a false alarm is kept, also by errors that come in runs."""

from __future__ import annotations

import numpy as np

from millrace.monitor.detectors.betting import Betting


def until_alarm(errors: np.ndarray, every: float) -> int:
    detector = Betting(usual=0.2, every=every)
    return next((row for row, error in enumerate(errors) if detector.update(float(error))), errors.size)


def test_a_false_alarm_takes_at_least_as_many_rows_as_stated() -> None:
    draw = np.random.default_rng(1)
    waits = [until_alarm(draw.random(4000) < 0.2, every=500) for _ in range(40)]
    assert np.mean(waits) > 500


def test_errors_twice_as_frequent_are_found_soon_at_every_level() -> None:
    draw = np.random.default_rng(2)
    waits = [until_alarm(draw.random(2000) < 0.4, every=100_000) for _ in range(20)]
    assert max(waits) < 400


def test_errors_that_become_fewer_are_no_alarm() -> None:
    assert until_alarm(np.random.default_rng(3).random(5000) < 0.1, every=1000) == 5000


def test_what_is_usual_is_learned_from_the_first_values() -> None:
    draw = np.random.default_rng(4)
    errors = np.concatenate([draw.random(3000) < 0.3, draw.random(500) < 0.6]).astype(float)
    detector = Betting(learn=500)
    found = [row for row, error in enumerate(errors) if detector.update(error)]
    assert 3000 < found[0] < 3200


def test_a_stream_without_errors_is_learned_too() -> None:
    detector = Betting(learn=200)
    assert not any(detector.update(0.0) for _ in range(1000))
    assert any(detector.update(1.0) for _ in range(20))
