import numpy as np
import pytest
from scipy import stats

from millrace.evaluate.intervals import (
    around,
    error_of,
    freedom_of,
    resample_matrix,
    rows_worth,
    stretch_of,
    student,
    wilson,
)
from millrace.evaluate.measure import judged, measure
from millrace.evaluate.metrics import METRICS
from millrace.records.fit import Answer

SIMULATIONS = 300


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (3, 10), (10, 10), (410, 1000)])
def test_wilson_equals_scipy(hits, rows):
    expected = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    assert wilson(hits, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_rows_say_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("freedom", [8, 30, 1000])
def test_student_is_close_to_scipy(freedom):
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=3e-3)


@pytest.mark.parametrize(("scale", "value", "floor", "ceiling"), [("log", 0.01, 0, np.inf), ("logit", 0.99, 0, 1)])
def test_bounds_stay_in_the_possible_range(scale, value, floor, ceiling):
    low, high = around(value, 0.2, scale, 50)
    assert floor <= low < value < high <= ceiling


def test_resampled_cells_keep_a_flawless_model_uncertain():
    counts = resample_matrix(np.array([[50, 0], [0, 50]]), np.random.default_rng(0))
    accuracy = counts.hits.sum(axis=-1) / counts.actual.sum(axis=-1)
    assert 0.95 < np.quantile(accuracy, 0.025) < 0.99


def simulate_binary(rng, rows):
    truth = (rng.random(rows) < 0.2).astype(np.int64)
    score = rng.normal(size=rows) + 1.5 * truth
    return truth, 1 / (1 + np.exp(-(np.log(0.25) + 1.5 * score - 1.125)))


def simulate_values(rng, rows):
    known = rng.normal(size=rows)
    return 2 * known + 10 + rng.standard_t(6, size=rows), 2 * known + 10


@pytest.mark.parametrize(
    ("simulate", "task", "rows", "names"),
    [
        pytest.param(
            simulate_binary,
            "binary",
            250,
            ("roc_auc", "average_precision", "accuracy", "precision", "recall", "f1", "mcc", "brier", "log_loss"),
            id="binary",
        ),
        pytest.param(simulate_values, "regression", 200, ("rmse", "mae", "median_ae", "r2"), id="regression"),
    ],
)
def test_intervals_cover_the_true_value_as_often_as_they_say(simulate, task, rows, names):
    rng = np.random.default_rng(12)
    truth, scores = simulate(rng, 400_000)
    everyone = judged(truth, _answer(task, scores), task, 2)
    true = {name: METRICS[name].function(truth, everyone.prediction(METRICS[name])) for name in names}
    held = dict.fromkeys(names, 0)
    for seed in range(SIMULATIONS):
        sample, seen = simulate(rng, rows)
        measured = measure(judged(sample, _answer(task, seen), task, 2), seed)
        for name in names:
            held[name] += measured[name].low <= true[name] <= measured[name].high
    coverage = {name: count / SIMULATIONS for name, count in held.items()}
    assert all(0.91 <= share <= 0.985 for share in coverage.values()), coverage


def _answer(task, scores):
    return Answer(value=scores) if task == "regression" else Answer(probabilities=np.stack([1 - scores, scores], 1))


def test_a_calibrated_model_may_have_no_calibration_error():
    truth, scores = simulate_binary(np.random.default_rng(2), 500)
    measured = measure(judged(truth, _answer("binary", scores), "binary", 2))
    assert measured["ece"].low == 0.0


def test_an_honest_model_is_not_charged_with_the_error_that_chance_shows():
    rng = np.random.default_rng(4)
    found = [measure(judged(*_binary_answer(rng, 300), "binary", 2), seed)["ece"] for seed in range(100)]
    # the plain mean gap of such samples is 0.044 on average
    assert np.median([one.value for one in found]) < 0.015
    assert np.mean([one.low > 0 for one in found]) < 0.1


def test_the_calibration_error_of_a_model_far_too_sure_is_found():
    truth, scores = simulate_binary(np.random.default_rng(5), 2000)
    bold = scores**2.5 / (scores**2.5 + (1 - scores) ** 2.5)
    everyone = simulate_binary(np.random.default_rng(6), 400_000)
    true = METRICS["ece"].function(everyone[0], everyone[1] ** 2.5 / (everyone[1] ** 2.5 + (1 - everyone[1]) ** 2.5))
    one = measure(judged(truth, _answer("binary", bold), "binary", 2))["ece"]
    assert 0.03 < one.low < true < one.high < 0.15


def test_bounds_shrink_with_the_root_of_the_rows():
    rng = np.random.default_rng(8)
    widths = []
    for rows in (1000, 16000):
        measured = measure(judged(*_binary_answer(rng, rows), "binary", 2))
        widths.append({name: m.high - m.low for name, m in measured.items() if name != "ece"})
    for name, wide in widths[0].items():
        assert 2.9 < wide / widths[1][name] < 5.5, name


def _binary_answer(rng, rows):
    truth, scores = simulate_binary(rng, rows)
    return truth, _answer("binary", scores)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_a_flawless_ranking_of_few_rows_stays_uncertain(name):
    truth = np.array([0] * 10 + [1] * 5)
    measured = measure(judged(truth, _answer("binary", truth * 0.8 + 0.1), "binary", 2))
    # Wilson's lower bound of 5 in 5
    assert (measured[name].value, measured[name].high) == (1.0, 1.0)
    assert measured[name].low == pytest.approx(0.5655, abs=1e-4)


def test_the_same_seed_gives_the_same_bounds():
    truth, answer = _binary_answer(np.random.default_rng(1), 300)
    assert measure(judged(truth, answer, "binary", 2), 5) == measure(judged(truth, answer, "binary", 2), 5)


def test_skewed_losses_reach_farther_up_and_even_ones_do_not():
    assert stretch_of(np.array([-1.0, 1.0, -1.0, 1.0])) == 1.0
    # Three at -1 and one at 3: mean square 3, mean cube 6; g = 6 / 3**1.5 / sqrt(4) = 0.57735; 1 + g / 2 + 1.5 * g**2.
    assert stretch_of(np.array([-1.0, -1.0, -1.0, 3.0])) == pytest.approx(1.788675, abs=1e-6)
    assert stretch_of(np.zeros(4)) == 1.0
    low, high = around(2.0, 0.1, "root", 1000)
    assert around(2.0, 0.1, "root", 1000, 1.5) == (low, pytest.approx(2 * (high / 2) ** 1.5))


def test_every_class_lends_its_rows_to_an_error():
    truth = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert freedom_of(np.ones(9), truth) == pytest.approx(6.0)  # three classes of two degrees each
    lopsided = np.array([1.0] * 3 + [1e-9] * 6)
    assert freedom_of(lopsided, truth) == pytest.approx(2.0)  # one class makes up the whole error


def test_long_tailed_errors_are_surrounded_often_enough():
    # Lognormal amounts, missed by a factor: E[said**2] = exp(0.5), E[(factor - 1)**2] = exp(0.18) - 2 exp(0.045) + 1.
    true = np.sqrt(np.exp(0.5) * (np.exp(0.18) - 2 * np.exp(0.045) + 1))
    rng, held = np.random.default_rng(5), 0
    for _ in range(2000):
        said = np.exp(0.5 * rng.standard_normal(300))
        truth = said * np.exp(0.3 * rng.standard_normal(300))
        value, influences = METRICS["rmse"].influence(truth, said)
        error, rows = error_of(influences), rows_worth(influences)
        low, high = around(value, error, "root", rows, stretch_of(influences))
        held += low <= true <= high
    assert 0.93 <= held / 2000 <= 0.97
