"""Rows to answers that are logged, whatever brought them: which model, its graph, the log, the counts.

No transport is known here, and no dialect: `serve.rows` reads and writes JSON and CSV, `serve.oip` the Open Inference
Protocol, and both ask a `Core`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from millrace.inference.columns import Reader
from millrace.inference.model import Model
from millrace.inference.single import One
from millrace.privacy.columns import Privacy
from millrace.records.fit import Answer
from millrace.records.served import Served
from millrace.serve.around import demand
from millrace.serve.aside import Aside
from millrace.serve.journal import Journal
from millrace.serve.lanes import Asker, Lane, Lanes, Loaded
from millrace.serve.metrics import Counters
from millrace.serve.outcomes import outcomes_of
from millrace.serve.shapes import decoded
from millrace.store.log_entries import SHADOWED
from millrace.store.segments import SegmentWriter

_PUBLIC = Privacy()
Given = TypeVar("Given")
Matrices = tuple[np.ndarray, np.ndarray]


class ReplacedError(Exception):
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
            except ReplacedError:
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

    def answer_one(self, lane: Lane, values: tuple[Any, ...]) -> tuple[One, str] | None:
        """The same of the usual request, one row while nothing is tried; None where it needs more than that.

        `values` are those of the row as `Direct.rows` gives them.
        """
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
        return found, names[0]

    def answer_rows(
        self, lanes: Lanes, rows: list[Any], asker: Asker, *, around: bool = False
    ) -> tuple[Lane, Matrices, Answer, list[str]]:
        """The same of rows in any shape of `serve.shapes`: who answers them, and their matrices, come with it."""
        lane = lanes.lane(asker, rows[0].get if rows and isinstance(rows[0], dict) else None)
        reader = lane.loaded.reader
        numbers, texts = reader.from_rows(rows)
        surplus = reader.surplus(rows)
        answer, ids = self.answer(
            lane, numbers, texts, surplus, around=around, again=lambda other: other.from_rows(rows)
        )
        return lane, (numbers, texts), answer, ids

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
                raise ReplacedError
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
