"""One row through a graph, over memory that the graph is bound to once.

Most requests ask for one row. Making the inputs and outputs of a run anew then costs about as much as the run of a
usual graph, so here the numbers are written to where the graph reads them, and the scores read from where it writes.
ONNX Runtime binds no texts: a graph that takes some is run as always.
"""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnxruntime


class One(NamedTuple):
    """The answer to one row, beside the row as the graph read it.

    `numbers` are float64 and `raw` float32, both as bytes; `scores` are what `raw` holds: the probability of each
    class, or the value alone. `label` is the index of a class, None for a value.
    """

    numbers: bytes
    texts: list[str]
    label: int | None
    scores: list[float]
    raw: bytes


class Single:
    """Answers one row at a time as `session` answers many; several threads wait for each other.

    `numbers` and `texts` are how many fields of each kind the graph takes; `outputs` are ``value``, or ``label`` and
    ``probabilities``.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        numbers: int,
        texts: int,
        outputs: Sequence[str],
        options: onnxruntime.RunOptions,
    ) -> None:
        self._split, self._has_texts = numbers, texts > 0
        self._numbers, self._texts = np.zeros((1, numbers)), np.full((1, texts), "", dtype=object)
        self._memory = self._numbers.data
        self._pack = struct.Struct(f"{numbers}d").pack_into
        self._guard = threading.Lock()
        feed = {"numbers": self._numbers} if numbers else {}
        if texts:
            feed["texts"] = self._texts
        bound = None if texts else _bound(session, self._numbers, outputs, options)
        self._run: Callable[[], Sequence[np.ndarray]] = bound or (lambda: session.run(outputs, feed, options))

    def answer(self, values: tuple[Any, ...]) -> One:
        """The answer to one row: its numbers, None where one is missing, then its texts, as `Direct.rows` gives them.

        Raises OverflowError for a whole number that is too large to be a float.
        """
        texts = [text or "" for text in values[self._split :]] if self._has_texts else []
        numbers = values[: self._split] if self._has_texts else values
        with self._guard:
            try:
                self._pack(self._memory, 0, *numbers)
            except struct.error:
                self._pack(self._memory, 0, *[math.nan if number is None else float(number) for number in numbers])
            if texts:
                self._texts[0] = texts
            found = self._run()
            scores = found[-1]
            label = found[0].item(0) if len(found) > 1 else None
            return One(self._numbers.tobytes(), texts, label, scores.ravel().tolist(), scores.tobytes())


def _bound(
    session: onnxruntime.InferenceSession,
    numbers: np.ndarray,
    outputs: Sequence[str],
    options: onnxruntime.RunOptions,
) -> Callable[[], Sequence[np.ndarray]] | None:
    """A run from the memory of `numbers` to memory of its own; None for a graph that does not say the same so."""
    binding = session.io_binding()
    try:
        expected = session.run(outputs, {"numbers": numbers}, options)
        places = [np.zeros_like(array) for array in expected]
        for bind, name, place in (
            (binding.bind_input, "numbers", numbers),
            *((binding.bind_output, *pair) for pair in zip(outputs, places, strict=True)),
        ):
            bind(name, "cpu", 0, place.dtype.type, place.shape, place.ctypes.data)
        session.run_with_iobinding(binding, options)
    except Exception:  # noqa: BLE001 - onnxruntime's errors share no base class; what cannot be bound is run as always
        return None
    if not all(np.array_equal(*pair, equal_nan=True) for pair in zip(places, expected, strict=True)):
        return None

    def run() -> Sequence[np.ndarray]:
        session.run_with_iobinding(binding, options)
        return places

    return run
