import numpy as np
import pytest

from millrace.evaluate.conformal import intervals, sets, surround, surroundings
from millrace.records.calibration import Curve
from millrace.records.conformal import Conformal
from millrace.records.fit import Answer

NAMES = ("a", "b", "c")


def classes(rows, rng):
    """Truth, and chances of a model that is too sure; class c is rare."""
    logits = 1.2 * rng.normal(size=(rows, 3)) + [1.0, 0.5, -1.5]
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random(rows)[:, None] > honest.cumsum(axis=1)[:, :-1]).sum(axis=1)
    told = honest**2
    return truth, told / told.sum(axis=1, keepdims=True)


def values(rows, rng, bend):
    """Values whose errors grow with the prediction by `bend`."""
    told = rng.random(rows) * 10
    return told + rng.normal(size=rows) * (1 + bend * told), told


def answer(told):
    return Answer(told.argmax(axis=1), told.astype(np.float32))


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("by", ["rows", "class"])
def test_sets_hold_the_true_class_as_often_as_promised(coverage, by):
    rng = np.random.default_rng(1)
    held = []
    for _ in range(60):
        conformal = sets(*classes(500, rng), coverage, by)
        truth, told = classes(2000, rng)
        (inside,) = surround(conformal, answer(told))
        right = inside[np.arange(2000), truth]
        held.append([right.mean(), right[truth == 2].mean()])
    everyone, rare = np.mean(held, axis=0)
    assert coverage - 0.01 < everyone < coverage + (0.01 if by == "rows" else 0.06)
    assert rare > coverage - 0.01 if by == "class" else rare < coverage - 0.05


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("bend", [0.0, 0.5], ids=["even errors", "errors that grow"])
@pytest.mark.parametrize("rows", [60, 400, 3000])
def test_intervals_hold_the_true_value_as_often_as_promised(coverage, bend, rows):
    rng = np.random.default_rng(2)
    held, small = [], []
    for _ in range(80):
        conformal = intervals(*values(rows, rng, bend), coverage)
        truth, told = values(1000, rng, bend)
        lower, upper = surround(conformal, Answer(value=told.astype(np.float32)))
        inside = (truth >= lower) & (truth <= upper)
        held.append(inside.mean())
        small.append(inside[told < 2].mean())
    assert coverage - 0.012 < np.mean(held) < coverage + 0.02
    if rows >= 400:  # enough to tell where errors are small
        assert abs(np.mean(small) - coverage) < 0.05


def test_the_cut_is_the_share_that_may_be_left_out():
    # ten rows, 80 %: floor(11 * 0.2) = 2, so the second lowest given probability is let in, the lowest is not
    given = np.linspace(0.05, 0.5, 10)
    conformal = sets(np.zeros(10, int), np.stack([given, 1 - given], axis=1), 0.8, "rows")
    assert conformal.cuts == pytest.approx((0.075, 0.075))


def test_too_few_rows_let_everything_in():
    assert sets(np.zeros(5, int), np.full((5, 2), 0.5), 0.9, "rows").cuts == (0.0, 0.0)


def test_a_set_is_never_empty():
    (inside,) = surround(Conformal(0.9, cuts=(0.9, 0.9)), answer(np.array([[0.6, 0.4]])))
    assert inside.tolist() == [[True, False]]


def test_an_interval_follows_the_value():
    lower, upper = surround(Conformal(0.9, reach=Curve((0.0, 10.0), (1.0, 3.0))), Answer(value=np.float32([0, 5, 99])))
    assert (lower.tolist(), upper.tolist()) == ([-1.0, 3.0, 96.0], [1.0, 7.0, 102.0])


def test_a_flawless_model_has_intervals_of_no_width():
    conformal = intervals(np.arange(100.0), np.arange(100.0), 0.9)
    lower, upper = surround(conformal, Answer(value=np.arange(5, dtype=np.float32)))
    assert (lower == upper).all()


def test_what_was_seen_is_told():
    truth = np.array([0, 1, 2, 2])
    inside = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    found = surroundings(Conformal(0.9, cuts=(0.1,) * 3), truth, Answer(truth, inside=inside), NAMES)
    assert (found.covered.value, found.size.value, found.per_class["c"].value) == (0.75, 1.5, 0.5)
    spread = Answer(value=truth * 1.0, lower=np.zeros(4), upper=np.full(4, 1.5))
    found = surroundings(Conformal(0.9, reach=Curve((0.0,), (1.0,))), truth, spread, ())
    assert (found.covered.value, found.size.value) == (0.5, 1.5)
