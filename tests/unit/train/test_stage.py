"""Training promises: a small table becomes a judged fit, again the same, within its time."""

from time import monotonic

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from millrace.config.schema import ModelSettings
from millrace.engine.clock import Clock
from millrace.errors import TrainingError
from millrace.package.graph import build
from millrace.package.parity import prove
from millrace.records.fit import Fit
from millrace.records.progress import Step
from millrace.train.encode import encode
from millrace.train.stage import train


def table(load: object) -> pl.DataFrame:
    data = load()  # type: ignore[operator]
    return pl.DataFrame(data.data, schema=list(data.feature_names)).with_columns(target=pl.Series(data.target))


def settings(**more: object) -> ModelSettings:
    return ModelSettings.model_validate({"predict": "target", "budget": "5 trials"} | more)


@pytest.fixture(scope="module")
def cancer() -> Fit:
    rows = table(load_breast_cancer)
    return train(rows.select(*rows.columns[:6], "target"), settings())


def test_two_classes_are_told_apart(cancer: Fit) -> None:
    assert cancer.signature.task == "binary"
    assert cancer.signature.classes == ("1", "0")  # the rarer class is the positive one
    assert cancer.evaluation.metrics["roc_auc"].value > 0.9
    assert cancer.evaluation.primary == "roc_auc"


def test_what_comes_after_training_is_rehearsed_before_and_after_the_search() -> None:
    said: list[str] = []
    clock = Clock(20.0, lambda step: said.append(step.text), lambda: said.append("rehearsal"))
    train(table(load_iris), settings(models=["tree"]), clock=clock)
    known = [text for text in said if text == "rehearsal" or text.startswith("tree")]
    assert known[:3] == ["rehearsal", "rehearsal", "tree, depth 6, fold 1 of 5"]
    assert known.count("rehearsal") == 3


def test_every_row_is_used_once(cancer: Fit) -> None:
    assert cancer.test_rows.height + cancer.train_rows.height == 569
    assert cancer.evaluation.rows == cancer.test_rows.height == 86


def test_the_answer_is_the_members_mean(cancer: Fit) -> None:
    assert sum(member.weight for member in cancer.members) == pytest.approx(1)
    assert len(cancer.members) <= 3
    expected = sum(
        member.weight * member.estimator.predict_proba(encode(cancer.test_rows, member.encodings))
        for member in cancer.members
    )
    assert cancer.answer.probabilities is not None
    np.testing.assert_allclose(cancer.answer.probabilities, expected, rtol=1e-6)
    assert cancer.answer.label is not None
    assert cancer.threshold is not None
    np.testing.assert_array_equal(cancer.answer.label == 1, cancer.answer.probabilities[:, 1] >= cancer.threshold)


def test_the_ladder_shows_what_each_step_gains(cancer: Fit) -> None:
    assert list(cancer.ladder) == ["baseline", "linear", "LightGBM", "forest"]
    assert cancer.ladder["baseline"].metrics["roc_auc"].value == pytest.approx(0.5)


def test_what_the_winner_gains_is_said(cancer: Fit) -> None:
    beaten = [note for note in cancer.notes if note.startswith("The model is better than the trivial model: +")]
    assert len(beaten) == 1
    assert any(" than `linear, penalty " in note for note in cancer.notes) == (
        any(not member.name.startswith("linear") for member in cancer.members)
    )


def test_a_model_that_can_be_read_is_always_on_the_ladder() -> None:
    fit = train(table(load_iris), settings(models=["neighbors"], budget="1 trials"))
    assert [member.name for member in fit.members] == ["neighbours, nearest 15"]
    assert list(fit.ladder) == ["baseline", "neighbours", "linear"]
    assert any("than `linear, penalty 1`" in note for note in fit.notes)


def test_every_column_has_an_importance(cancer: Fit) -> None:
    assert set(cancer.evaluation.importances) == {field.name for field in cancer.signature.inputs}
    assert all(found.low <= found.value <= found.high for found in cancer.evaluation.importances.values())


def test_values_are_predicted() -> None:
    fit = train(table(load_diabetes), settings())
    assert fit.signature.task == "regression"
    found = fit.evaluation
    assert found.metrics["rmse"].value < 0.9 * found.baseline["rmse"].value
    assert fit.answer.value is not None
    assert fit.answer.value.dtype == np.float32


def test_many_classes_are_told_apart() -> None:
    fit = train(table(load_iris), settings())
    assert fit.signature.classes == ("0", "1", "2")
    assert fit.threshold is None
    assert fit.evaluation.metrics["accuracy"].value > 0.85


def small(rows: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"x": rng.normal(size=rows), "plan": rng.choice(["a", "b", "c"], rows)})
    return frame.with_columns(target=(pl.col("x") + pl.Series(rng.normal(size=rows)) > 0.5).cast(pl.String))


def test_the_same_rows_in_another_order_are_split_alike() -> None:
    first, second = (train(frame, settings(budget=1)) for frame in (small(), small().reverse()))
    assert first.test_rows.sort("x").equals(second.test_rows.sort("x"))


def test_the_same_seed_gives_the_same_answers() -> None:
    first, second = (train(small(), settings(seed=5)) for _ in range(2))
    np.testing.assert_array_equal(first.answer.probabilities, second.answer.probabilities)
    assert first.evaluation == second.evaluation


def test_missing_values_and_unseen_categories_are_answered() -> None:
    frame = small().with_columns(
        x=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise("x"),
        plan=pl.when(pl.int_range(pl.len()) % 5 == 0).then(None).otherwise("plan"),
    )
    fit = train(frame, settings(budget=1))
    assert fit.answer.probabilities is not None
    assert np.isfinite(fit.answer.probabilities).all()


def test_a_class_of_one_row_is_no_obstacle() -> None:
    frame = table(load_iris).with_columns(target=pl.when(pl.int_range(pl.len()) == 0).then(7).otherwise("target"))
    fit = train(frame, settings(budget=1))
    assert fit.signature.classes == ("0", "1", "2", "7")
    assert "Class `7` of `target` has one row: its quality cannot be judged." in fit.notes


def test_a_leak_is_named() -> None:
    fit = train(small().with_columns(answer="target"), settings(budget="1 trials"))
    assert any(note.startswith("Warning: `answer` alone predicts `target`") for note in fit.notes)


def test_noise_is_called_noise() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=200), "target": rng.choice(["a", "b"], 200)})
    fit = train(frame, settings(budget=1))
    assert any(
        note.startswith("There is no evidence that the model is better than the trivial model") for note in fit.notes
    )


def test_costs_move_the_threshold() -> None:
    cheap, dear = (
        train(small(), settings(budget=1, metric={"cost": {"false_positive": 1, "false_negative": cost}}))
        for cost in (0.1, 10)
    )
    assert cheap.threshold is not None
    assert dear.threshold is not None
    assert dear.threshold < cheap.threshold


def test_work_tells_what_it_is_doing_and_keeps_to_its_time() -> None:
    steps: list[Step] = []
    start = monotonic()
    train(table(load_breast_cancer), settings(budget=1), steps.append)
    assert monotonic() - start < 1 * 1.1 + 5
    assert {step.stage for step in steps} == {"train"}
    assert any(step.text == "linear, penalty 1, fold 1 of 5" and step.total == 1 for step in steps)


def test_a_time_split_validates_on_later_rows() -> None:
    frame = small().with_columns(day=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True))
    fit = train(frame, settings(budget=1, split={"time": "day"}))
    assert fit.test_rows["x"].to_list() == frame["x"][-18:].to_list()
    assert "`day` is not used: it orders the split in time." in fit.notes


def test_nobody_learns_from_the_gap_before_the_test_part() -> None:
    frame = small().with_columns(day=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True))
    fit = train(frame, settings(budget="1 trials", split={"time": "day", "gap": "10 days"}))
    assert fit.test_rows["x"].to_list() == frame["x"][-18:].to_list()
    assert fit.train_rows["x"].to_list() == frame["x"][:-27].to_list()  # the tenth day before is learned from


def test_a_column_says_who_learns_and_who_judges() -> None:
    said = ["train", "test", "validation", "train"] * 30
    frame = small().with_columns(part=pl.Series(said))
    fit = train(frame, settings(budget="2 trials", split={"column": "part"}))
    assert fit.test_rows["x"].to_list() == frame["x"][1::4].to_list()
    assert fit.train_rows.height == 90
    assert "`part` is not used: it says which part of the split a row is in." in fit.notes
    with pytest.raises(TrainingError, match="`part` says `dev` of a row"):
        train(frame.with_columns(part=pl.lit("dev")), settings(split={"column": "part"}))


def test_folds_are_as_many_as_asked_and_dealt_anew() -> None:
    steps: list[Step] = []
    train(small(), settings(budget="1 trials", split={"folds": 4, "repeats": 2}), steps.append)
    assert any(step.text.endswith("of 8") for step in steps)


@pytest.mark.parametrize("how", ["over", "under"])
def test_classes_are_made_equally_frequent_where_they_are_learned_from_alone(how: str) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=400), "target": (np.arange(400) % 10 == 0)})
    plain, evened = (train(frame, settings(budget="1 trials", calibrate="none", resample=one)) for one in ("none", how))
    assert plain.answer.probabilities is not None
    assert evened.answer.probabilities is not None
    assert plain.answer.probabilities[:, 1].mean() == pytest.approx(0.1, abs=0.03)
    assert evened.answer.probabilities[:, 1].mean() == pytest.approx(0.5, abs=0.05)
    assert evened.test_rows.equals(plain.test_rows)


def test_values_cannot_be_resampled() -> None:
    with pytest.raises(TrainingError, match="only classes can be made equally frequent"):
        train(table(load_diabetes), settings(resample="over"))


def test_a_class_without_test_rows_is_refused() -> None:
    frame = small().with_columns(target=pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("a")).otherwise(pl.lit("b")))
    with pytest.raises(TrainingError, match="Class `a` has 2 rows, and none of them fell into the test part"):
        train(frame, settings())


def news(rows: int = 300) -> pl.DataFrame:
    """Headlines whose words say the topic four times in five, and a number that says it as often."""
    rng = np.random.default_rng(0)
    words = {"sport": ["cup", "goal", "coach", "match"], "trade": ["oil", "price", "bank", "market"]}
    rows_ = []
    for _ in range(rows):
        topic = str(rng.choice(["sport", "trade"]))
        other = "trade" if topic == "sport" else "sport"
        told = [str(rng.choice(words[topic if rng.random() < 0.8 else other])) for _ in range(3)]
        rows_.append((f"The {told[0]} and a {told[1]} of {told[2]} today", rng.normal(topic == "sport"), topic))
    return pl.DataFrame(rows_, schema=["headline", "reach", "target"], orient="row")


@pytest.mark.parametrize("columns", [("headline",), ("headline", "reach")], ids=["texts alone", "texts and numbers"])
def test_texts_are_told_apart_and_packed(columns: tuple[str, ...]) -> None:
    fit = train(news().select(*columns, "target"), settings())
    assert fit.signature.texts[0].type == "text"
    assert fit.evaluation.metrics["roc_auc"].value > 0.9
    assert {"words", "naive Bayes"} <= fit.ladder.keys() | {member.name.split(",")[0] for member in fit.members}
    assert fit.evaluation.importances["headline"].low > 0
    assert prove(build(fit), fit).difference < 1e-6


def test_values_are_predicted_from_texts() -> None:
    frame = news().select("headline", target=pl.col("target").eq("trade").cast(pl.Float64) * 10 + pl.col("reach") / 5)
    fit = train(frame, settings())
    assert fit.evaluation.metrics["r2"].value > 0.5
    assert prove(build(fit), fit).difference < 1e-5
