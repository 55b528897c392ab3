import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from millrace.evaluate import values

RNG = np.random.default_rng(9)
TRUTH = RNG.normal(size=40) + 5
VALUE = TRUTH + RNG.normal(size=40)


@pytest.mark.parametrize(
    ("measure", "peer"),
    [
        pytest.param(values.rmse, root_mean_squared_error, id="rmse"),
        pytest.param(values.r2, r2_score, id="r2"),
        pytest.param(values.mean_of(values.absolute), mean_absolute_error, id="mae"),
    ],
)
def test_influence_is_the_change_when_one_row_weighs_more(measure, peer):
    value, influence = measure(TRUTH, VALUE)
    for row in (0, 7, 21):
        weights = np.ones(40)
        weights[row] += 1e-6
        change = (peer(TRUTH, VALUE, sample_weight=weights) - value) / 1e-6
        assert influence[row] == pytest.approx(change, abs=1e-6)


def test_half_of_the_weight_lies_within_the_median():
    measure = values.weighted_median_ae(np.zeros(3), np.array([1.0, -2.0, 3.0]))
    assert [measure(np.array(weights)) for weights in ([1.0, 1, 1], [5.0, 1, 1], [1.0, 1, 5])] == [2.0, 1.0, 3.0]
