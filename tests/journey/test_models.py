"""A team names its models in the project file; what was judged is what the package answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import millrace as mr

pytestmark = pytest.mark.journey

FILE = """
sources: {{riders: {{from: riders.csv}}}}
model:
  predict: buys
  models: {models}
  budget: {budget}
{more}
"""


def riders(folder: Path, rows: int = 300) -> pl.DataFrame:
    """Riders of every kind of column; who buys follows from age, plan and joining."""
    random = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "age": [
                None if gone else round(float(age), 1)
                for age, gone in zip(random.normal(40, 12, rows), random.random(rows) < 0.1, strict=True)
            ],
            "income": np.exp(random.normal(10, 1, rows)).round(2),
            "plan": random.choice(["basic", "gold", "tin"], rows),
            "joined": [f"2024-{1 + day // 28 % 12:02}-{1 + day % 28:02}" for day in random.integers(0, 336, rows)],
        }
    )
    odds = (pl.col("age").fill_null(40) - 40) / 6 + (pl.col("plan") == "gold") * 2 + pl.col("income").log() - 10.5
    frame = frame.with_columns(buys=pl.when(odds + pl.Series(random.normal(size=rows)) > 0).then(1).otherwise(0))
    frame.write_csv(folder / "riders.csv")
    return frame.with_columns(pl.col("joined").str.to_date())


def run(folder: Path, models: str, budget: str = "9 trials", more: str = "") -> tuple[mr.Project, mr.Run]:
    """The project file, run."""
    (folder / "millrace.yaml").write_text(FILE.format(models=models, budget=budget, more=more))
    project = mr.Project.load(folder / "millrace.yaml")
    return project, project.run()


@pytest.mark.parametrize(
    "models",
    [
        "[tree, neighbors]",
        "[{linear: {classes: one_vs_rest, penalty: 3}}, naive_bayes]",
        "[{svm: {kernel: linear}}, svm]",
        "[mlp]",
    ],
)
def test_named_models_are_the_ones_that_are_packed(tmp_path: Path, models: str) -> None:
    frame = riders(tmp_path)
    project, done = run(tmp_path, models)
    package = mr.Package.load(Path(project.store.at(f"packages/{done.package.name}/{done.package.version}")))
    assert package.manifest.parity is not None
    assert package.manifest.parity <= 1e-5
    answers = package.predict(frame)
    assert answers.height == frame.height
    found = done.evaluation.metrics["roc_auc"]
    assert found.low > 0.6


WISHES = """
  features: {scale: power, clip: 1%, columns: {plan: {encode: ordinal}, age: {scale: robust, missing: indicator}}}
  split: {folds: 3, repeats: 2}
  resample: over
  search: grid
"""


def test_what_a_team_wishes_of_columns_folds_and_search_is_packed(tmp_path: Path) -> None:
    frame = riders(tmp_path)
    project, done = run(tmp_path, "[linear, {neighbors: {n_neighbors: [9, 25]}}]", "4 trials", WISHES)
    package = mr.Package.load(Path(project.store.at(f"packages/{done.package.name}/{done.package.version}")))
    assert package.manifest.parity is not None
    assert package.manifest.parity <= 1e-5
    assert package.predict(frame).height == frame.height
    assert done.evaluation.metrics["roc_auc"].low > 0.6
