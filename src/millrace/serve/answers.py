"""What a model said, row by row: as objects for JSON, and taken apart where several requests shared a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from millrace.records.fit import Answer
from millrace.serve.lanes import Loaded


def apart(loaded: Loaded, reads: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Answer]:
    """The answers to some matrices, from one run of the graph."""
    if not reads:
        return []
    numbers, texts = (np.concatenate(matrices) for matrices in zip(*reads, strict=True))
    whole = loaded.model.answer(numbers, loaded.personal.texts(texts))
    ends = np.cumsum([len(part) for part, _ in reads]).tolist()
    return [
        Answer(
            label=None if whole.label is None else whole.label[start:end],
            probabilities=None if whole.probabilities is None else whole.probabilities[start:end],
            value=None if whole.value is None else whole.value[start:end],
        )
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def predictions_of(loaded: Loaded, answer: Answer, ids: list[str]) -> list[dict[str, object]]:
    """One object per row."""
    if answer.label is None or answer.probabilities is None:
        values = answer.value.ravel().tolist() if answer.value is not None else []
        return [{"id": name, "value": value} for name, value in zip(ids, values, strict=True)]
    classes = loaded.model.signature.classes
    rows = zip(ids, answer.label.tolist(), answer.probabilities.tolist(), strict=True)
    return [prediction_of(classes, name, label, row) for name, label, row in rows]


def prediction_of(classes: Sequence[str], name: str, label: int | None, scores: Sequence[float]) -> dict[str, object]:
    """What is said of one row; ``probability`` is that of the label given, which is None for a value."""
    if label is None:
        return {"id": name, "value": scores[0]}
    return {
        "id": name,
        "label": classes[label],
        "probability": scores[label],
        "probabilities": dict(zip(classes, scores, strict=True)),
    }
