"""The last fits: what time does not allow is answered by a model that is done, never by one that is half-done."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from millrace.config.units import Trials
from millrace.engine.clock import Clock
from millrace.records.signature import Field, Signature
from millrace.train.candidates import portfolio
from millrace.train.ensemble import refit, taught
from millrace.train.models.base import Problem
from millrace.train.scorer import scorer
from millrace.train.trials import Classroom, Trial, try_candidates

SIGNATURE = Signature("regression", "y", (Field("x", "number"),))


@pytest.fixture(scope="module")
def room() -> Classroom:
    x = np.linspace(-1, 1, 200)
    even, odd = np.arange(0, 200, 2), np.arange(1, 200, 2)
    return Classroom(pl.DataFrame({"x": x}), 3 * x + 1, SIGNATURE, [(odd, even), (even, odd)])


def tried(room: Classroom, clock: Clock) -> tuple[Trial, ...]:
    candidates = portfolio(Problem(SIGNATURE, "rmse", 0))[:2]
    return try_candidates(room, candidates, scorer("rmse", SIGNATURE), clock)


def test_where_there_is_time_all_rows_are_learned_from(room: Classroom) -> None:
    clock = Clock(1000)
    (linear, _) = tried(room, clock)
    assert linear.pupil is not None
    member = refit(room, linear, clock)
    assert member.estimator is not linear.pupil.estimator


def test_a_last_fit_that_would_last_too_long_is_not_begun(room: Classroom) -> None:
    clock = Clock(1000)
    linear, trees = (replace(trial, seconds=1e6) for trial in tried(room, clock))
    members = taught(room, [linear, trees], {0: 0.25, 1: 0.75}, clock)
    assert linear.pupil is not None
    assert trees.pupil is not None
    assert [member.estimator for member in members] == [trees.pupil.estimator, linear.pupil.estimator]
    assert [member.weight for member in members] == [0.75, 0.25]


def test_of_trials_that_an_earlier_process_finished_late_ones_are_left_out(room: Classroom) -> None:
    linear, trees = (replace(trial, pupil=None) for trial in tried(room, Clock(1000)))
    members = taught(room, [linear, trees], {0: 0.6, 1: 0.4}, Clock(0))
    assert [(member.name, member.weight) for member in members] == [(linear.candidate.name, 1.0)]


def test_what_is_known_is_not_taught_again(room: Classroom) -> None:
    clock = Clock(1000)
    trials = tried(room, clock)
    first = taught(room, trials, {0: 0.5, 1: 0.5}, clock)
    (again,) = taught(room, trials, {1: 1.0}, clock, {member.name: member for member in first})
    assert again.estimator is first[1].estimator
    assert again.weight == 1


def test_counted_trials_always_learn_from_all_rows(room: Classroom) -> None:
    assert [trial.pupil for trial in tried(room, Clock(Trials(2)))] == [None, None]
