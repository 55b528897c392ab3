"""Requests to answers, whatever brought them: decode, columns, graph, log, encode. No transport is known here."""

from __future__ import annotations

import contextlib
import csv
import io
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from millrace.inference.columns import Reader
from millrace.inference.model import Model
from millrace.privacy.columns import Privacy
from millrace.records.fit import Answer
from millrace.records.served import Served
from millrace.serve.answers import apart, prediction_of, predictions_of
from millrace.serve.around import demand, surroundings
from millrace.serve.aside import Aside
from millrace.serve.journal import Journal
from millrace.serve.lanes import ANYONE, Asker, Lane, Lanes, Loaded
from millrace.serve.metrics import Counters
from millrace.serve.moved import moved_by
from millrace.serve.outcomes import outcomes_of
from millrace.serve.shapes import decoded, read_rows, rows_of_csv
from millrace.store.log_entries import SHADOWED
from millrace.store.segments import SegmentWriter

_PUBLIC = Privacy()
Given = TypeVar("Given")
Matrices = tuple[np.ndarray, np.ndarray]


class _ReplacedError(Exception):
    """The model was replaced while it answered."""


class Core:
    """Answers with the models it holds, logs each answer before giving it, and takes feedback.

    May be used from several threads. `replace` changes the models between two requests, never within one: an answer
    of a model that was replaced meanwhile is not given, but asked of its successor.
    """

    def __init__(self, model: Model, private: Privacy = _PUBLIC) -> None:
        self._private = private
        self._folder: Path | None = None
        self._journal = Journal()
        self.lanes = Lanes(self.prepared(model))
        self.counters = Counters()
        self._noted = self.counters.served(0)
        self._guard = threading.Lock()
        self._encode = msgspec.json.Encoder().encode
        self._pack = msgspec.msgpack.Encoder().encode
        self.shadow = Aside(self.counters)

    @property
    def loaded(self) -> Loaded:
        """The champion."""
        return self.lanes.champion

    def write_to(self, folder: Path, *, share: float = 1.0) -> None:
        """Log from now on to segments in `folder`: feedback, and a `share` (0 to 1) of the answers."""
        self._folder, self._journal.share = folder, share
        self.lanes = Lanes(self.prepared(self.loaded.model))

    def close(self) -> None:
        """End the log; to be called after the last answer."""
        self.shadow.close()
        self.note_counts()
        for loaded in self.lanes.all:
            if loaded.log:
                loaded.log.close()

    def prepared(self, model: Model) -> Loaded:
        """What `Lanes` are made of, for `model`, with a log of its own; may be called in another thread."""
        folder = self._folder
        log = (lambda opening: SegmentWriter(folder, lambda: opening)) if folder else (lambda _: None)
        return Loaded.of(model, self._private, log)

    def replace(self, lanes: Lanes) -> list[SegmentWriter]:
        """Answer with other models from the next request on; gives the logs to close, of models that are gone."""
        with self._guard:
            gone = [loaded for loaded in self.lanes.all if loaded not in lanes.all]
            if self.loaded in gone:
                self.note_counts()
            self.lanes = lanes
        return [loaded.log for loaded in gone if loaded.log]

    def steady(self, answer: Callable[[Lanes], Given]) -> Given:
        """What `answer` makes with these models; made again if its model was replaced before it was logged."""
        while True:
            try:
                return answer(self.lanes)
            except _ReplacedError:
                continue

    def note_counts(self) -> None:
        """Log what was answered since the last time; what cannot be logged now comes with the next time."""
        now = self.counters.served(time.time_ns() // 1000)
        log = self.loaded.log
        if log is None or now.requests == self._noted.requests:
            return
        latencies = [new - old for new, old in zip(now.latencies, self._noted.latencies, strict=True)]
        since = Served(now.at, now.requests - self._noted.requests, now.failed - self._noted.failed, latencies)
        with contextlib.suppress(OSError):
            log.append(self._pack(since))
            self._noted = now

    def predict(self, body: bytes, *, conformal: bool = False, explain: bool = False, asker: Asker = ANYONE) -> bytes:
        """Answer rows in any of the JSON shapes of `serve.shapes`; always a list under ``predictions``.

        Raises `MalformedError` for bytes that are no JSON rows, `RequestError` for a value that does not fit, OSError
        when the answer cannot be logged (it is then not given). With `conformal` each answer says what else may be
        true, with `explain` what moved it.
        """
        return self.steady(lambda lanes: self._predicted(lanes, body, asker, conformal, explain))

    def predict_together(self, bodies: Sequence[bytes]) -> list[bytes | Exception]:
        """What `predict` says to each of some bodies, or raises, from one run of the graph for all that allow it.

        Those that allow it are usual rows for the champion, while nothing is tried beside it.
        """
        lanes = self.lanes
        lane = lanes.lane()
        reads = [lane.loaded.direct.read(body) if lanes.alone else None for body in bodies]
        parts = iter(apart(lane.loaded, [read for read in reads if read is not None]))
        return [
            self._one_of(lane, body, read, next(parts) if read else None)
            for body, read in zip(bodies, reads, strict=True)
        ]

    def _one_of(self, lane: Lane, body: bytes, read: Matrices | None, given: Answer | None) -> bytes | Exception:
        try:
            if read is None or given is None:
                return self.predict(body)
            try:
                answer, ids = self.answer(lane, *read, given=given)
            except _ReplacedError:
                return self.predict(body)
            manifest = lane.loaded.model.manifest
            predictions = predictions_of(lane.loaded, answer, ids)
            return self._encode({"predictions": predictions, "package": manifest.name, "version": manifest.version})
        except Exception as error:  # noqa: BLE001 - each asker is told of its own failure, as if it had come alone
            return error

    def _predicted(self, lanes: Lanes, body: bytes, asker: Asker, conformal: bool, explain: bool) -> bytes:
        rows = lanes.champion.direct.rows(body) if lanes.alone else None
        if rows is not None and len(rows) == 1 and not (conformal or explain):
            given = self._one(lanes.lane(asker), rows[0])
            if given is not None:
                return given
        read = None if rows is None else lanes.champion.direct.matrices(rows)
        if read is not None:
            lane = lanes.lane(asker)
            answer, ids = self.answer(lane, *read, around=conformal)
        else:
            lane, read, answer, ids = self._answer_rows(
                lanes, read_rows(lanes.champion.model.signature, body), asker, around=conformal
            )
        manifest = lane.loaded.model.manifest
        predictions = predictions_of(lane.loaded, answer, ids)
        content = {"predictions": predictions, "package": manifest.name, "version": manifest.version}
        if conformal:
            for one, more in zip(predictions, surroundings(answer, manifest.signature.classes), strict=True):
                one.update(more)
            if manifest.conformal is not None:
                content["coverage"] = manifest.conformal.coverage
        if explain:
            numbers, texts = read
            moved = moved_by(lane.loaded.model, numbers, lane.loaded.personal.texts(texts), answer)
            for one, parts in zip(predictions, moved, strict=True):
                one["moved_by"] = parts
        return self._encode(content)

    def _one(self, lane: Lane, values: tuple[Any, ...]) -> bytes | None:
        """The answer to the usual request, one row while nothing is tried; None where it needs more than that."""
        loaded = lane.loaded
        if loaded.single is None:
            return None
        try:
            found = loaded.single.answer(values)
        except OverflowError:
            return None
        at = time.time_ns() // 1000
        names = self._journal.names(at, 1)
        labels = [] if found.label is None else [found.label]
        record = self._journal.record(lane, at, names, found.numbers, found.texts, labels, found.raw)
        self._keep(lane, record, 1, unseen=loaded.unseen(found.texts))
        prediction = prediction_of(loaded.model.signature.classes, names[0], found.label, found.scores)
        manifest = loaded.model.manifest
        return self._encode({"predictions": [prediction], "package": manifest.name, "version": manifest.version})

    def predict_csv(self, body: bytes, *, asker: Asker = ANYONE) -> bytes:
        """Answer CSV with CSV: a line per row with the label and each class's probability, or with the value.

        Without a header, as SageMaker's own containers answer. Raises as `predict` does.
        """
        return self.steady(lambda lanes: self._predicted_csv(lanes, body, asker))

    def _predicted_csv(self, lanes: Lanes, body: bytes, asker: Asker) -> bytes:
        rows = rows_of_csv(body, lanes.champion.model.signature)
        lane, _, answer, _ = self._answer_rows(lanes, rows, asker)
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        if answer.label is None or answer.probabilities is None:
            writer.writerows([value] for value in answer.value.ravel().tolist())  # type: ignore[union-attr]
        else:
            classes = lane.loaded.model.signature.classes
            given = zip(answer.label.tolist(), answer.probabilities.tolist(), strict=True)
            writer.writerows([classes[label], *row] for label, row in given)
        return lines.getvalue().encode()

    def _answer_rows(
        self, lanes: Lanes, rows: list[Any], asker: Asker, *, around: bool = False
    ) -> tuple[Lane, Matrices, Answer, list[str]]:
        lane = lanes.lane(asker, rows[0].get if rows and isinstance(rows[0], dict) else None)
        reader = lane.loaded.reader
        numbers, texts = reader.from_rows(rows)
        surplus = reader.surplus(rows)
        answer, ids = self.answer(
            lane, numbers, texts, surplus, around=around, again=lambda other: other.from_rows(rows)
        )
        return lane, (numbers, texts), answer, ids

    def answer(
        self,
        lane: Lane,
        numbers: np.ndarray,
        texts: np.ndarray,
        surplus: int = 0,
        *,
        around: bool = False,
        again: Callable[[Reader], Matrices] | None = None,
        given: Answer | None = None,
    ) -> tuple[Answer, list[str]]:
        """The answer of this lane's model, logged, and the ids under which feedback finds it; only within `steady`.

        `surplus` fields came that the model does not know. With `around` what surrounds the answer is in it too.
        `given` is the model's answer where it was asked already.
        `again` gives the matrices of the same rows as another model reads them; a shadow hears nothing without it.
        Raises `RequestError` when the package knows nothing of what surrounds its answers.
        """
        loaded = lane.loaded
        if around:
            demand(loaded.model.manifest)
        texts = loaded.personal.texts(texts)
        answer = given or loaded.model.answer(numbers, texts, around=around)
        at = time.time_ns() // 1000
        ids = self._journal.names(at, len(numbers))
        flat = texts.ravel().tolist()
        record = self._record(lane, at, ids, numbers, flat, answer)
        self._keep(lane, record, len(ids), surplus, loaded.unseen(flat))
        if not self.lanes.alone:
            self._tried(lane, at, ids, again)
        return answer, ids

    def _record(
        self, lane: Lane, at: int, ids: list[str], numbers: np.ndarray, texts: list[str], answer: Answer
    ) -> bytes:
        logged = lane.loaded.personal.logged(numbers).tobytes()
        if answer.label is None or answer.probabilities is None:
            labels, scores = [], answer.value
        else:
            labels, scores = answer.label.tolist(), answer.probabilities
        return self._journal.record(lane, at, ids, logged, texts, labels, scores.tobytes())  # type: ignore[union-attr]

    def _keep(self, lane: Lane, record: bytes, rows: int = 0, surplus: int = 0, unseen: int = 0) -> None:
        """Append to the log of the lane's model, which ends when it is replaced; then count what was answered."""
        with self._guard:
            if lane.loaded is not self.lanes.champion and lane.loaded not in self.lanes.all:
                raise _ReplacedError
            if record and lane.loaded.log:
                lane.loaded.log.append(record)
            self.counters.rows += rows
            self.counters.extra_fields += surplus
            self.counters.unseen_categories += unseen

    def _tried(self, lane: Lane, at: int, ids: list[str], again: Callable[[Reader], Matrices] | None) -> None:
        """Count who answered, and let the shadow hear it."""
        self.counters.by_role[lane.role] = self.counters.by_role.get(lane.role, 0) + len(ids)
        shadow = self.lanes.hears(lane)
        if shadow is None or again is None or shadow is lane.loaded:
            return

        def overhear(hearing: Lane) -> None:
            """Answer for the log alone; the ids are those of the answers given, marked."""
            loaded = hearing.loaded
            numbers, texts = again(loaded.reader)
            texts = loaded.personal.texts(texts)
            answer = loaded.model.answer(numbers, texts)
            marked = [f"{name}{SHADOWED}" for name in ids]
            self._keep(hearing, self._record(hearing, at, marked, numbers, texts.ravel().tolist(), answer))

        self.shadow.hear(overhear, Lane(shadow, "shadow", lane.unit), len(ids))

    def feedback(self, body: bytes) -> int:
        """Log outcomes, ``{"id": …, "outcome": …}`` or a list of them; nothing unless all fit. Give their number.

        They are only safe once `settle_feedback` returned.
        """
        outcomes = outcomes_of(decoded(body), self.loaded.model.signature, time.time_ns() // 1000)
        with self._guard:
            log = self.loaded.log
            if log is None:
                raise OSError("this server has no log")
            for outcome in outcomes:
                log.append(self._pack(outcome))
            self.counters.feedback += len(outcomes)
        return len(outcomes)

    def settle_feedback(self) -> None:
        """Wait until the disk has what was logged; may run in another thread."""
        if log := self.loaded.log:
            log.sync()
