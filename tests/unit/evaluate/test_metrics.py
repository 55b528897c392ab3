import numpy as np
import pytest
from sklearn import metrics as peer

from millrace.errors import UsageError
from millrace.evaluate.metrics import METRICS, demand, find


def expand(tp: int, fn: int, fp: int, tn: int) -> tuple[np.ndarray, np.ndarray]:
    truth = np.array([1] * tp + [1] * fn + [0] * fp + [0] * tn)
    label = np.array([1] * tp + [0] * fn + [1] * fp + [0] * tn)
    return truth, label


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param((30, 10, 5, 100), {"precision": 30 / 35, "recall": 0.75, "f1": 0.80}, id="spam filter"),
        pytest.param((1, 8, 1, 90), {"precision": 0.5, "recall": 1 / 9, "accuracy": 0.91}, id="tumours"),
    ],
)
def test_textbook_examples_give_the_textbook_values(cells, expected):
    truth, label = expand(*cells)
    assert {name: METRICS[name].function(truth, label) for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.fixture(scope="module")
def binary():
    rng = np.random.default_rng(3)
    truth = (rng.random(2000) < 0.2).astype(np.int64)
    noisy = 1 / (1 + np.exp(-(rng.normal(size=2000) + 2 * truth - 2)))
    return truth, np.round(noisy, 2)  # rounding makes ties


BINARY_PEERS = {
    "accuracy": peer.accuracy_score,
    "balanced_accuracy": peer.balanced_accuracy_score,
    "precision": peer.precision_score,
    "recall": peer.recall_score,
    "specificity": lambda t, p: peer.recall_score(t, p, pos_label=0),
    "f1": peer.f1_score,
    "f2": lambda t, p: peer.fbeta_score(t, p, beta=2),
    "f0_5": lambda t, p: peer.fbeta_score(t, p, beta=0.5),
    "mcc": peer.matthews_corrcoef,
    "cohen_kappa": peer.cohen_kappa_score,
    "roc_auc": peer.roc_auc_score,
    "average_precision": peer.average_precision_score,
    "log_loss": peer.log_loss,
    "brier": peer.brier_score_loss,
}


@pytest.mark.parametrize("name", BINARY_PEERS)
def test_binary_metrics_equal_scikit_learn(name, binary):
    truth, probability = binary
    prediction = (probability >= 0.5).astype(np.int64) if METRICS[name].needs == "label" else probability
    assert METRICS[name].function(truth, prediction) == pytest.approx(BINARY_PEERS[name](truth, prediction), abs=1e-12)


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(4)
    truth = rng.choice(4, 1500, p=[0.5, 0.3, 0.15, 0.05])
    scores = rng.normal(size=(1500, 4)) + 1.2 * np.eye(4)[truth]
    chances = np.exp(scores)
    return truth, chances / chances.sum(axis=1, keepdims=True)


def averaged(score, average):
    return lambda t, p: score(t, p, average=average, zero_division=0)


MANY_PEERS = {
    "accuracy": peer.accuracy_score,
    "balanced_accuracy": peer.balanced_accuracy_score,
    "mcc": peer.matthews_corrcoef,
    "cohen_kappa": peer.cohen_kappa_score,
    "roc_auc": lambda t, p: peer.roc_auc_score(t, p, multi_class="ovr"),
    "roc_auc_weighted": lambda t, p: peer.roc_auc_score(t, p, multi_class="ovr", average="weighted"),
    "roc_auc_ovo": lambda t, p: peer.roc_auc_score(t, p, multi_class="ovo"),
    "roc_auc_ovo_weighted": lambda t, p: peer.roc_auc_score(t, p, multi_class="ovo", average="weighted"),
    "log_loss": peer.log_loss,
    "brier": peer.brier_score_loss,
    **{f"precision_{a}": averaged(peer.precision_score, a) for a in ("micro", "macro", "weighted")},
    **{f"recall_{a}": averaged(peer.recall_score, a) for a in ("micro", "macro", "weighted")},
    **{f"f1_{a}": averaged(peer.f1_score, a) for a in ("micro", "macro", "weighted")},
    "specificity_macro": lambda t, p: np.mean([peer.recall_score(t != i, p != i) for i in range(4)]),
}


@pytest.mark.parametrize("name", MANY_PEERS)
def test_multiclass_metrics_equal_scikit_learn(name, many):
    truth, probability = many
    prediction = probability.argmax(axis=1) if METRICS[name].needs == "label" else probability
    assert METRICS[name].function(truth, prediction) == pytest.approx(MANY_PEERS[name](truth, prediction), abs=1e-12)


VALUE_PEERS = {
    "rmse": peer.root_mean_squared_error,
    "mae": peer.mean_absolute_error,
    "median_ae": peer.median_absolute_error,
    "mape": peer.mean_absolute_percentage_error,
    "pinball_0_1": lambda t, v: peer.mean_pinball_loss(t, v, alpha=0.1),
    "pinball_0_5": lambda t, v: peer.mean_pinball_loss(t, v, alpha=0.5),
    "pinball_0_9": lambda t, v: peer.mean_pinball_loss(t, v, alpha=0.9),
    "wape": lambda t, v: peer.mean_absolute_error(t, v) / np.abs(t).mean(),
    "r2": peer.r2_score,
}


@pytest.mark.parametrize("name", VALUE_PEERS)
def test_regression_metrics_equal_scikit_learn(name):
    rng = np.random.default_rng(5)
    truth = rng.normal(size=999) + 3
    value = truth + rng.normal(size=999) * 0.5
    assert METRICS[name].function(truth, value) == pytest.approx(VALUE_PEERS[name](truth, value), abs=1e-12)


ONES, ZEROS = np.ones(4, np.int64), np.zeros(4, np.int64)


@pytest.mark.parametrize(
    ("name", "truth", "prediction", "expected"),
    [
        pytest.param("precision", ONES, ZEROS, 0.0, id="no positive call has precision 0"),
        pytest.param("recall", ZEROS, ONES, 0.0, id="no positive has recall 0"),
        pytest.param("f1", ZEROS, ZEROS, 0.0, id="nothing to find, nothing called"),
        pytest.param("mcc", ONES, ONES, 0.0, id="a constant truth correlates with nothing"),
        pytest.param("cohen_kappa", ONES, ONES, 0.0, id="agreement by chance alone"),
        pytest.param("balanced_accuracy", ONES, ONES, 1.0, id="an empty class is left out"),
        pytest.param("roc_auc", ONES, np.full(4, 0.3), 0.5, id="one class cannot be ranked"),
        pytest.param("roc_auc", np.array([0, 1, 0, 1]), np.full(4, 0.3), 0.5, id="all tied"),
        pytest.param("f2", ZEROS, ZEROS, 0.0, id="nothing to find has F 0"),
        pytest.param("roc_auc_weighted", ONES, np.full((4, 3), 1 / 3), 0.5, id="one class of three cannot be ranked"),
        pytest.param("roc_auc_ovo", ONES, np.full((4, 3), 1 / 3), 0.5, id="one class of three has no pair"),
        pytest.param(
            "roc_auc_ovo",
            np.array([0, 2, 2, 0]),
            np.eye(3)[[0, 2, 2, 0]],
            1.0,
            id="an empty class is left out of the pairs",
        ),
        pytest.param("average_precision", ZEROS, np.full(4, 0.3), 0.0, id="no positives"),
        pytest.param("average_precision", np.array([0, 1, 0, 1]), np.full(4, 0.3), 0.5, id="all tied gives prevalence"),
        pytest.param("r2", np.ones(4), np.ones(4), 1.0, id="a constant truth, met"),
        pytest.param("r2", np.ones(4), np.zeros(4), 0.0, id="a constant truth, missed"),
        pytest.param("rmse", np.ones(4), np.ones(4), 0.0, id="no error"),
        pytest.param("wape", np.zeros(4), np.ones(4), 1.0, id="errors beside a truth of nothing"),
        pytest.param("wape", np.zeros(4), np.zeros(4), 0.0, id="nothing, foretold"),
        pytest.param("f1_micro", ZEROS, ONES, 0.0, id="nothing right"),
        pytest.param("specificity_macro", np.array([0, 1, 2]), np.array([0, 1, 1]), 2.5 / 3, id="one of three wrong"),
    ],
)
def test_edge_cases_are_numbers(name, truth, prediction, expected):
    assert METRICS[name].function(truth, prediction) == expected


def test_certain_and_wrong_costs_the_epsilon_of_the_dtype():
    loss = METRICS["log_loss"].function(np.array([1, 1]), np.array([0.0, 0.0], np.float32))
    assert loss == pytest.approx(-np.log(np.finfo(np.float32).eps), rel=1e-6)


def test_calibration_error_is_the_mean_gap_over_bins():
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    probability = np.array([0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9])
    # bins: |1/4 - 0.2| and |3/4 - 0.9|, four rows each
    assert METRICS["ece"].function(truth, probability) == pytest.approx((0.05 + 0.15) / 2, abs=1e-12)


def test_direction_is_a_field():
    lower = {name for name, metric in METRICS.items() if not metric.higher_is_better}
    assert lower == {
        *("log_loss", "brier", "ece", "rmse", "mae", "median_ae", "mape", "wape"),
        *("pinball_0_1", "pinball_0_5", "pinball_0_9"),
    }


def test_every_metric_says_how_its_interval_is_made():
    for metric in METRICS.values():
        assert metric.of_cells or metric.influence or (metric.bounds and metric.weighted), metric.name


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UsageError, match="not a metric for binary") as caught:
        find("rocauc", "binary")
    assert caught.value.nearest == "roc_auc"


def test_a_metric_of_another_task_is_unknown():
    with pytest.raises(UsageError, match="`f1` is not a metric for regression"):
        find("f1", "regression")


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        pytest.param([0.0, 1.0, 2.0, 3.0], "1 of 4 true values are 0", id="a zero"),
        pytest.param([-1.0, 1.0, 2.0, 3.0], "both sides of 0", id="both signs"),
        pytest.param(np.arange(1, 401) / 400, "come so near to 0", id="uniform down to nearly 0"),
        pytest.param(np.arange(1, 401) + 500.0, "", id="far from 0"),
        pytest.param(-np.arange(1, 401) - 500.0, "", id="far below 0"),
        pytest.param(np.full(50, 3.0), "", id="constant"),
    ],
)
def test_errors_are_shares_only_of_amounts_away_from_zero(truth, words):
    said = METRICS["mape"].refused(np.asarray(truth, np.float64))
    assert words in said
    assert bool(said) == bool(words)


def test_asking_for_an_undefined_metric_says_why():
    with pytest.raises(UsageError, match="both sides of 0"):
        demand("mape", "regression", np.array([-1.0, 2.0, 3.0]))
