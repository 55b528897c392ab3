"""Harm without labels: what hurts is told, what does not is not, and the estimate is near the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from millrace.config.schema import MonitorSettings
from millrace.monitor.unlabelled.held import Held, judged_by
from millrace.monitor.unlabelled.stage import besides, without_labels
from millrace.profile.build import profile
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer
from millrace.records.monitoring import Decision, Unlabelled
from millrace.records.package import Manifest
from millrace.records.signature import Field, Signature

SIGNATURE = Signature(
    "binary", "y", (Field("a", "number"), Field("b", "number"), Field("place", "category")), ("no", "yes"), "yes"
)
SETTINGS = MonitorSettings(window="1 day")
Draw = Callable[..., tuple[pl.DataFrame, np.ndarray]]


def draw(rows: int, seed: int, *, spread: float = 1.0, b: float = 0.0, place: str = "here", rule: float = 3.0):
    """Rows whose truth follows `a`; `b` says nothing. With `rule` -3 it follows the other way."""
    random = np.random.default_rng(seed)
    a = random.normal(0, spread, rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-rule * a))).astype(np.int64)
    return pl.DataFrame({"a": a, "b": random.normal(b, 1, rows), "place": [place] * rows}), truth


def say(rows: pl.DataFrame) -> Answer:
    chance = 1 / (1 + np.exp(-3 * rows["a"].to_numpy()))
    return Answer((chance >= 0.5).astype(np.int64), np.stack((1 - chance, chance), axis=1).astype(np.float32))


@pytest.fixture(scope="module")
def held() -> Held:
    rows, truth = draw(1500, seed=1)
    return Held(rows, truth, say(rows), "held-out rows")


@pytest.fixture(scope="module")
def manifest(held: Held) -> Manifest:
    right = float((held.answer.label == held.truth).mean())
    evaluation = Evaluation("binary", {"accuracy": Metric(right, right - 0.02, right + 0.02)}, "accuracy", 1500)
    return Manifest("p", 1, "r", "", SIGNATURE, evaluation, {}, threshold=0.5)


@pytest.fixture
def look(held: Held, manifest: Manifest) -> Callable[..., Unlabelled]:
    reference = profile(held.rows, SIGNATURE, answer=held.answer)

    def at(*parts: tuple[pl.DataFrame, np.ndarray]) -> Unlabelled:
        rows = pl.concat([frame for frame, _ in parts])
        said = say(rows)
        log = rows.with_columns(
            pl.Series("at", [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(rows.height)]),
            pl.Series("label", [SIGNATURE.classes[label] for label in said.label]),
            pl.Series("probabilities", said.probabilities.tolist(), dtype=pl.List(pl.Float32)),
        )
        found = without_labels(SETTINGS, manifest, reference, log, held)
        assert found is not None
        return found

    return at


def right(part: tuple[pl.DataFrame, np.ndarray]) -> float:
    return float((say(part[0]).label == part[1]).mean())


CALM = draw(2880, seed=2)


@pytest.mark.parametrize(
    "after",
    [draw(1440, seed=3), draw(1440, seed=3, b=1.5), draw(1440, seed=3, spread=1.6)],
    ids=["nothing changed", "an input that does not matter moved", "answers became easier"],
)
def test_what_does_not_hurt_raises_no_alarm_and_the_estimate_is_near_the_truth(look, after) -> None:
    found = look(CALM, after)
    assert not found.alarmed
    assert found.low <= found.value <= found.high
    assert abs(found.value - right(after)) < 0.03


def test_inputs_that_come_close_to_the_boundary_raise_the_alarm_and_the_estimate_falls_with_the_truth(look) -> None:
    after = draw(1440, seed=3, spread=0.3)
    found = look(CALM, after)
    assert found.alarmed
    assert found.flagged_low > found.usual + 0.05
    assert found.high < found.promised.low
    assert abs(found.value - right(after)) < 0.04


def test_an_alarm_is_told_with_the_estimate_and_asks_for_a_retraining(look) -> None:
    found = look(CALM, draw(1440, seed=3, spread=0.3))
    decision = besides(Decision("keep", "Nothing moved."), found)
    assert decision.decision == "retrain"
    assert "of the answers are likely far off" in decision.reason
    assert "accuracy is estimated at 0." in decision.reason
    assert [alarm.kind for alarm in decision.alarms] == ["harm"]
    assert besides(Decision("fix", "Broken."), found).decision == "fix"
    assert besides(Decision("keep", "Nothing moved."), look(CALM)).decision == "keep"


def test_a_rule_that_changed_is_not_seen_and_that_is_said(look) -> None:
    found = look(CALM, draw(1440, seed=3, rule=-3.0))
    assert not found.alarmed
    assert found.assumptions[0].endswith("a rule that changed is not seen without outcomes")


def test_rows_of_a_kind_that_was_never_seen_get_no_estimate(look) -> None:
    found = look(CALM, draw(1440, seed=3, place="elsewhere"))
    assert (found.outside, found.value) == (1.0, None)
    assert "100.0% of the rows hold a value that the model was never trained on" in found.assumptions[1]
    assert "no estimate: the served rows lie too far from those whose truth is known" in found.assumptions


def test_too_few_rows_on_either_side_are_no_ground(held, manifest) -> None:
    reference = profile(held.rows, SIGNATURE, answer=held.answer)
    rows, _ = draw(49, seed=3)
    log = rows.with_columns(at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)))
    assert without_labels(SETTINGS, manifest, reference, log, held) is None


def test_held_out_rows_are_those_that_the_promise_was_measured_on(held, manifest) -> None:
    assert judged_by(held, manifest)
    assert not judged_by(replace(held, truth=1 - held.truth), manifest)
    assert not judged_by(held.some(1000), manifest)


def test_a_regression_is_estimated_by_its_errors() -> None:
    signature = replace(SIGNATURE, task="regression", classes=(), positive=None)
    random = np.random.default_rng(4)

    def noisy(rows: int, least: float) -> tuple[pl.DataFrame, np.ndarray]:
        """Rows whose truth is the more uncertain, the larger `a`, which is at least `least`."""
        a = np.abs(random.normal(size=4 * rows))
        a = (a[a >= least] * random.choice([-1, 1], (a >= least).sum()))[:rows]
        frame = pl.DataFrame({"a": a, "b": random.normal(size=len(a)), "place": ["here"] * len(a)})
        return frame, a + random.normal(size=len(a)) * (0.2 + np.abs(a))

    (known, truth), (calm, _), (far, later) = noisy(1500, 0.0), noisy(2880, 0.0), noisy(1440, 0.8)
    held = Held(known, truth, Answer(value=known["a"].to_numpy().astype(np.float32)), "held-out rows")
    error = float(np.abs(known["a"].to_numpy() - truth).mean())
    evaluation = Evaluation("regression", {"mae": Metric(error, error, error, False)}, "mae", 1500)
    manifest = Manifest("p", 1, "r", "", signature, evaluation, {})
    rows = pl.concat([calm, far])
    at = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(rows.height)]
    log = rows.with_columns(pl.Series("at", at), value=pl.col("a"))
    found = without_labels(SETTINGS, manifest, profile(known, signature, answer=held.answer), log, held)
    assert found.alarmed
    assert abs(found.value - float(np.abs(far["a"].to_numpy() - later).mean())) < 0.15
    assert found.low > error
