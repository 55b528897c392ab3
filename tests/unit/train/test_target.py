"""Target promises: which question a column asks, and what is said when it asks none."""

import polars as pl
import pytest

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.train.target import answered, read_target


def settings(**more: object) -> ModelSettings:
    return ModelSettings.model_validate({"predict": "y"} | more)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        pytest.param(["no", "yes", "no"], "binary", ("no", "yes"), id="texts"),
        pytest.param([True, False, True], "binary", ("true", "false"), id="rarer-boolean-is-positive"),
        pytest.param([1, 2, 1], "binary", ("1", "2"), id="two-whole-numbers"),
        pytest.param([1.0, 2.0, 1.0], "binary", ("1", "2"), id="whole-decimals"),
        pytest.param([3, 10, 9, 3, 10, 9], "multiclass", ("3", "9", "10"), id="grades-in-number-order"),
        pytest.param(["c", "a", "b"] * 2, "multiclass", ("a", "b", "c"), id="three-texts"),
        pytest.param([0.5, 1.5, 0.5], "regression", (), id="decimals"),
        pytest.param(list(range(16)), "regression", (), id="many-whole-numbers"),
    ],
)
def test_the_task_follows_from_the_values(values: list[object], task: str, classes: tuple[str, ...]) -> None:
    target, _ = read_target(pl.DataFrame({"y": values}), settings())
    assert (target.task, target.classes) == (task, classes)


def test_truth_counts_classes_in_their_order() -> None:
    target, _ = read_target(pl.DataFrame({"y": ["b", "a", "b", "a"]}), settings(positive="a"))
    assert (target.classes, target.positive, target.truth.tolist()) == (("b", "a"), "a", [0, 1, 0, 1])


def test_a_stated_boolean_positive_is_found() -> None:
    target, _ = read_target(pl.DataFrame({"y": [True, True, False]}), settings(positive=True))
    assert target.classes == ("false", "true")


def test_a_stated_task_overrides() -> None:
    target, _ = read_target(pl.DataFrame({"y": [3, 5, 4]}), settings(task="regression"))
    assert target.truth.tolist() == [3.0, 5.0, 4.0]


def test_rows_without_a_target_are_left_out_and_noted() -> None:
    frame = pl.DataFrame({"y": [1.0, None, float("nan")] + [2.5] * 20})
    rows, notes = answered(frame, settings())
    assert (rows.height, notes) == (21, ("2 rows without a `y` are left out.",))


def test_a_class_of_one_row_is_kept_and_noted() -> None:
    target, notes = read_target(pl.DataFrame({"y": ["a", "a", "b", "b", "c"]}), settings())
    assert target.classes == ("a", "b", "c")
    assert notes == ("Class `c` of `y` has one row: its quality cannot be judged.",)


@pytest.mark.parametrize(
    ("values", "more", "words"),
    [
        pytest.param(["a"] * 3, {}, "`y` is `a` in every row; there is nothing to learn", id="constant"),
        pytest.param(["a", "b"], {"task": "regression"}, "holds String values; regression needs numbers", id="texts"),
        pytest.param([1, 2, 3], {"task": "binary"}, "has 3 classes; binary needs 2", id="three-are-not-binary"),
        pytest.param(["yes", "no"], {"positive": "yess"}, "Did you mean `yes`", id="unknown-positive"),
        pytest.param([f"t{i}" for i in range(201)], {}, "201 distinct values, more than 200", id="too-many"),
        pytest.param([0.5, float("inf")], {}, "holds infinite values", id="infinite"),
    ],
)
def test_a_target_without_a_question_is_refused(values: list[object], more: dict[str, object], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        read_target(pl.DataFrame({"y": values}), settings(**more))


def test_an_absent_target_names_the_nearest_column() -> None:
    with pytest.raises(TrainingError, match=r"no column `Chrun` to predict\. Did you mean `Churn`"):
        answered(pl.DataFrame({"Churn": [1] * 20}), settings(predict="Chrun"))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(TrainingError, match="Only 19 rows have a `y`; learning and judging need at least 20"):
        answered(pl.DataFrame({"y": [1, 2] * 9 + [1, None]}), settings())
