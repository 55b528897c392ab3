"""A champion, a challenger that passed the gate and has its stages before it, and what askers say of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import time_machine
from deltalake import write_deltalake

from millrace.project import Project
from millrace.records.evaluation import Evaluation
from millrace.records.package import PackageInfo
from millrace.records.release import GateVerdict
from millrace.records.run import Run, Waits
from millrace.store import runs, traffic
from millrace.store.prediction_log import FEEDBACK, PREDICTIONS
from millrace.wheel.acting import take_up
from tiny_package import publish_tiny

START = datetime(2026, 5, 1, tzinfo=UTC)
PROJECT = """\
version: 1
project: churn
sources: {c: {from: c.csv}}
model: {predict: churn}
retrain: {stages: [shadow, 5%, 50%], hold: 1 day MORE}
"""
PASSED = GateVerdict(True, ("roc_auc 0.9 ≥ 0.8: yes",))


def begin(folder: Path, more: str = "") -> Project:
    """Version 1 is champion; a run made version 2, which passed the gate."""
    folder.mkdir(exist_ok=True)
    (folder / "millrace.yaml").write_text(PROJECT.replace("MORE", more))
    project = Project.load(folder / "millrace.yaml")
    publish_tiny(project.store)
    second = publish_tiny(project.store, bias=1.0)
    with time_machine.travel(START - timedelta(days=30)):
        project.promote(1)
    ended_run(project, "20260501T000000-aaaaaa", second, waits="stages")
    return project


def ended_run(project: Project, run: str, package: PackageInfo, *, waits: Waits = "", passed: bool = True) -> str:
    """A run by this id came to its end with a package; give the id."""
    verdict = PASSED if passed else GateVerdict(False, ("roc_auc 0.7 ≥ 0.8: no",))
    evaluation = Evaluation("binary", {}, "roc_auc", 100)
    runs.keep(project.store, Run(run, {}, evaluation, package, verdict, None, "", {}, waits=waits, reason="harm"))
    return run


def parts(project: Project, *days: float) -> list[tuple[str | None, str]]:
    """What is tried after a look at each of these days, and who is champion."""
    seen = []
    for day in days:
        with time_machine.travel(START + timedelta(days=day)):
            take_up(project._site(), by="wheel")
            current = project.history()[-1]
            tried = traffic.current(project.store, current)
            part = None if tried is None else f"{tried.challenger.weight:.0%}" if tried.challenger else "shadow"
            seen.append((part, f"champion {current.version}"))
    return seen


def told(project: Project, day: float, right: int, each: int = 400) -> None:
    """Askers of either side, of which the challenger answered so many rightly, and the champion three of four."""
    at = START + timedelta(days=day)
    rows, outcomes = [], []
    for role, version, good in (("champion", 1, 3 * each // 4), ("challenger", 2, right)):
        for number in range(each):
            name, label = f"{role}-{day}-{number}", "Yes" if number < good else "No"
            chances = [0.0, 1.0] if label == "Yes" else [1.0, 0.0]
            rows.append((name, at, "churn", version, label, chances, role, name))
            outcomes.append((name, "Yes", at))
    columns = ["prediction_id", "at", "package", "version", "label", "probabilities", "traffic_role", "traffic_unit"]
    write_deltalake(project.store.at(PREDICTIONS), pl.DataFrame(rows, schema=columns, orient="row"), mode="append")
    frame = pl.DataFrame(outcomes, schema=["prediction_id", "outcome", "at"], orient="row")
    write_deltalake(project.store.at(FEEDBACK), frame, mode="append")
