"""`init` and `run`, without an edit, on data that others made."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.journey
LONG = pytest.mark.long

#: file, target, metric, what it must reach in the short budget of this test (the full budget is measured in bench/)
SETS = [
    pytest.param("telco-churn/Telco-Customer-Churn.csv", "Churn", "roc_auc", 0.83, id="telco-churn"),
    pytest.param("california-housing/housing.csv.gz", "median_house_value", "rmse", 50_000, id="california-housing"),
    pytest.param("wine-quality/winequality-white.csv", "last", "accuracy", 0.54, id="wine-quality", marks=LONG),
    pytest.param("adult/adult-train.csv.gz", "last", "roc_auc", 0.92, id="adult", marks=LONG),
    pytest.param("german-credit/german.csv", "last", "roc_auc", 0.72, id="german-credit"),
]


@pytest.mark.parametrize(("file", "target", "metric", "bound"), SETS)
def test_two_commands_give_a_judged_and_released_model(
    shared_data: Path, tmp_path: Path, told: Callable[..., Any], file: str, target: str, metric: str, bound: float
) -> None:
    told("init", str(shared_data / file), "--predict", target)
    project_file = tmp_path / "millrace.yaml"
    project_file.write_text(re.sub(r"(?m)^(\s*)budget:.*$", r"\1budget: 30 s", project_file.read_text()))

    run = told("run")

    found = run["evaluation"]["metrics"][metric]
    assert found["low"] <= found["value"] <= found["high"]
    assert found["value"] <= bound if metric == "rmse" else found["value"] >= bound
    for counts in run["ingest"].values():
        placed = counts["kept"] + counts["quarantined"] + counts["duplicate"] + counts["late"]
        assert counts["read"] == placed > 0
    assert run["release"]["version"] == 1
    assert Path(run["report"]).read_text().startswith("<!doctype html>")


def test_blank_charges_of_new_customers_are_accounted_for(
    shared_data: Path, tmp_path: Path, told: Callable[..., Any], type_in: Callable[..., Any]
) -> None:
    type_in("init", str(shared_data / "telco-churn" / "Telco-Customer-Churn.csv"), "--predict", "Churn")
    assert "11 of 7,043" in (tmp_path / "millrace.yaml").read_text()

    (ingested,) = told("ingest")

    assert (ingested["read"], ingested["kept"], ingested["quarantined"]) == (7043, 7043, 0)
    from millrace.project import Project

    project = Project.load(tmp_path / "millrace.yaml")
    from millrace.store.tables import Table

    (source,) = project.settings.sources
    assert Table(project.store, f"tables/{source}").read()["TotalCharges"].null_count() == 11
