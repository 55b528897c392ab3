"""A table far too large for its budget: what comes of 2 million rows of 20 columns in a minute.

    python bench/large.py [--rows 2000000] [--budget "60 s"]

Fifteen numbers and five categories; the class follows products of numbers and pairs of categories, which a linear model
cannot see. Prints the seconds of `Project.train`, the metrics on rows that were never learned from, and the notes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import millrace as mr
from millrace.evaluate.ranking import roc_auc

CITIES = [f"city {place}" for place in range(60)]


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    """Rows and their class."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 15))
    codes = random.integers(0, [3, 4, 8, 20, 60], size=(rows, 5))
    score = 0.8 * numbers[:, 0] - 0.5 * numbers[:, 1] + 0.9 * numbers[:, 2] * numbers[:, 3]
    score += 0.8 * np.abs(numbers[:, 4]) * (codes[:, 0] - 1) + 0.6 * np.sin(3 * numbers[:, 5]) + 0.1 * (codes[:, 4] % 7)
    classes = random.random(rows) < 1 / (1 + np.exp(0.8 - 1.2 * score))
    named = {f"number {place}": numbers[:, place] for place in range(15)}
    named |= {f"kind {place}": np.array(CITIES)[codes[:, place]] for place in range(5)}
    return pl.DataFrame(named | {"bought": np.where(classes, "yes", "no")})


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--budget", default="60 s")
    parser.add_argument("--watch", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table(wanted.rows).write_parquet(folder / "rows.parquet")
        (folder / "millrace.yaml").write_text(
            "version: 1\nproject: large\nsources: {rows: {from: rows.parquet}}\n"
            f"model: {{predict: bought, budget: {wanted.budget}}}\n"
        )
        project = mr.Project.load(folder / "millrace.yaml")
        project.ingest()
        began = time.monotonic()
        told = {"watch": lambda step: print(f"{time.monotonic() - began:6.1f} {step.text}")} if wanted.watch else {}
        run = project.train(**told)
        print(f"{time.monotonic() - began:.1f} s")
        unseen = table(100_000, seed=1)
        answer = mr.Package.load(run.package.path).answer(unseen.drop("bought"))
        truth = (unseen["bought"] == "yes").to_numpy().astype(np.int64)
        print(f"roc_auc {roc_auc(truth, answer.probabilities[:, 1]):.4f} on 100,000 rows more")
        for name, metric in run.evaluation.metrics.items():
            print(f"{name} {metric.value:.4f} ({metric.low:.4f} to {metric.high:.4f})")
        print(*run.notes, sep="\n")


if __name__ == "__main__":
    main()
