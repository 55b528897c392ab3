"""The sealed rows of an earlier training, found again: nothing but the dataset's version needs to be kept for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from millrace.config.schema import ModelSettings
from millrace.train.columns import type_columns
from millrace.train.parts import judged, strata_of
from millrace.train.split import order_keys
from millrace.train.target import answered, read_target
from millrace.train.window import from_on


def held_out(frame: pl.DataFrame, settings: ModelSettings, start: str = "") -> tuple[pl.DataFrame, np.ndarray]:
    """The rows that a training on `frame` sealed and judged its model by, and their truth.

    `start` (ISO 8601) is that of the rows that it used, empty where it used all. The same rows and settings give the
    same ones; where a training on too many rows left some out, it sealed others.
    """
    rows, _ = answered(frame, settings)
    target, _ = read_target(rows, settings)
    fields, _ = type_columns(rows, settings)
    rows = rows.select(*(field.name for field in fields), settings.predict, *settings.split.by)
    if start and settings.split.time:
        kept = from_on(rows, settings.split.time, start)
        rows, target = rows.filter(kept), replace(target, truth=target.truth[kept])
    keys = order_keys(rows, fields, settings.split)
    test = judged(rows, keys, strata_of(target, settings.split), settings.split)
    return rows.filter(test).select(field.name for field in fields), target.truth[test]
