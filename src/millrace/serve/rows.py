"""Rows as people write them: JSON in any of its shapes answered with JSON, CSV with CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec
import numpy as np

from millrace.records.fit import Answer
from millrace.serve.answers import apart, prediction_of, predictions_of
from millrace.serve.around import surroundings
from millrace.serve.core import Core, Matrices, ReplacedError
from millrace.serve.lanes import ANYONE, Asker, Lane, Lanes
from millrace.serve.moved import moved_by
from millrace.serve.shapes import read_rows, rows_of_csv

_ENCODE = msgspec.json.Encoder().encode


def predict(core: Core, body: bytes, *, conformal: bool = False, explain: bool = False, asker: Asker = ANYONE) -> bytes:
    """Answer rows in any of the JSON shapes of `serve.shapes`; always a list under ``predictions``.

    Raises `MalformedError` for bytes that are no JSON rows, `RequestError` for a value that does not fit, OSError
    when the answer cannot be logged (it is then not given). With `conformal` each answer says what else may be
    true, with `explain` what moved it.
    """
    return core.steady(lambda lanes: _predicted(core, lanes, body, asker, conformal, explain))


def predict_together(core: Core, bodies: Sequence[bytes]) -> list[bytes | Exception]:
    """What `predict` says to each of some bodies, or raises, from one run of the graph for all that allow it.

    Those that allow it are usual rows for the champion, while nothing is tried beside it.
    """
    lanes = core.lanes
    lane = lanes.lane()
    reads = [lane.loaded.direct.read(body) if lanes.alone else None for body in bodies]
    parts = iter(apart(lane.loaded, [read for read in reads if read is not None]))
    return [
        _one_of(core, lane, body, read, next(parts) if read else None) for body, read in zip(bodies, reads, strict=True)
    ]


def predict_csv(core: Core, body: bytes, *, asker: Asker = ANYONE) -> bytes:
    """Answer CSV with CSV: a line per row with the label and each class's probability, or with the value.

    Without a header, as SageMaker's own containers answer. Raises as `predict` does.
    """
    return core.steady(lambda lanes: _predicted_csv(core, lanes, body, asker))


def _predicted(core: Core, lanes: Lanes, body: bytes, asker: Asker, conformal: bool, explain: bool) -> bytes:
    rows = lanes.champion.direct.rows(body) if lanes.alone else None
    if rows is not None and len(rows) == 1 and not (conformal or explain):
        lane = lanes.lane(asker)
        if (given := core.answer_one(lane, rows[0])) is not None:
            found, name = given
            classes = lane.loaded.model.signature.classes
            return _encoded(lane, [prediction_of(classes, name, found.label, found.scores)])
    read = None if rows is None else lanes.champion.direct.matrices(rows)
    if read is not None:
        lane = lanes.lane(asker)
        answer, ids = core.answer(lane, *read, around=conformal)
    else:
        others = read_rows(lanes.champion.model.signature, body)
        lane, read, answer, ids = core.answer_rows(lanes, others, asker, around=conformal)
    predictions = predictions_of(lane.loaded, answer, ids)
    coverage = _surround(predictions, lane, answer) if conformal else None
    if explain:
        _explain(predictions, lane, read, answer)
    return _encoded(lane, predictions, coverage)


def _surround(predictions: list[dict[str, object]], lane: Lane, answer: Answer) -> float | None:
    """Say of each answer what else may be true, and give how often that is promised to hold."""
    manifest = lane.loaded.model.manifest
    for one, more in zip(predictions, surroundings(answer, manifest.signature.classes), strict=True):
        one.update(more)
    return None if manifest.conformal is None else manifest.conformal.coverage


def _explain(predictions: list[dict[str, object]], lane: Lane, read: Matrices, answer: Answer) -> None:
    """Say of each answer what moved it."""
    numbers, texts = read
    moved = moved_by(lane.loaded.model, numbers, lane.loaded.personal.texts(texts), answer)
    for one, parts in zip(predictions, moved, strict=True):
        one["moved_by"] = parts


def _encoded(lane: Lane, predictions: list[dict[str, object]], coverage: float | None = None) -> bytes:
    manifest = lane.loaded.model.manifest
    content = {"predictions": predictions, "package": manifest.name, "version": manifest.version}
    if coverage is not None:
        content["coverage"] = coverage
    return _ENCODE(content)


def _one_of(core: Core, lane: Lane, body: bytes, read: Matrices | None, given: Answer | None) -> bytes | Exception:
    try:
        if read is None or given is None:
            return predict(core, body)
        try:
            answer, ids = core.answer(lane, *read, given=given)
        except ReplacedError:
            return predict(core, body)
        return _encoded(lane, predictions_of(lane.loaded, answer, ids))
    except Exception as error:  # noqa: BLE001 - each asker is told of its own failure, as if it had come alone
        return error


def _predicted_csv(core: Core, lanes: Lanes, body: bytes, asker: Asker) -> bytes:
    rows = rows_of_csv(body, lanes.champion.model.signature)
    lane, _, answer, _ = core.answer_rows(lanes, rows, asker)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if answer.label is None or answer.probabilities is None:
        writer.writerows([value] for value in np.ravel(answer.value).tolist())  # type: ignore[arg-type]
    else:
        classes = lane.loaded.model.signature.classes
        given = zip(answer.label.tolist(), answer.probabilities.tolist(), strict=True)
        writer.writerows([classes[label], *row] for label, row in given)
    return lines.getvalue().encode()
