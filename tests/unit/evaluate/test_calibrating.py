import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from millrace.evaluate.calibrating import apply, best, learn, try_out
from millrace.evaluate.isotonic import isotonic
from millrace.evaluate.probabilities import ece
from millrace.records.calibration import Calibration, Curve

METHODS = ("temperature", "sigmoid", "isotonic")


def chances(rows, heat, seed=0, classes=2):
    """Truth, and chances whose logits were multiplied by `heat`: 1 is honest, 2 far too sure."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(rows, classes))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random(rows)[:, None] > honest.cumsum(axis=1)[:, :-1]).sum(axis=1)
    told = np.exp(heat * logits)
    return truth, told / told.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_is_too_sure_becomes_honest(method, classes):
    truth, told = chances(6000, 2.5, classes=classes)
    calibration = learn(method, truth, told)
    fresh, again = chances(20_000, 2.5, seed=1, classes=classes)
    mended = apply(calibration, again)
    of = (lambda p: p[:, 1]) if classes == 2 else (lambda p: p)
    assert ece(fresh, of(again)) > 0.08
    assert ece(fresh, of(mended)) < 0.025
    np.testing.assert_allclose(mended.sum(axis=1), 1.0, atol=1e-12)


def test_the_temperature_is_found_again():
    assert learn("temperature", *chances(40_000, 2.0)).slopes[0] == pytest.approx(0.5, abs=0.02)
    assert learn("temperature", *chances(40_000, 2.0, classes=4)).slopes[0] == pytest.approx(0.5, abs=0.02)


def test_the_sigmoid_is_a_logistic_regression_of_the_logit():
    truth, told = chances(5000, 2.0)
    logit = np.log(told[:, 1] / told[:, 0])[:, None]
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, truth)
    found = learn("sigmoid", truth, told)
    assert (found.slopes[0], found.offsets[0]) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=2e-3)


def test_the_curve_goes_through_the_steps_of_scikit_learn():
    rng = np.random.default_rng(3)
    score = rng.random(4000)
    outcome = rng.random(4000) < score**2
    curve = isotonic(outcome, score)
    peer = IsotonicRegression(out_of_bounds="clip").fit(score, outcome)
    assert np.abs(np.interp(score, curve.x, curve.y) - peer.predict(score)).mean() < 0.02
    assert (np.diff(curve.y) >= 0).all()
    assert (np.diff(curve.x) > 0).all()
    assert 0 < curve.y[0] < curve.y[-1] < 1
    assert len(curve.x) <= 100


@pytest.mark.parametrize("heat", [1.0, 0.5, 2.0], ids=["honest", "too timid", "too sure"])
def test_it_is_used_only_where_it_surely_helps(heat):
    used = [best(*chances(800, heat, seed), METHODS) is not None for seed in range(40)]
    assert sum(used) <= 3 if heat == 1.0 else sum(used) == 40


def test_the_gain_is_that_on_fresh_rows():
    tried = try_out("temperature", *chances(4000, 2.0))
    fresh, told = chances(100_000, 2.0, seed=5)
    before = -np.log(told[np.arange(len(fresh)), fresh]).mean()
    after = -np.log(apply(tried.calibration, told)[np.arange(len(fresh)), fresh]).mean()
    assert tried.gain.low < before - after < tried.gain.high


def test_scores_that_rank_the_wrong_way_are_left_alone():
    truth, told = chances(500, 1.0)
    assert learn("sigmoid", truth, told[:, ::-1]) is None
    assert learn("temperature", truth, told[:, ::-1]) is None


@pytest.mark.parametrize("method", METHODS)
def test_too_few_rows_tell_nothing(method):
    assert try_out(method, *chances(30, 2.0)) is None


def test_certain_probabilities_stay_finite():
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    for calibration in (
        Calibration("temperature", (0.5,)),
        Calibration("sigmoid", (2.0,), (1.0,)),
        Calibration("isotonic", curves=(Curve((0.2, 0.6), (0.1, 0.9)),)),
    ):
        assert np.isfinite(apply(calibration, sure)).all()
    assert apply(None, sure) is sure


@pytest.mark.parametrize("method", METHODS)
def test_classes_that_nothing_confuses_are_learned_without_an_overflow(method):
    truth = np.array([0, 1] * 200)
    sure = np.eye(2)[truth]
    for told in (sure, 0.002 * sure + 0.499):
        assert np.isfinite(apply(learn(method, truth, told), sure)).all()
