"""The rows that a training sealed are found again."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from millrace.config.schema import ModelSettings
from millrace.train.held_out import held_out
from millrace.train.stage import train


@pytest.mark.parametrize(
    "split",
    [{}, {"time": "day"}, {"group": "city"}, {"column": "part"}, {"time": "day", "gap": "9 days"}],
    ids=["by hash", "by time", "by group", "by a column", "with a gap"],
)
def test_the_sealed_rows_are_found_again(split: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "size": random.normal(size=300),
            "city": random.choice(["a", "b", "c", "d", "e", "f", "g", "h"], 300),
            "day": pl.Series(np.arange(300)).cast(pl.Date),
            "part": ["train", "train", "test"] * 100,
        }
    ).with_columns(y=pl.when(pl.col("size") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")))
    settings = ModelSettings.model_validate({"predict": "y", "budget": "1 trials", "split": split})
    fit = train(frame, settings)
    rows, truth = held_out(frame, settings)
    assert rows.equals(fit.test_rows.select(rows.columns))
    assert truth.tolist() == fit.truth().tolist()
