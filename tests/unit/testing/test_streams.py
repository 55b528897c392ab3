"""Streams do what their kind says, and alarms are counted as worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from millrace.errors import UsageError
from millrace.testing.streams import KINDS, Episode, alarms, score, stream

HALF = 10_000


def _rates(kind: str) -> tuple[float, float]:
    """Share of errors before and from the drift on, in a long stream."""
    made = stream(kind, rows=2 * HALF, at=HALF, width=1000, seed=3)
    return float(made.errors[:HALF].mean()), float(made.errors[HALF:].mean())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_same_seed_gives_the_same_stream_and_another_one_another(kind: str) -> None:
    first, again, other = (stream(kind, rows=500, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert not np.array_equal(first.truth, other.truth)
    assert first.frame.columns == ["a", "b", "c", "truth"]
    assert first.frame.height == 500


@pytest.mark.parametrize("kind", ["none", "seasonal", "covariate"])
def test_benign_kinds_leave_the_errors_as_they_are(kind: str) -> None:
    before, after = _rates(kind)
    # two shares of 10,000 rows near 0.12 differ by less than 0.02 with a chance of all but 1 in 10,000
    assert abs(before - after) < 0.02
    assert stream(kind).harmed == ()


@pytest.mark.parametrize("kind", ["abrupt", "gradual", "label_swap", "feature_loss", "recurring"])
def test_harmful_kinds_make_the_old_model_wrong_from_the_drift_on(kind: str) -> None:
    before, after = _rates(kind)
    assert before < 0.15
    assert after > before + 0.1
    assert stream(kind, rows=1000, at=600).harmed[0].start == 600


def test_a_swap_of_labels_turns_the_rate_of_errors_round() -> None:
    before, after = _rates("label_swap")
    assert after == pytest.approx(1 - before, abs=0.02)


def test_a_gradual_change_is_half_there_in_the_middle_of_its_width() -> None:
    made = stream("gradual", rows=30_000, at=10_000, width=10_000, seed=1)
    calm, middle, new = (made.errors[part].mean() for part in (np.s_[:10_000], np.s_[14_000:16_000], np.s_[20_000:]))
    assert middle == pytest.approx((calm + new) / 2, abs=0.04)


def test_a_recurring_change_comes_and_goes() -> None:
    made = stream("recurring", rows=500, at=100, width=100)
    assert made.harmed == (Episode(100, 200), Episode(300, 400))


def test_a_lost_feature_is_missing_from_the_drift_on_alone() -> None:
    frame = stream("feature_loss", rows=100, at=60).frame
    assert frame["a"].is_null().to_list() == [False] * 60 + [True] * 40


def test_a_covariate_drift_moves_the_input_that_says_nothing() -> None:
    made = stream("covariate", rows=20_000, at=10_000)
    assert made.inputs[10_000:, 2].mean() - made.inputs[:10_000, 2].mean() == pytest.approx(1.0, abs=0.05)
    assert made.moved == (Episode(10_000, 20_000),)


def test_alarms_before_an_episode_are_false_and_after_the_first_in_it_repeated() -> None:
    outcome = score([99, 100, 199, 200], [Episode(100, 200)], 1000)
    assert (outcome.delays, outcome.missed, outcome.repeated, outcome.false_alarms) == ((0,), 0, 1, 2)
    assert outcome.per_10_000 == pytest.approx(2 / 900 * 10_000)


def test_an_alarm_that_comes_too_late_is_a_miss() -> None:
    episodes = [Episode(100, 200)]
    assert score([149], episodes, 300, within=50).missed == 0
    late = score([150], episodes, 300, within=50)
    assert (late.missed, late.delays, late.false_alarms) == (1, (), 0)
    assert math.isnan(late.delay)


def test_without_calm_rows_there_is_no_rate_of_false_alarms() -> None:
    assert math.isnan(score([1], [Episode(0, 10)], 10).per_10_000)


def test_a_detector_that_always_fires_finds_all_and_pays_for_it() -> None:
    made = stream("abrupt", rows=1000, at=500)
    outcome = score(alarms(lambda _: True, made.errors), made.harmed, 1000)
    assert (outcome.delay, outcome.missed, outcome.per_10_000) == (0, 0, 10_000)


def test_an_unknown_kind_names_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="Did you mean `abrupt`"):
        stream("abrup")


@pytest.mark.parametrize(("at", "width"), [(0, 10), (100, 10), (50, 0), (50, 101)])
def test_a_drift_that_does_not_fit_is_refused(at: int, width: int) -> None:
    with pytest.raises(UsageError, match="does not fit into 100 rows"):
        stream("gradual", rows=100, at=at, width=width)
