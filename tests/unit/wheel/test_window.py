"""A retraining learns from the rows that `retrain.rows` asks for, and what it took is on record."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from millrace.config.schema import ProjectSettings
from millrace.package.api import Package
from millrace.project import Project
from millrace.records.monitoring import Alarm, Decision
from millrace.records.window import Window
from millrace.wheel.watching import _held_out
from millrace.wheel.window import window

MOVED = Alarm("drift", "a", "ks", 0.3, "`a` moved")
HARMED = Alarm("performance", None, "roc_auc", 0.6, "roc_auc is 0.6")
PROJECT = """\
version: 1
project: loans
sources: {outcomes: {from: "outcomes-*.csv", key: id}}
model: {predict: paid, drop: [id], budget: 1 trials, split: {time: day, test: 20%}}
retrain: {rows: newest 29 days}
"""


def settings(rows: str) -> ProjectSettings:
    return ProjectSettings.model_validate(
        {
            "sources": {"c": {"from": "x"}},
            "model": {"predict": "y", "split": {"time": "day"}},
            "monitor": {"window": "1 day", "maturity": "7 days"},
            "retrain": {"rows": rows},
        }
    )


def stands(*alarms: Alarm) -> Decision:
    return Decision("retrain", "why", alarms, at="2026-05-05T00:00:00+00:00", since="2026-05-03T12:00:00+00:00")


@pytest.mark.parametrize(
    ("alarms", "start"),
    [((MOVED,), "2026-05-02T12:00:00+00:00"), ((MOVED, HARMED), "2026-04-25T12:00:00+00:00")],
    ids=["drift: a window before it was seen", "harm: its outcomes were seven days late"],
)
def test_since_drift_is_where_the_first_look_that_saw_it_began(alarms: tuple[Alarm, ...], start: str) -> None:
    asked = window(settings("since drift"), stands(*alarms))
    assert asked
    assert asked.start == start
    assert asked.why.endswith("was first seen 2026-05-03 12:00")


def test_where_nothing_stands_there_is_no_beginning() -> None:
    asked = window(
        settings("since drift"), Decision("keep", "calm", at="2026-05-05T00:00:00+00:00", since="2026-05-01")
    )
    assert asked == Window("since drift", why="neither drift nor harm stands")


def test_all_rows_need_no_window() -> None:
    assert window(settings("all"), stands(MOVED)) is None


def test_a_champion_whose_rarer_class_became_the_other_one_is_compared_all_the_same(tmp_path: Path) -> None:
    random, first = np.random.default_rng(0), date(2026, 1, 1)
    a = random.normal(size=1200)
    likes = a + random.normal(size=1200) / 2
    rows = pl.DataFrame(
        {
            "id": range(1200),
            "day": [first + timedelta(days=n // 20) for n in range(1200)],
            "a": a,
            # To pay is rare, then it is rare not to.
            "paid": np.where(likes > np.where(np.arange(1200) < 600, 0.9, -1.4), "yes", "no"),
        }
    )
    asked = PROJECT.replace("budget", "models: [linear], gate: [better than champion], budget")
    (tmp_path / "millrace.yaml").write_text(asked)
    project = Project.load(tmp_path / "millrace.yaml")
    rows[:600].write_csv(tmp_path / "outcomes-1.csv")
    assert Package.load(project.run().package.path).signature.classes == ("no", "yes")
    rows[600:].write_csv(tmp_path / "outcomes-2.csv")
    done = project.retrain(force=True).run
    assert done
    assert Package.load(done.package.path).signature.classes == ("yes", "no")
    # Both rank alike; with the champion's classes the wrong way round it would be surely worse.
    assert done.gate.reasons[0].startswith("better than champion: no, no evidence either way: ")


def test_the_rows_of_a_retraining_are_on_record_and_judge_both_models(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 1200))
    first = date(2026, 1, 1)
    rows = pl.DataFrame(
        {
            "id": range(1200),
            "day": [first + timedelta(days=n // 20) for n in range(1200)],
            "a": a,
            "b": b,
            "paid": np.where(a + b > 0, "yes", "no"),
        }
    )
    rows.write_csv(tmp_path / "outcomes-1.csv")
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    project = Project.load(tmp_path / "millrace.yaml")
    begun = project.run()
    assert begun.used is None  # a run that is no retraining learns from all
    done = project.retrain(force=True).run
    assert done
    assert done.used
    assert (done.used.start, done.used.used, done.used.of) == ("2026-01-31T00:00:00+00:00", 600, 1200)
    assert done.used.said in done.notes
    package = Package.load(done.package.path)
    assert package.manifest.lineage["rows"]["said"] == done.used.said  # type: ignore[index]
    node = project.lineage(f"loans/{done.package.version}").node(f"run:{done.run}")
    assert node.facts["rows"] == done.used.said
    assert done.evaluation.rows == 120  # a fifth of them, the newest days
    held = _held_out(project._site(), package)
    assert held
    assert held.rows["a"].to_list() == a[-120:].tolist()
