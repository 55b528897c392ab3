"""Requests to answers, whatever brought them: decode, columns, graph, log, encode. No transport is known here."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np

from millrace.errors import RequestError
from millrace.inference.columns import Reader, text_of
from millrace.inference.model import Model
from millrace.privacy.columns import Privacy
from millrace.records.fit import Answer
from millrace.records.served import Served
from millrace.serve.around import demand, surroundings
from millrace.serve.metrics import Counters
from millrace.serve.personal import Personal
from millrace.serve.shapes import rows_of, rows_of_csv
from millrace.store.log_entries import Opening, Outcome, Predicted
from millrace.store.segments import SegmentWriter

_PUBLIC = Privacy()
Given = TypeVar("Given")


class MalformedError(RequestError):
    """The bytes of a request are not JSON of the expected shape at all."""

    code = "request.json"


class _ReplacedError(Exception):
    """The model was replaced while it answered."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with what is worked out once for all its requests."""

    model: Model
    reader: Reader
    known: tuple[frozenset[str], ...]
    opening: bytes
    personal: Personal

    @classmethod
    def of(cls, model: Model, private: Privacy) -> Loaded:
        """Prepare `model` for serving, with personal values protected by `private`."""
        manifest = model.manifest
        known = tuple(
            frozenset((*field.categories, "")) if field.type == "category" and field.categories else frozenset()
            for field in manifest.signature.texts
        )
        opening = msgspec.msgpack.encode(Opening(manifest.name, manifest.version, manifest.signature))
        personal = Personal(manifest.signature, private)
        return cls(model, Reader(manifest.signature), known, opening, personal)


class Core:
    """Answers with the model it holds, logs each answer before giving it, and takes feedback.

    May be used from several threads. `replace` changes the model between two requests, never within one: an answer
    of a model that was replaced meanwhile is not given, but asked of its successor.
    """

    def __init__(self, model: Model, private: Privacy = _PUBLIC) -> None:
        self._private = private
        self.loaded = self.prepared(model)
        self.counters = Counters()
        self._noted = self.counters.served(0)
        self._log: SegmentWriter | None = None
        self._logged = False
        self._guard = threading.Lock()
        self._process = os.urandom(4).hex()
        self._count = itertools.count()
        self._decode = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode
        self._pack = msgspec.msgpack.Encoder().encode

    def write_to(self, log: SegmentWriter, *, predictions: bool) -> None:
        """Log from now on; `predictions` says whether answers are logged, or feedback alone."""
        self._log, self._logged = log, predictions

    def prepared(self, model: Model) -> Loaded:
        """What `replace` takes, for `model`; may be called in another thread."""
        return Loaded.of(model, self._private)

    def replace(self, loaded: Loaded) -> None:
        """Answer with another model from the next request on."""
        with self._guard:
            self.note_counts()
            self.loaded = loaded
            if self._log:
                self._log.seal()

    def steady(self, answer: Callable[[Loaded], Given]) -> Given:
        """What `answer` makes with one model; made again if the model was replaced before it was logged."""
        while True:
            try:
                return answer(self.loaded)
            except _ReplacedError:
                continue

    def note_counts(self) -> None:
        """Log what was answered since the last time; what cannot be logged now comes with the next time."""
        now = self.counters.served(time.time_ns() // 1000)
        if self._log is None or now.requests == self._noted.requests:
            return
        latencies = [new - old for new, old in zip(now.latencies, self._noted.latencies, strict=True)]
        since = Served(now.at, now.requests - self._noted.requests, now.failed - self._noted.failed, latencies)
        with contextlib.suppress(OSError):
            self._log.append(self._pack(since))
            self._noted = now

    def predict(self, body: bytes, *, conformal: bool = False) -> bytes:
        """Answer rows in any of the JSON shapes of `serve.shapes`; always a list under ``predictions``.

        Raises `MalformedError` for bytes that are no JSON rows, `RequestError` for a value that does not fit, OSError
        when the answer cannot be logged (it is then not given). With `conformal` each answer says what else may be
        true.
        """
        return self.steady(lambda loaded: self._predicted(loaded, body, conformal=conformal))

    def _predicted(self, loaded: Loaded, body: bytes, *, conformal: bool) -> bytes:
        manifest = loaded.model.manifest
        if conformal:
            demand(manifest)
        answer, ids = self._answer_rows(loaded, self._rows(loaded, body), around=conformal)
        predictions = _predictions(loaded, answer, ids)
        content = {"predictions": predictions, "package": manifest.name, "version": manifest.version}
        if conformal:
            for one, more in zip(predictions, surroundings(answer, manifest.signature.classes), strict=True):
                one.update(more)
            if manifest.conformal is not None:
                content["coverage"] = manifest.conformal.coverage
        return self._encode(content)

    def predict_csv(self, body: bytes) -> bytes:
        """Answer CSV with CSV: a line per row with the label and each class's probability, or with the value.

        Without a header, as SageMaker's own containers answer. Raises as `predict` does.
        """
        return self.steady(lambda loaded: self._predicted_csv(loaded, body))

    def _predicted_csv(self, loaded: Loaded, body: bytes) -> bytes:
        answer, _ = self._answer_rows(loaded, rows_of_csv(body, loaded.model.signature))
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        if answer.label is None or answer.probabilities is None:
            writer.writerows([value] for value in answer.value.ravel().tolist())  # type: ignore[union-attr]
        else:
            classes = loaded.model.signature.classes
            rows = zip(answer.label.tolist(), answer.probabilities.tolist(), strict=True)
            writer.writerows([classes[label], *row] for label, row in rows)
        return lines.getvalue().encode()

    def _answer_rows(self, loaded: Loaded, rows: list[Any], *, around: bool = False) -> tuple[Answer, list[str]]:
        numbers, texts = loaded.reader.from_rows(rows)
        return self.answer(loaded, numbers, texts, loaded.reader.surplus(rows), around=around)

    def answer(
        self, loaded: Loaded, numbers: np.ndarray, texts: np.ndarray, surplus: int = 0, *, around: bool = False
    ) -> tuple[Answer, list[str]]:
        """The model's answer, logged, and the ids under which feedback finds it; only within `steady`.

        `surplus` fields came that the model does not know. With `around` what surrounds the answer is in it too.
        """
        texts = loaded.personal.texts(texts)
        answer = loaded.model.answer(numbers, texts, around=around)
        at = time.time_ns() // 1000
        prefix = f"{at:014x}-{self._process}-"
        ids = [f"{prefix}{next(self._count) & 0xFFFFFF:06x}" for _ in range(len(numbers))]
        flat = texts.ravel().tolist()
        record = b""
        if self._logged and self._log and ids:
            record = self._pack(_record(at, ids, loaded.personal.logged(numbers), flat, answer))
        unseen = 0
        if loaded.known:
            unseen = sum(bool(known) and text not in known for known, text in zip(itertools.cycle(loaded.known), flat))
        with self._guard:
            # A segment of the log begins with the model whose answers it holds.
            if loaded is not self.loaded:
                raise _ReplacedError
            if record and self._log:
                self._log.append(record)
            self.counters.rows += len(ids)
            self.counters.extra_fields += surplus
            self.counters.unseen_categories += unseen
        return answer, ids

    def feedback(self, body: bytes) -> int:
        """Log outcomes, ``{"id": …, "outcome": …}`` or a list of them; nothing unless all fit. Give their number.

        They are only safe once `settle_feedback` returned.
        """
        content = self._json(body)
        items = content if isinstance(content, list) else [content]
        at = time.time_ns() // 1000
        outcomes = [self._outcome(item, row, at) for row, item in enumerate(items)]
        if self._log is None:
            raise OSError("this server has no log")
        for outcome in outcomes:
            self._log.append(self._pack(outcome))
        with self._guard:
            self.counters.feedback += len(outcomes)
        return len(outcomes)

    def settle_feedback(self) -> None:
        """Wait until the disk has what was logged; may run in another thread."""
        if self._log:
            self._log.sync()

    def _outcome(self, item: object, row: int, at: int) -> Outcome:
        signature = self.loaded.model.signature
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or "outcome" not in item:
            raise RequestError(
                "It is not an id with an outcome.",
                code="feedback.shape",
                row=row,
                allowed=['{"id": "…", "outcome": …}'],
            )
        value = item["outcome"]
        try:
            text = text_of(value) if signature.classes or isinstance(value, str) else repr(float(value))
            fits = text in signature.classes if signature.classes else np.isfinite(float(text))
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise RequestError(
                f"The outcome {value!r} is not one the model knows.",
                code="feedback.outcome",
                row=row,
                field="outcome",
                allowed=signature.classes or ["a finite number"],
            )
        return Outcome(at, item["id"], text)

    def _rows(self, loaded: Loaded, body: bytes) -> list[Any]:
        content = self._json(body)
        if isinstance(content, dict | list):
            return rows_of(content, loaded.model.signature)
        raise MalformedError(
            "The body holds no rows.",
            code="request.json",
            allowed=['{"rows": [{…}, …]}', "[{…}, …]", "{…}"],
        )

    def _json(self, body: bytes) -> Any:
        try:
            return self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedError(f"The body is not JSON: {error}", code="request.json") from None


def _record(at: int, ids: list[str], numbers: np.ndarray, texts: list[str], answer: Answer) -> Predicted:
    if answer.label is None:
        return Predicted(at, ids, numbers.tobytes(), texts, [], answer.value.tobytes())  # type: ignore[union-attr]
    return Predicted(at, ids, numbers.tobytes(), texts, answer.label.tolist(), answer.probabilities.tobytes())  # type: ignore[union-attr]


def _predictions(loaded: Loaded, answer: Answer, ids: list[str]) -> list[dict[str, object]]:
    """One object per row; ``probability`` is that of the label given."""
    if answer.label is None or answer.probabilities is None:
        values = answer.value.ravel().tolist() if answer.value is not None else []
        return [{"id": name, "value": value} for name, value in zip(ids, values, strict=True)]
    classes = loaded.model.signature.classes
    return [
        {
            "id": name,
            "label": classes[label],
            "probability": row[label],
            "probabilities": dict(zip(classes, row, strict=True)),
        }
        for name, label, row in zip(ids, answer.label.tolist(), answer.probabilities.tolist(), strict=True)
    ]
