import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, matthews_corrcoef

from millrace.config.deciding import Floor
from millrace.errors import UsageError
from millrace.evaluate.thresholds import best_threshold, floored_threshold

TRUTH, SCORE = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        pytest.param({"false_positive": 1, "false_negative": 8}, 0.225, id="misses are dear: both positives"),
        pytest.param({"false_positive": 5, "false_negative": 1}, 0.6, id="alarms are dear: the surest only"),
    ],
)
def test_cost_moves_the_threshold(cost, expected):
    assert best_threshold(TRUTH, SCORE, cost=cost) == pytest.approx(expected)


def test_nobody_is_called_where_alarms_cost_more_than_they_save():
    threshold = best_threshold(np.array([0, 0, 1]), np.array([1.0, 1.0, 1.0]), cost={"false_positive": 9})
    assert np.float32(threshold) > np.float32(1.0)


def test_the_threshold_lies_between_scores_in_float32():
    score = np.array([0.5, np.nextafter(np.float32(0.5), np.float32(1))], np.float32)
    threshold = np.float32(best_threshold(np.array([0, 1]), score))
    assert (score >= threshold).tolist() == [False, True]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=40))
@settings(max_examples=25)
@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize(("metric", "peer"), [("f1", f1_score), ("mcc", matthews_corrcoef)])
def test_no_other_threshold_is_better(metric, peer, rows):
    truth = np.array([int(positive) for positive, _ in rows])
    score = np.array([tenths / 12 for _, tenths in rows])

    def at(threshold):
        label = (score >= threshold).astype(int)
        return peer(truth, label, **({"zero_division": 0} if metric == "f1" else {}))

    best = max(at(threshold) for threshold in (*score, 1.1))
    assert at(best_threshold(truth, score, metric=metric)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"cost": {"false_alarm": 1}}, "`false_alarm: 1` is not a cost", id="unknown cost"),
        pytest.param({"cost": {"false_positive": -1}}, "`false_positive: -1` is not a cost", id="negative cost"),
        pytest.param({"metric": "f_2"}, "`f_2` is not a metric", id="unknown metric"),
    ],
)
def test_nonsense_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        best_threshold(TRUTH, SCORE, **arguments)


def test_no_rows_give_no_threshold():
    with pytest.raises(UsageError, match="0 truths"):
        best_threshold(np.array([]), np.array([]))


@pytest.mark.parametrize(
    ("floor", "expected", "reached"),
    [
        # scores 0.8 (1), 0.4 (0), 0.35 (1), 0.1 (0)
        pytest.param(Floor("recall", 0.95, "precision"), 0.225, True, id="find all, with few alarms"),
        pytest.param(Floor("precision", 0.9, "recall"), 0.6, True, id="alarms that are right"),
        pytest.param(Floor("specificity", 1.0, "recall"), 0.6, True, id="leave all others alone"),
    ],
)
def test_a_floor_under_one_metric_leaves_another_to_be_maximised(floor, expected, reached):
    truth, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert floored_threshold(truth, score, floor) == (pytest.approx(expected), reached)


def test_a_floor_that_no_threshold_reaches_gives_the_nearest():
    truth, score = np.array([1, 0, 1, 0]), np.array([0.1, 0.9, 0.5, 0.7])
    threshold, reached = floored_threshold(truth, score, Floor("precision", 0.9, "recall"))
    assert not reached
    assert threshold == pytest.approx(0.05)  # everybody: precision 0.5, the best there is


def test_a_metric_without_a_threshold_cannot_be_floored():
    with pytest.raises(UsageError, match="`roc_auc` has the same value at every threshold"):
        floored_threshold(np.array([0, 1]), np.array([0.1, 0.9]), Floor("roc_auc", 0.9, "recall"))
