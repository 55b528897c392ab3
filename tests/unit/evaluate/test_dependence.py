from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from millrace.evaluate.dependence import dependences, label
from millrace.evaluate.judge import judge
from millrace.records.fit import Answer, Fit
from millrace.records.signature import Field, Signature

FIELDS = (Field("age", "number"), Field("plan", "category"), Field("born", "date"), Field("note", "text"))


def answering(reference, signature=None, rows=50):
    """A fit that answers by `reference`; its rows are ages 0 to 49, two plans, and days."""
    frame = pl.DataFrame(
        {
            "age": np.arange(rows, dtype=float),
            "plan": ["gold", "basic"] * (rows // 2),
            "born": pl.Series(range(rows)).cast(pl.Int32).cast(pl.Date),
            "note": ["x"] * rows,
            "y": np.arange(rows, dtype=float),
        }
    )
    signature = signature or Signature("regression", "y", FIELDS)
    truth = np.arange(rows, dtype=float) if signature.task == "regression" else np.arange(rows) % 2
    answer = reference(frame)
    return Fit(signature, (), None, judge(truth, answer, signature), frame, frame, answer, reference=reference)


def linear(frame):
    return Answer(value=(2 * frame["age"] + 10 * (frame["plan"] == "gold").cast(float)).to_numpy())


def test_the_mean_answer_follows_the_column_that_is_set():
    (age,) = dependences(answering(linear), ["age"])
    # half of the rows are gold: the mean is 2 * age + 5
    assert age.mean[:, 0] == pytest.approx(2 * np.array(age.places) + 5)
    assert (age.places[0], age.places[-1]) == (1.0, 48.0)
    assert age.high[:, 0] - age.mean[:, 0] == pytest.approx(1.96 * 5 / 50**0.5)
    assert age.said == "predicted y"


def test_categories_are_set_one_after_the_other():
    (plan,) = dependences(answering(linear), ["plan"])
    means = dict(zip(plan.places, plan.mean[:, 0], strict=True))
    assert means == pytest.approx({"gold": 59.0, "basic": 49.0})


def test_dates_are_dates_again():
    def reference(frame):
        assert frame["born"].dtype == pl.Date
        return Answer(value=frame["born"].cast(pl.Int32).cast(float).to_numpy())

    (born,) = dependences(answering(reference), ["born"])
    assert born.mean[:, 0] == pytest.approx(born.places)
    assert label(born.places[0], born.field) == date(1970, 1, 2).isoformat()


def test_of_two_classes_the_positive_is_shown():
    def reference(frame):
        positive = (frame["age"] / 100).to_numpy().astype(np.float32)
        return Answer((positive > 0.5).astype(int), np.stack([1 - positive, positive], axis=1))

    signature = Signature("binary", "y", FIELDS, ("no", "yes"), "yes")
    (age,) = dependences(answering(reference, signature), ["age"])
    assert (age.of, age.said) == (("yes",), "probability of yes")
    assert age.mean[:, 0] == pytest.approx(np.array(age.places) / 100, abs=1e-6)


def test_texts_and_constants_have_no_dependence():
    fit = answering(linear)
    assert dependences(fit, ["note"]) == ()
    alike = fit.test_rows.with_columns(age=pl.lit(1.0))
    assert dependences(replace(fit, test_rows=alike), ["age"]) == ()
