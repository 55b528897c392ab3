"""A small binary model, its package's promises, and a log of what it served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from millrace.profile.build import profile
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer
from millrace.records.package import Manifest
from millrace.records.profile import Profile
from millrace.records.release import Release
from millrace.records.signature import Field, Signature
from millrace.store.objects import Store
from millrace.store.releases import append

CLASSES = ("no", "yes")
SIGNATURE = Signature(
    "binary",
    "ill",
    (Field("size", "number"), Field("age", "number"), Field("label", "category")),
    classes=CLASSES,
    positive="yes",
)
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
Log = Callable[..., pl.DataFrame]


def say(size: np.ndarray) -> np.ndarray:
    """What the model says, float32 [rows, 2]: the larger, the likelier."""
    positive = 1 / (1 + np.exp(-3 * size))
    return np.stack((1 - positive, positive), axis=1).astype(np.float32)


def rows(draw: np.random.Generator, count: int, shift: float = 0.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "size": draw.normal(shift, 1, count),
            "age": draw.integers(20, 60, count).astype(float),
            "label": draw.choice(["a", "b"], count),
        }
    )


@pytest.fixture
def manifest() -> Manifest:
    evaluation = Evaluation(
        "binary",
        {"roc_auc": Metric(0.9, 0.86, 0.93), "log_loss": Metric(0.3, 0.25, 0.35, higher_is_better=False)},
        "roc_auc",
        400,
        importances={"size": Metric(0.3, 0.2, 0.4), "age": Metric(0.0, 0.0, 0.01)},
    )
    return Manifest("ill", 2, "r2", "2026-01-01T00:00:00+00:00", SIGNATURE, evaluation, {}, threshold=0.5)


@pytest.fixture
def reference() -> Profile:
    frame = rows(np.random.default_rng(100), 1000)
    probabilities = say(frame["size"].to_numpy())
    return profile(frame, SIGNATURE, answer=Answer(probabilities.argmax(axis=1), probabilities))


@pytest.fixture
def log() -> Log:
    """Make predictions, one a minute from the release on."""

    def served(count: int, *, shift: float = 0.0, seed: int = 1, version: int = 2, after: timedelta = timedelta()):
        frame = rows(np.random.default_rng(seed), count, shift)
        probabilities = say(frame["size"].to_numpy())
        return frame.rename({"label": "label (category)"}).with_columns(
            pl.Series("prediction_id", [f"{version}-{seed}-{number:06}" for number in range(count)]),
            pl.Series("at", [RELEASED + after + timedelta(minutes=number) for number in range(count)]),
            pl.lit("ill").alias("package"),
            pl.lit(version, pl.Int64).alias("version"),
            pl.Series("label", [CLASSES[index] for index in probabilities.argmax(axis=1)]),
            pl.Series("probabilities", probabilities.tolist(), dtype=pl.List(pl.Float32)),
        )

    return served


@pytest.fixture
def truths() -> Log:
    """Outcomes that follow the size with chance `right`, the coin otherwise; with -1, never follow it."""

    def reported(predictions: pl.DataFrame, right: float) -> pl.DataFrame:
        draw = np.random.default_rng(5)
        follows = predictions["size"].to_numpy() > 0
        other = ~follows if right < 0 else draw.random(predictions.height) < 0.5
        truth = np.where(draw.random(predictions.height) < right, follows, other)
        outcomes = pl.Series("outcome", [CLASSES[int(value)] for value in truth])
        return predictions.select("prediction_id", outcomes, pl.col("at") + timedelta(days=3))

    return reported


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def release(store: Store) -> Callable[..., None]:
    """Promote versions one after another, the last one at `RELEASED`."""

    def promote(*versions: int) -> None:
        for place, version in enumerate(versions, 1):
            at = RELEASED - timedelta(days=len(versions) - place)
            entry = Release(place, "promote", "ill", version, None, at.isoformat(), "ada@mill", "better")
            append(store, lambda past, entry=entry: entry)

    return promote
