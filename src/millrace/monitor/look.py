"""What one look at the prediction log sees: whose predictions, from when, and what came of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from millrace.records.fit import Answer
from millrace.records.package import Manifest
from millrace.records.release import Release
from millrace.records.signature import Signature
from millrace.store.log_entries import OWN

if TYPE_CHECKING:
    import polars as pl

#: Fewer rows than this leave about ten cells of five: too few for any test to say much, so nothing is said.
MINIMUM_ROWS = 50
#: A longer look takes so many windows, where all of them are not more rows than this: beyond, the newest tell enough.
WINDOWS, ENOUGH = 8, 100_000


def own(predictions: pl.DataFrame, manifest: Manifest, champion: Release | None) -> pl.DataFrame:
    """The predictions of this package, oldest first; since it became champion, when it is."""
    import polars as pl

    rows = predictions.filter(pl.col("package") == manifest.name, pl.col("version") == manifest.version)
    if champion is not None and (champion.package, champion.version) == (manifest.name, manifest.version):
        rows = rows.filter(pl.col("at") >= datetime.fromisoformat(champion.at))
    return rows.sort("at")


def newest(rows: pl.DataFrame, window: float) -> pl.DataFrame:
    """The rows of the last `window` seconds before the newest one; all of them when those are fewer than needed.

    `rows` are ordered by time. The window ends with the newest row, not now, so that a quiet log is judged alike
    whenever it is looked at.
    """
    import polars as pl

    if rows.is_empty():
        return rows
    recent = rows.filter(pl.col("at") > rows["at"][-1] - timedelta(seconds=window))
    return recent if recent.height >= MINIMUM_ROWS else rows


def longer(rows: pl.DataFrame, recent: pl.DataFrame, window: float) -> pl.DataFrame | None:
    """The newest of `rows` for a longer look than at `recent`, which are among them; None where there are no more."""
    import polars as pl

    since = rows["at"][-1] - timedelta(seconds=WINDOWS * window)
    more = rows.tail(ENOUGH).filter(pl.col("at") > since)
    return more if more.height > recent.height else None


def after(times: pl.Series, seen: datetime | None) -> float:
    """The part of `times` (0 to 1) that lie after `seen`; all of them when nothing was seen yet."""
    if times.is_empty():
        return 0.0
    return 1.0 if seen is None else float((times > seen).mean() or 0.0)  # type: ignore[arg-type]


def inputs(rows: pl.DataFrame, signature: Signature) -> pl.DataFrame:
    """The model's inputs under their own names; one that no request ever held is missing in every row."""
    import polars as pl

    columns = []
    for field in signature.inputs:
        name = f"{field.name} ({field.type})" if field.name in OWN else field.name
        column = pl.col(name) if name in rows.columns else pl.lit(None)
        columns.append(column.alias(field.name))
    return rows.select(columns)


def answer(rows: pl.DataFrame, signature: Signature) -> Answer:
    """What the model said: class indices int64 and probabilities float32 ``[rows, classes]``, or values float32."""
    import polars as pl

    if signature.task == "regression":
        return Answer(value=rows["value"].to_numpy().astype(np.float32))
    label = rows["label"].replace_strict(signature.classes, range(len(signature.classes)), return_dtype=pl.Int64)
    width = len(signature.classes)
    probabilities = rows["probabilities"].cast(pl.Array(pl.Float32, width)).to_numpy().reshape(-1, width)
    return Answer(label=label.to_numpy(), probabilities=probabilities)
