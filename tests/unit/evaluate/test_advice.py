import numpy as np
import pytest

from millrace.evaluate.advice import advise
from millrace.records.signature import Signature

BINARY = Signature("binary", "ill", (), ("no", "yes"), "yes")
MANY = Signature("multiclass", "kind", (), ("a", "b", "c"))
VALUES = Signature("regression", "price", ())


@pytest.mark.parametrize(
    ("signature", "truth", "metric", "words"),
    [
        pytest.param(BINARY, [0] * 97 + [1] * 3, "average_precision", "3.0% of the rows are `yes` (3 of", id="rare"),
        pytest.param(BINARY, [0] * 60 + [1] * 40, "roc_auc", "40.0%", id="even"),
        pytest.param(BINARY, [0] * 3 + [1] * 97, "mcc", "97.0%", id="nearly all"),
        pytest.param(MANY, [0] * 30 + [1] * 40 + [2] * 35, "accuracy", "`b` has 40 rows and `a` 30", id="like size"),
        pytest.param(MANY, [0] * 300 + [1] * 40 + [2] * 5, "balanced_accuracy", "`c` 5", id="uneven"),
        pytest.param(VALUES, np.linspace(0, 1, 99), "rmse", "2.0 quartile ranges", id="no tail"),
        pytest.param(VALUES, np.r_[np.linspace(0, 1, 95), [1e3] * 5], "mae", "quartile ranges", id="heavy tail"),
        pytest.param(VALUES, [0.0] * 90 + [5.0] * 10, "mae", "far wider", id="mostly constant"),
    ],
)
def test_the_metric_suits_the_problem_and_says_why(signature, truth, metric, words):
    advice = advise(np.array(truth), signature)
    assert advice.metric == metric
    assert words in advice.because


def test_labels_alone_are_judged_by_mcc():
    assert advise(np.array([0, 1]), BINARY, probabilities=False).metric == "mcc"
