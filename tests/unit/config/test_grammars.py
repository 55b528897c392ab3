"""The small languages inside a project file: gates, false alarms, triggers, cleaning steps."""

import pytest

from millrace.config.deciding import Floor, check_costs, parse_threshold
from millrace.config.false_alarms import parse_false_alarms
from millrace.config.gate import AgainstChampion, Bound, parse_condition
from millrace.config.rows import Rows, parse_rows
from millrace.config.rules import check_step
from millrace.config.triggers import parse_trigger
from millrace.errors import ProjectFileError


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("roc_auc >= 0.80", Bound("roc_auc", ">=", 0.8)),
        ("rmse<5e4", Bound("rmse", "<", 50000.0)),
        ("recall > 90%", Bound("recall", ">", 0.9)),
        ("r2 >= -.5", Bound("r2", ">=", -0.5)),
        ("Better  than champion", AgainstChampion(better=True)),
        ("not worse than champion", AgainstChampion(better=False)),
    ],
)
def test_a_condition_is_a_bound_or_a_comparison(text, condition):
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roc_auc", "not a condition"),
        ("roc_auc => 0.8", "not a condition"),
        ("roc_acu >= 0.8", "Did you mean `roc_auc`"),
        ("f1 > nan", "`nan` is not a number"),
        ("better than champions league", "not a condition"),
        ("f1 > 0.5; import os", "not a condition"),
    ],
)
def test_other_conditions_are_refused(text, words):
    with pytest.raises(ProjectFileError, match=words):
        parse_condition(text)


@pytest.mark.parametrize(("sign", "holds"), [(">=", True), (">", False), ("<=", True), ("<", False)])
def test_a_bound_decides_at_the_boundary_by_its_operator(sign, holds):
    assert Bound("f1", sign, 0.5).holds(0.5) is holds


def test_a_bound_never_holds_for_nan():
    assert not any(Bound("f1", sign, 0.5).holds(float("nan")) for sign in (">=", ">", "<=", "<"))


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("1 per day", 1 / 86400), ("7 per week", 1 / 86400), ("0.5 per day", 0.5 / 86400), ("1 per year", 1 / 31556952)],
)
def test_a_budget_of_false_alarms_is_a_rate(text, per_second):
    assert parse_false_alarms(text) == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["0 per day", "one per day", "1 per hour", "1/day", "-1 per day"])
def test_other_budgets_are_refused(text):
    with pytest.raises(ProjectFileError, match="not a budget of false alarms"):
        parse_false_alarms(text)


def test_triggers_are_events_or_intervals():
    assert [parse_trigger(text) for text in ("drift", "Harm", "1 week")] == ["drift", "harm", 604800.0]


@pytest.mark.parametrize("text", ["", "weekly", "0 days", "30"])
def test_other_triggers_are_refused(text):
    with pytest.raises(ProjectFileError, match="does not say when"):
        parse_trigger(text)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("all", Rows("all")),
        ("Since  drift", Rows("since drift")),
        ("newest 90 days", Rows("newest", 7776000.0)),
        ("weighted", Rows("weighted")),
        ("weighted 1 week", Rows("weighted", 604800.0)),
    ],
)
def test_rows_are_chosen_by_their_time(text, rows):
    assert parse_rows(text) == rows


@pytest.mark.parametrize("text", ["", "newest", "newest days", "newest 0 days", "since harm", "all 3 days", "90 days"])
def test_other_rows_are_refused(text):
    with pytest.raises(ProjectFileError, match="does not say which rows"):
        parse_rows(text)


def test_a_unit_of_time_that_is_none_is_named():
    with pytest.raises(ProjectFileError, match="`dyas` is not a unit of time"):
        parse_rows("newest 90 dyas")


def test_a_cleaning_step_has_one_known_name():
    assert check_step({"fill": {"a": 0}}) == "fill"
    with pytest.raises(ProjectFileError, match="this one has 0"):
        check_step({})
    with pytest.raises(ProjectFileError, match=r"`Trim` is not a cleaning step\. Did you mean `trim`"):
        check_step({"Trim": "all"})


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        ("auto", None),
        (0.3, 0.3),
        ("recall >= 0.95", Floor("recall", 0.95, "precision")),
        ("precision>=90%", Floor("precision", 0.9, "recall")),
        ("specificity >= 0.99, maximise f1", Floor("specificity", 0.99, "f1")),
    ],
)
def test_a_threshold_is_a_number_or_above_a_floor(given, meaning):
    assert parse_threshold(given) == meaning


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("recal >= 0.9", "Did you mean `recall`"),
        ("recall >= 1.5", "`1.5` is no floor"),
        ("recall <= 0.9", "no threshold"),
        (1.0, "no threshold"),
        (True, "no threshold"),
    ],
)
def test_other_thresholds_are_refused(given, words):
    with pytest.raises(ProjectFileError, match=words):
        parse_threshold(given)


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({"false_positive": 1, "false_negativ": 8}, "Did you mean `false_negative`"),
        ({"false_positive": 1}, "`cost` lacks `false_negative`"),
        ({"false_positive": 1, "false_negative": -8}, "`false_negative: -8` is not a cost"),
        ({"cat": {"dog": "much"}}, "is not a cost"),
        ({"cat": 3}, "`cat: 3` is not a cost"),
        ({}, "`cost` is empty"),
    ],
)
def test_what_names_no_cost_is_refused(costs, words):
    with pytest.raises(ProjectFileError, match=words):
        check_costs(costs)


@pytest.mark.parametrize("costs", [{"false_positive": 1, "false_negative": 8}, {"cat": {"dog": 5, "owl": 0.5}}])
def test_costs_are_of_two_mistakes_or_by_class(costs):
    check_costs(costs)
