"""The learning curve: as many points as there is time for, the last one on all training rows."""

import numpy as np
import polars as pl
import pytest

from millrace.engine.clock import Clock
from millrace.records.signature import Field, Signature
from millrace.train.calling import Calling
from millrace.train.candidates import portfolio
from millrace.train.ensemble import refit
from millrace.train.judging import Judging
from millrace.train.learning import learning_curve
from millrace.train.models.base import Problem
from millrace.train.scorer import scorer
from millrace.train.trials import Classroom, try_candidates

SIGNATURE = Signature("binary", "target", tuple(Field(name, "number") for name in "ab"), ("no", "yes"), "yes")


def rows(count, seed):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count)})
    return frame, (rng.random(count) < 1 / (1 + np.exp(-2 * frame["a"].to_numpy()))).astype(np.int64)


@pytest.fixture(scope="module")
def learned():
    frame, truth = rows(640, 0)
    fold = np.arange(640) % 2
    room = Classroom(frame, truth, SIGNATURE, [(np.flatnonzero(fold == i), np.flatnonzero(fold != i)) for i in (0, 1)])
    chooser, clock = scorer("roc_auc", SIGNATURE), Clock(1000)
    (trial,) = try_candidates(room, portfolio(Problem(SIGNATURE, "roc_auc", 0))[:1], chooser, clock)
    judging = Judging(*rows(400, 1), SIGNATURE, "roc_auc", 0)
    return room, judging, trial, refit(room, trial, clock), Calling(SIGNATURE, threshold=0.5)


def test_an_eighth_a_quarter_half_and_all_of_the_rows_are_learned_from(learned):
    points = learning_curve(*learned, Clock(1000))
    assert [count for count, _ in points] == [80, 160, 320, 640]
    assert all(one.low < 0.86 < one.high for _, one in points)  # this much can be known


def test_without_time_there_is_no_curve(learned):
    assert learning_curve(*learned, Clock(0)) == ()


def test_too_few_rows_make_no_point(learned):
    room, judging, trial, member, calling = learned
    few = Classroom(room.rows[:100], room.truth[:100], SIGNATURE, room.folds)
    assert [count for count, _ in learning_curve(few, judging, trial, member, calling, Clock(1000))] == [52, 100]
