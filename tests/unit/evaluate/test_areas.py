import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from millrace.evaluate.areas import against_rest, bounds_of, one_against_one
from millrace.evaluate.judge import evaluate

RNG = np.random.default_rng(8)
TRUTH = np.repeat([0, 1, 2], [30, 60, 110])
SCORES = np.round(RNG.dirichlet(np.ones(3), 200) + 0.3 * np.eye(3)[TRUTH], 2)

WAYS = [
    pytest.param(against_rest, id="against the rest"),
    pytest.param(one_against_one(weighted=False), id="pairs"),
    pytest.param(one_against_one(weighted=True), id="pairs by rows"),
]


@pytest.mark.parametrize("measure", WAYS)
@pytest.mark.parametrize("row", [3, 50, 150])
def test_influence_is_the_change_when_a_row_occurs_more_often(measure, row):
    many = np.repeat(np.arange(200), 400)
    area, influence = measure(TRUTH, SCORES)
    again = np.append(many, [row] * 40)
    change = (measure(TRUTH[again], SCORES[again])[0] - area) / (40 / 400)
    assert influence[row] == pytest.approx(change, abs=2e-5, rel=0.01)


@pytest.mark.parametrize("measure", WAYS)
def test_the_interval_is_as_wide_as_resamples_say(measure):
    _, (low, high) = bounds_of(measure)(TRUTH, SCORES, RNG)
    rng = np.random.default_rng(0)
    drawn = [measure(TRUTH[rows], SCORES[rows])[0] for rows in rng.integers(0, 200, (300, 200))]
    assert high - low == pytest.approx(np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025), rel=0.2)


def test_one_class_alone_says_nothing_of_the_area():
    assert bounds_of(against_rest)(np.ones(4, np.int64), np.full((4, 3), 1 / 3), RNG) == (0.5, (0.0, 1.0))


def test_a_strangers_predictions_get_every_area_with_its_interval():
    chances = SCORES / SCORES.sum(axis=1, keepdims=True)
    metrics = evaluate(TRUTH, chances).metrics
    for name in ("roc_auc_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted"):
        assert 0 < metrics[name].low < metrics[name].value < metrics[name].high < 1
    expected = roc_auc_score(TRUTH, chances, multi_class="ovo")
    assert metrics["roc_auc_ovo"].value == pytest.approx(expected, abs=1e-12)
