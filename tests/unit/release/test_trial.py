"""From predictions and outcomes to a verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from millrace.records.signature import Signature
from millrace.records.traffic import Challenger, Outcome, Shadow
from millrace.release.trial import challenged, shadowed, valued

CLASSES = ("no", "yes")
SIGNATURE = Signature("binary", "bought", (), CLASSES, "yes")
ACCURACY = Outcome("accuracy", higher=True)
START = datetime(2026, 5, 17, tzinfo=UTC)


def rows(*given: tuple[str, str, str, str | None], version: int = 1) -> pl.DataFrame:
    """Predictions: id, role, unit, label; sure of what they say."""
    names, roles, units, labels = zip(*given, strict=True)
    return pl.DataFrame(
        {
            "prediction_id": names,
            "at": [START] * len(names),
            "version": [version] * len(names),
            "label": labels,
            "probabilities": [[0.0, 1.0] if label == "yes" else [1.0, 0.0] for label in labels],
            "traffic_role": roles,
            "traffic_unit": units,
        },
        schema_overrides={"traffic_role": pl.String, "traffic_unit": pl.String},
    )


def told(*given: tuple[str, str]) -> pl.DataFrame:
    """Outcomes in the order in which they came."""
    names, outcomes = zip(*given, strict=True)
    at = [START + timedelta(minutes=minute) for minute in range(len(names))]
    return pl.DataFrame({"prediction_id": names, "outcome": outcomes, "at": at})


def many(champion_right: int, challenger_right: int, each: int = 400) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`each` askers on each side, so many of whom were answered rightly."""
    given, outcomes = [], []
    for role, right in (("champion", champion_right), ("challenger", challenger_right)):
        for number in range(each):
            name = f"{role} {number}"
            given.append((name, role, name, "yes" if number < right else "no"))
            outcomes.append((name, "yes"))
    return rows(*given), told(*outcomes)


def terms(**more: object) -> Challenger:
    return Challenger(2, 0.5, ACCURACY, "salt", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("right", "verdict"), [((200, 320), "better"), ((320, 200), "worse"), ((280, 284), "undecided")]
)
def test_the_verdict_follows_the_interval(right: tuple[int, int], verdict: str) -> None:
    trial = challenged(terms(), 1, *many(*right), CLASSES)
    assert trial.verdict == verdict
    assert trial.difference == pytest.approx((right[1] - right[0]) / 400)
    assert trial.low is not None
    assert trial.high is not None
    assert (trial.low < 0 < trial.high) == (verdict == "undecided")
    assert (trial.more is not None) == (verdict == "undecided")
    assert f"version 2, {'is ' + verdict if verdict != 'undecided' else 'may be'}" in trial.words


def test_less_is_better_where_the_outcome_says_so() -> None:
    predictions, outcomes = many(200, 320)
    trial = challenged(Challenger(2, 0.5, Outcome("brier", higher=False), ""), 1, predictions, outcomes, CLASSES)
    assert (trial.verdict, trial.champion.mean, trial.other.mean) == ("better", 0.5, pytest.approx(0.2))


def test_two_models_that_are_surely_less_apart_than_the_margin_are_as_good() -> None:
    trial = challenged(terms(margin=0.2), 1, *many(280, 284), CLASSES)
    assert trial.verdict == "equal"
    assert "so less than 0.2 apart" in trial.words


def test_a_trial_ends_without_a_verdict_at_its_maximum() -> None:
    assert challenged(terms(maximum=800), 1, *many(280, 284), CLASSES).verdict == "over"


@pytest.mark.parametrize(("right", "each"), [((100, 150), 199), ((395, 391), 400)], ids=["few", "rare"])
def test_too_little_gives_no_interval(right: tuple[int, int], each: int) -> None:
    trial = challenged(terms(), 1, *many(*right, each=each), CLASSES)
    assert (trial.verdict, trial.low, trial.high) == ("collecting", None, None)
    assert f"{each} and {each} askers" in trial.words


def test_an_asker_counts_once_with_the_outcome_that_was_told_first() -> None:
    predictions = rows(
        ("a", "champion", "ada", "yes"),
        ("b", "champion", "ada", "no"),
        ("c", "champion", "bob", "no"),
        ("d", "challenger", "eve", "yes"),
        ("e", "asked", "joe", "yes"),
    )
    outcomes = told(("b", "yes"), ("a", "yes"), ("b", "no"), ("c", "no"), ("d", "yes"), ("e", "yes"), ("?", "yes"))
    trial = challenged(terms(), 1, predictions, outcomes, CLASSES)
    # ada by `b`: the first word on it was yes, so wrong; bob right
    assert (trial.champion.askers, trial.champion.mean) == (2, 0.5)
    assert (trial.other.askers, trial.other.mean) == (1, 1.0)


def test_a_shadow_is_compared_with_the_answers_that_were_given_to_the_same_requests() -> None:
    names = [f"{number:03d}" for number in range(300)]
    given = rows(*((name, None, None, "yes" if n < 150 else "no") for n, name in enumerate(names)))  # type: ignore[misc]
    heard = rows(
        *((f"{name}-shadow", "shadow", "", "yes" if n < 250 else "no") for n, name in enumerate(names)), version=2
    )
    trial = shadowed(Shadow(2), 1, pl.concat([given, heard]), told(*((name, "yes") for name in names)), SIGNATURE)
    assert (trial.role, trial.verdict, trial.champion.askers, trial.other.askers) == ("shadow", "better", 300, 300)
    assert trial.difference == pytest.approx(100 / 300)
    assert "300 requests" in trial.words


@pytest.mark.parametrize(
    ("outcome", "worth"),
    [
        (Outcome("accuracy", higher=True), [1.0, 0.0]),
        (Outcome("brier", higher=False), [0.04, 0.64]),
        (Outcome("outcome", higher=True, of="yes"), [1.0, 1.0]),
    ],
)
def test_what_a_classifiers_answer_is_worth(outcome: Outcome, worth: list[float]) -> None:
    answers = rows(("a", "", "", "yes"), ("b", "", "", "no")).with_columns(
        probabilities=pl.Series([[0.2, 0.8], [0.8, 0.2]])
    )
    assert valued(answers, told(("a", "yes"), ("b", "yes")), outcome, CLASSES)["worth"].to_list() == pytest.approx(
        worth
    )


@pytest.mark.parametrize(("name", "worth"), [("absolute_error", [3.0]), ("squared_error", [9.0]), ("outcome", [10.0])])
def test_what_a_number_is_worth_and_an_outcome_that_is_none_counts_for_nothing(name: str, worth: list[float]) -> None:
    answers = pl.DataFrame({"prediction_id": ["a", "b"], "value": [7.0, 7.0]})
    found = valued(answers, told(("a", "10"), ("b", "soon")), Outcome(name, higher=True), ())  # type: ignore[arg-type]
    assert found["worth"].to_list() == worth
