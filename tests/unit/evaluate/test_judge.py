import numpy as np
import polars as pl
import pytest

from millrace.errors import DataError, UsageError
from millrace.evaluate.judge import compare, evaluate, judge
from millrace.records.fit import Answer
from millrace.records.signature import Signature

BINARY = Signature("binary", "ill", (), ("no", "yes"), "yes")
VALUES = Signature("regression", "price", ())
MANY = Signature("multiclass", "kind", (), ("a", "b", "c"))


def chances(positive):
    positive = np.asarray(positive, np.float64)
    return Answer(probabilities=np.stack([1 - positive, positive], axis=1))


def test_confusion_counts_actual_by_called():
    judged = judge(np.array([0, 0, 1, 1, 2]), Answer(label=np.array([0, 1, 1, 1, 0])), MANY)
    assert judged.confusion == ((1, 1, 0), (0, 2, 0), (1, 0, 0))


def test_the_threshold_decides_the_labels():
    judged = judge(np.array([0, 0, 1, 1]), chances([0.1, 0.4, 0.35, 0.8]), BINARY, threshold=0.3)
    assert (judged.confusion, judged.threshold) == (((1, 1), (0, 2)), 0.3)


def test_labels_of_the_answer_come_before_the_threshold():
    answer = Answer(label=np.array([1, 0]), probabilities=np.array([[0.9, 0.1], [0.1, 0.9]]))
    assert judge(np.array([1, 0]), answer, BINARY).metrics["accuracy"].value == 1.0


def test_the_baseline_calls_the_commonest_class():
    judged = judge(np.array([0, 0, 0, 1]), chances([0.1, 0.2, 0.3, 0.9]), BINARY)
    baseline = {name: judged.baseline[name].value for name in ("accuracy", "recall", "roc_auc", "average_precision")}
    assert baseline == {"accuracy": 0.75, "recall": 0.0, "roc_auc": 0.5, "average_precision": 0.25}


def test_the_baseline_answers_with_the_mean():
    judged = judge(np.array([1.0, 2.0, 6.0]), Answer(value=np.array([1.0, 2.0, 6.0])), VALUES)
    assert (judged.baseline["r2"].value, judged.baseline["mae"].value) == (0.0, 2.0)


def test_every_interval_holds_its_value():
    rng = np.random.default_rng(0)
    for rows in (2, 3, 10, 500):
        truth = rng.integers(0, 2, rows)
        judged = judge(truth, chances(rng.random(rows)), BINARY)
        for name, metric in {**judged.metrics, **judged.baseline}.items():
            assert metric.low <= metric.value <= metric.high, (rows, name)


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_compare_knows_which_way_is_better(metric):
    truth = np.arange(200) % 2
    sharp, vague = chances(np.where(truth, 0.9, 0.1)), chances(np.where(truth, 0.6, 0.4) + np.arange(200) / 4000)
    assert compare(truth, sharp, vague, BINARY, metric).better is True
    assert compare(truth, vague, sharp, BINARY, metric).better is False


@pytest.mark.parametrize(
    "metric", ["roc_auc", "average_precision", "accuracy", "f1", "mcc", "log_loss", "brier", "ece", "precision"]
)
def test_a_model_is_not_better_than_itself(metric):
    rng = np.random.default_rng(1)
    truth, answer = rng.integers(0, 2, 300), chances(rng.random(300))
    difference = compare(truth, answer, answer, BINARY, metric)
    assert (difference.value, difference.better, difference.rows) == (0.0, None, 300)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "f1", "brier"])
def test_a_clearly_better_model_is_found_better(metric):
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 600)
    noise = rng.normal(size=600)
    good, bad = (chances(1 / (1 + np.exp(-(noise + pull * (truth - 0.5))))) for pull in (4, 1))
    assert compare(truth, good, bad, BINARY, metric).better is True


def test_equal_models_are_called_better_only_as_often_as_stated():
    rng = np.random.default_rng(3)
    found = []
    for seed in range(200):
        truth = rng.integers(0, 2, 150)
        one, other = (chances(1 / (1 + np.exp(-(rng.normal(size=150) + truth)))) for _ in range(2))
        found.append([compare(truth, one, other, BINARY, name, seed).better is not None for name in ("roc_auc", "f1")])
    assert (np.mean(found, axis=0) < 0.09).all()


def test_pairing_finds_what_separate_intervals_hide():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=300) * 10
    hard = rng.standard_t(3, size=300) * 5
    one, other = Answer(value=truth + hard), Answer(value=truth + 1.05 * hard)
    first, second = (judge(truth, answer, VALUES).metrics["mae"] for answer in (one, other))
    assert first.high > second.low
    assert compare(truth, one, other, VALUES, "mae").better is True


@pytest.mark.parametrize("metric", ["rmse", "mae", "median_ae", "r2"])
def test_regression_metrics_compare(metric):
    truth = np.linspace(0, 10, 200)
    wave = np.sin(np.arange(200))
    assert compare(truth, Answer(value=truth + 0.1 * wave), Answer(value=truth + wave), VALUES, metric).better is True


def test_a_metric_that_means_nothing_here_is_not_measured():
    judged = judge(np.array([-1.0, 2.0, 6.0]), Answer(value=np.array([1.0, 2.0, 6.0])), VALUES)
    assert "mape" not in judged.metrics
    with pytest.raises(UsageError, match="both sides of 0"):
        judge(np.array([-1.0, 2.0, 6.0]), Answer(value=np.array([1.0, 2.0, 6.0])), VALUES, metric="mape")


def test_every_class_has_its_scores_with_wilsons_bounds():
    # class a: 1 hit, 2 actual, 2 called, 3 others of which 2 left alone; class c: never called
    one = judge(np.array([0, 0, 1, 1, 2]), Answer(label=np.array([0, 1, 1, 1, 0])), MANY).per_class
    assert [one["a"][name].value for name in ("precision", "recall", "specificity", "f1")] == [0.5, 0.5, 2 / 3, 0.5]
    assert (one["c"]["precision"].value, one["c"]["precision"].low, one["c"]["precision"].high) == (0.0, 0.0, 1.0)
    assert (one["a"]["recall"].low, one["a"]["recall"].high) == pytest.approx((0.0945, 0.9055), abs=1e-4)


@pytest.mark.parametrize(
    ("truth", "answer", "words"),
    [
        pytest.param([0], chances([0.5]), "1 rows", id="one row"),
        pytest.param([0, 1], Answer(), "0 kinds of answer", id="no answer"),
        pytest.param([0, 1], chances([0.5, 0.1, 0.2]), "different lengths", id="lengths"),
        pytest.param([0, 1], chances([0.5, np.nan]), "not finite", id="nan"),
    ],
)
def test_what_cannot_be_judged_is_refused(truth, answer, words):
    with pytest.raises(DataError, match=words):
        judge(np.array(truth), answer, BINARY)


class TestEvaluate:
    @pytest.mark.parametrize("kind", [list, np.array, pl.Series], ids=["list", "array", "polars"])
    def test_any_column_will_do(self, kind):
        assert evaluate(kind([0, 0, 1, 1]), kind([0.1, 0.4, 0.35, 0.8])).metrics["roc_auc"].value == 0.75

    @pytest.mark.parametrize(
        ("y_true", "y_score", "task"),
        [
            pytest.param([0, 1, 1], [0.2, 0.7, 0.9], "binary", id="chances"),
            pytest.param([True, False, True], [0.2, 0.7, 0.9], "binary", id="booleans"),
            pytest.param(["a", "b", "c"], ["a", "b", "b"], "multiclass", id="words"),
            pytest.param([0, 1, 2, 2], [0, 1, 2, 1], "multiclass", id="whole numbers called rightly or wrongly"),
            pytest.param([1.5, 2.0, 3.0], [1.0, 2.0, 3.5], "regression", id="fractions"),
            pytest.param([10, 20, 30], [11.0, 19.5, 31.0], "regression", id="amounts"),
            pytest.param([0, 1, 2], np.eye(3), "multiclass", id="matrix"),
        ],
    )
    def test_the_task_is_told_from_the_values(self, y_true, y_score, task):
        assert evaluate(y_true, y_score).task == task

    def test_words_need_to_say_which_class_the_scores_speak_of(self):
        with pytest.raises(UsageError, match="`no` or `yes`"):
            evaluate(["no", "yes"], [0.1, 0.9])
        assert evaluate(["no", "yes"], [0.1, 0.9], positive="yes").metrics["roc_auc"].value == 1.0
        assert evaluate(["no", "yes"], [0.1, 0.9], positive="no").metrics["roc_auc"].value == 0.0

    def test_the_positive_column_of_a_matrix_follows_the_positive(self):
        scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])  # columns: bad, good
        judged = evaluate(["bad", "good", "good"], scores, positive="bad")
        assert (judged.classes, judged.metrics["roc_auc"].value) == (("good", "bad"), 1.0)

    def test_hard_labels_look_for_the_rarer_class(self):
        judged = evaluate(["in", "in", "in", "out"], ["in", "in", "out", "out"])
        assert (judged.positive, judged.metrics["precision"].value) == ("out", 0.5)

    @pytest.mark.parametrize(
        ("y_true", "y_score", "options", "words"),
        [
            pytest.param([0, 1, 1], [0.1, 0.2], {}, "3 rows and y_score 2", id="lengths"),
            pytest.param([0, 1], [0.1, float("nan")], {}, "first in row 1", id="nan"),
            pytest.param([0, None], [0.1, 0.2], {}, "y_true has 1 missing", id="none"),
            pytest.param([0, 1], [0.1, 1.2], {"task": "binary"}, r"0\.1…1\.2", id="not a probability"),
            pytest.param(["a", "b"], ["a", "c"], {"labels": ["a", "b"]}, "`c`, which is not a class", id="label"),
            pytest.param([0, 1], [0.1, 0.2], {"positive": 7}, "`7` is not a class", id="positive"),
            pytest.param([0, 1, 2], np.eye(3)[:, :2], {}, "2 columns but y_true has 3", id="columns"),
            pytest.param([0, 1], [0.1, 0.2], {"task": "binry"}, "`binry` is not a task", id="task"),
            pytest.param([0, 1], [0.1, 0.2], {"metric": "rmse"}, "`rmse` is not a metric", id="metric"),
            pytest.param([], [], {}, "0 rows", id="empty"),
            pytest.param(["a", "b"], [0, 1], {}, r"y_score \(0, 1\) is in y_true \(a, b\)", id="other labels"),
            pytest.param(3, 4, {}, "y_true is a single int", id="no column"),
        ],
    )
    def test_bad_input_is_named(self, y_true, y_score, options, words):
        with pytest.raises(UsageError, match=words):
            evaluate(y_true, y_score, **options)
