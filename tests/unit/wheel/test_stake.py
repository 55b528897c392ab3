"""Harm that costs less than a retraining until the next one by schedule starts none; harm that costs more does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import time_machine
from deltalake import write_deltalake

from millrace.monitor.due import due
from millrace.package.api import Package
from millrace.project import Project
from millrace.store.prediction_log import FEEDBACK, PREDICTIONS

PROJECT = """\
version: 1
project: loans
sources: {outcomes: {from: outcomes.csv, key: id}}
model:
  predict: paid
  drop: [id]
  budget: 1 trials
  models: [linear]
  metric: {cost: {false_positive: 5, false_negative: 5}}
monitor: {without_labels: false}
retrain: {when: [harm, 30 days], cost: COST}
"""


def rows(count: int, seed: int) -> pl.DataFrame:
    a, b = np.random.default_rng(seed).normal(size=(2, count))
    paid = np.where(a + b > 0, "yes", "no")
    return pl.DataFrame({"id": [f"{seed}-{n}" for n in range(count)], "a": a, "b": b, "paid": paid})


def test_the_loss_until_the_next_retraining_by_schedule_decides(tmp_path: Path) -> None:
    rows(400, 0).write_csv(tmp_path / "outcomes.csv")
    path = tmp_path / "millrace.yaml"
    path.write_text(PROJECT.replace("COST", "100000"))
    with time_machine.travel(datetime.now(UTC) - timedelta(days=2)):
        released = Project.load(path).run()
    assert released.release
    asked = rows(400, 1)
    package = Package.load(released.package.path)
    said = package.answer(asked)
    label = np.array(package.signature.classes)[said.label]
    at = datetime.now(UTC) - timedelta(hours=1)
    truth = asked["paid"].replace({"yes": "no", "no": "yes"})  # the world has turned
    assert (label == asked["paid"].to_numpy()).mean() > 0.9
    log = asked.select(
        prediction_id="id",
        at=pl.lit(at),
        package=pl.lit("loans"),
        version=pl.lit(1),
        label=pl.Series(label),
        probabilities=pl.Series(said.probabilities.tolist()),  # type: ignore[union-attr]
        a="a",
        b="b",
    )
    project = Project.load(path)
    write_deltalake(project.store.at(PREDICTIONS), log)
    write_deltalake(
        project.store.at(FEEDBACK), pl.DataFrame({"prediction_id": asked["id"], "outcome": truth, "at": [at] * 400})
    )
    kept = project.retrain()
    assert (kept.decision.decision, kept.run) == ("keep", None)
    stake = kept.decision.stake
    assert stake
    assert (stake.per_day, round(stake.days)) == (400, 28)
    assert 4 < stake.loss < 5.1  # nearly every answer costs 5 now
    assert "not more than the 100,000 of a retraining; so harm alone starts none." in kept.decision.reason
    path.write_text(PROJECT.replace("COST", "1000"))
    project = Project.load(path)
    decision = project.monitor()
    assert decision.decision == "retrain"
    assert "more than the 1,000 of a retraining." in decision.reason
    assert due(project.settings.retrain, decision, released.release.at) == decision.reason
