"""How the records of segments become rows of the log's tables; loads polars, so serving processes never import it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from millrace.records.signature import Field, Signature
from millrace.store.log_entries import OWN

if TYPE_CHECKING:
    from millrace.records.served import Served
    from millrace.store.log_entries import Opening, Outcome, Predicted

_INSTANT = pl.Datetime("us", "UTC")


def predictions_frame(opening: Opening, answers: Sequence[Predicted]) -> pl.DataFrame:
    """One row per prediction of one segment."""
    signature = opening.signature
    counts = [len(answer.ids) for answer in answers]
    rows = sum(counts)
    columns = [
        pl.Series("prediction_id", [name for answer in answers for name in answer.ids], dtype=pl.String),
        pl.Series("at", np.repeat([answer.at for answer in answers], counts)).cast(_INSTANT),
        pl.Series("package", [opening.package]).new_from_index(0, rows),
        pl.Series("version", [opening.version], dtype=pl.Int64).new_from_index(0, rows),
        *_answers(signature, answers, rows),
    ]
    if any(answer.role for answer in answers):
        for name, values in (("traffic_role", "role"), ("traffic_unit", "unit")):
            told = [getattr(answer, values) or None for answer in answers]
            repeated = np.repeat(np.array(told, dtype=object), counts).tolist()
            columns.append(pl.Series(name, repeated, dtype=pl.String))
    numbers = np.frombuffer(b"".join(answer.numbers for answer in answers), dtype="<f8")
    numbers = numbers.reshape(rows, len(signature.numbers))
    inputs = {field.name: _number(field, numbers[:, position]) for position, field in enumerate(signature.numbers)}
    texts = [text for answer in answers for text in answer.texts]
    for position, field in enumerate(signature.texts):
        inputs[field.name] = _text(field, texts[position :: len(signature.texts)])
    return pl.DataFrame([*columns, *(inputs[field.name] for field in signature.inputs)])


def outcomes_frame(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """One row per reported outcome."""
    return pl.DataFrame(
        {
            "prediction_id": [outcome.prediction_id for outcome in outcomes],
            "outcome": [outcome.outcome for outcome in outcomes],
            "at": pl.Series([outcome.at for outcome in outcomes], dtype=pl.Int64).cast(_INSTANT),
        },
        schema_overrides={"prediction_id": pl.String, "outcome": pl.String},
    )


def served_frame(opening: Opening, counts: Sequence[Served]) -> pl.DataFrame:
    """One row for each time a process told what it counted."""
    return pl.DataFrame(
        {
            "at": pl.Series([one.at for one in counts], dtype=pl.Int64).cast(_INSTANT),
            "package": [opening.package] * len(counts),
            "version": pl.Series([opening.version] * len(counts), dtype=pl.Int64),
            "requests": pl.Series([one.requests for one in counts], dtype=pl.Int64),
            "failed": pl.Series([one.failed for one in counts], dtype=pl.Int64),
            "latencies": pl.Series([one.latencies for one in counts], dtype=pl.List(pl.Int64)),
            "bounds": pl.Series([list(one.bounds) for one in counts], dtype=pl.List(pl.Float64)),
        }
    )


def fitted(frames: Sequence[pl.DataFrame], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The frames under one another; a column whose type is not that of `schema` stands beside it under its own name."""
    known = dict(schema)
    renamed = []
    for frame in frames:
        names = {
            name: f"{name} ({dtype})" for name, dtype in frame.schema.items() if known.setdefault(name, dtype) != dtype
        }
        renamed.append(frame.rename(names))
    return pl.concat(renamed, how="diagonal")


def _answers(signature: Signature, answers: Sequence[Predicted], rows: int) -> list[pl.Series]:
    scores = np.frombuffer(b"".join(answer.scores for answer in answers), dtype="<f4")
    if signature.task == "regression":
        return [pl.Series("value", scores)]
    labels = [signature.classes[label] for answer in answers for label in answer.labels]
    width = len(signature.classes)
    probabilities = pl.Series("probabilities", scores.reshape(rows, width), dtype=pl.Array(pl.Float32, width))
    return [pl.Series("label", labels, dtype=pl.String), probabilities.cast(pl.List(pl.Float32))]


def _number(field: Field, values: np.ndarray) -> pl.Series:
    column = pl.Series(_name(field), values).fill_nan(None)
    match field.type:
        case "boolean":
            return column.cast(pl.Boolean)
        case "date":
            return column.cast(pl.Int32).cast(pl.Date)
        case "datetime":
            return (column * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us"))
        case _:
            return column


def _text(field: Field, values: list[str]) -> pl.Series:
    return pl.Series(_name(field), values, dtype=pl.String).replace("", None)


def _name(field: Field) -> str:
    return f"{field.name} ({field.type})" if field.name in OWN else field.name
