import numpy as np
import pytest

from millrace.errors import UsageError
from millrace.evaluate.costs import cheapest, cost_matrix, costs_of, expected, indifference, told
from millrace.evaluate.judge import compare, evaluate, judge
from millrace.records.fit import Answer
from millrace.records.signature import Signature

TWO = np.array([[0.0, 1.0], [8.0, 0.0]])
BINARY = Signature("binary", "ill", (), ("no", "yes"), "yes")


def test_the_call_that_is_expected_to_cost_least_is_made():
    # calling a costs 0.3*4 + 0.1*1 = 1.3, b 0.6*1 + 0.1*1 = 0.7, c 0.6*1 + 0.3*1 = 0.9
    matrix = cost_matrix({"b": {"a": 4}}, ("a", "b", "c"))
    chances = np.array([[0.6, 0.3, 0.1]])
    assert expected(chances, matrix)[0] == pytest.approx([1.3, 0.7, 0.9])
    assert cheapest(chances, matrix).tolist() == [1]


def test_two_classes_are_indifferent_where_both_calls_cost_the_same():
    at = indifference(TWO)
    assert at == pytest.approx(1 / 9)
    assert expected(np.array([[1 - at, at]]), TWO)[0] == pytest.approx([8 / 9, 8 / 9])


@pytest.mark.parametrize(
    ("matrix", "label"),
    [pytest.param([[0, 0], [1, 0]], 1, id="free alarms"), pytest.param([[0, 1], [0, 0]], 0, id="free misses")],
)
def test_a_mistake_that_costs_nothing_is_always_made(matrix, label):
    at = indifference(np.array(matrix, float))
    assert [int(chance >= at) for chance in (0.0, 0.5, 1.0)] == [label] * 3


def test_the_mean_cost_stands_beside_always_calling_one_class():
    truth = np.array([1] * 9 + [0] * 91)
    label = np.array([1] * 6 + [0] * 3 + [1] * 10 + [0] * 81)
    costs = costs_of(TWO, truth, label, ("no", "yes"))
    assert costs.mean.value == pytest.approx((3 * 8 + 10) / 100)
    assert {name: one.value for name, one in costs.constant.items()} == pytest.approx({"no": 0.72, "yes": 0.91})
    assert told(costs).startswith("A row costs 0.34 (")
    assert "always calling `no`, which costs 0.72 (" in told(costs)


def test_costs_decide_and_advise():
    truth = np.array([0] * 90 + [1] * 30)
    positive = np.where(truth == 1, 0.3, 0.1) + np.linspace(0, 0.02, 120)
    answer = Answer(probabilities=np.stack([1 - positive, positive], axis=1))
    evaluation = judge(truth, answer, BINARY, threshold=indifference(TWO), costs=TWO)
    assert evaluation.primary == "cost"
    assert evaluation.metrics["cost"].value == pytest.approx(evaluation.confusion[0][1] / 120)
    assert evaluation.baseline["cost"].value == pytest.approx(0.75)  # always yes: 90 alarms of 1
    assert evaluation.advice.startswith("A row costs ")
    assert not evaluation.metrics["cost"].higher_is_better


def test_anybody_may_state_costs():
    scores = [0.05, 0.2, 0.3, 0.9]
    plain, priced = (
        evaluate([0, 1, 0, 1], scores, cost=cost) for cost in (None, {"false_positive": 1, "false_negative": 8})
    )
    assert plain.confusion == ((2, 0), (1, 1))
    assert priced.confusion == ((1, 1), (0, 2))
    assert (priced.metrics["cost"].value, priced.threshold) == pytest.approx((0.25, 1 / 9))
    many = evaluate(["a", "b", "c"], [[0.6, 0.3, 0.1]] * 3, cost={"b": {"a": 4}})
    assert [sum(column) for column in zip(*many.confusion, strict=True)] == [0, 3, 0]


def test_models_are_compared_by_what_they_cost():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    careful, careless = np.ones(400, np.int64), np.zeros(400, np.int64)
    found = compare(truth, Answer(label=careful), Answer(label=careless), BINARY, "cost", costs=TWO)
    assert (found.metric, found.better) == ("cost", True)


@pytest.mark.parametrize(
    ("given", "classes", "words"),
    [
        pytest.param({"dgo": {"cat": 2}}, ("cat", "dog"), "`dgo` is not a class", id="unknown class"),
        pytest.param({"false_positive": 1, "false_negative": 2}, ("a", "b", "c"), "here are 3", id="three classes"),
        pytest.param({"cat": {"dog": -1}}, ("cat", "dog"), "`-1` is not a cost", id="negative"),
    ],
)
def test_what_names_no_cost_is_refused(given, classes, words):
    with pytest.raises(UsageError, match=words):
        cost_matrix(given, classes)
