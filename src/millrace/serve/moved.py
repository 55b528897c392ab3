"""What moved an answer, for those who ask for it with `?explain=true`: what each field adds to it.

A field's part is the answer minus the answer to the same row without knowing this field (occlusion; Robnik-Šikonja and
Kononenko, 2008, "Explaining classifications for individual instances"). A field that the model needs is set to the
middle of what was seen in training instead. Fields that say the same thing hide each other: the parts need not add up.
"""

from __future__ import annotations

import numpy as np

from millrace.errors import RequestError
from millrace.inference.model import Model
from millrace.records.fit import Answer
from millrace.records.signature import Field

#: A row is answered once more for each field.
MOST_ROWS = 100


def moved_by(model: Model, numbers: np.ndarray, texts: np.ndarray, answer: Answer) -> list[dict[str, float]]:
    """For each row the parts of its fields in the probability of the label given, or in the value; largest first.

    Fields without any part are left out. Raises `RequestError` for more than `MOST_ROWS` rows.
    """
    rows = len(numbers)
    if not rows:
        return []
    if rows > MOST_ROWS:
        raise RequestError(
            f"{rows} rows were to be explained.", code="request.explain", allowed=[f"up to {MOST_ROWS} rows at once"]
        )
    fields = (*model.signature.numbers, *model.signature.texts)
    without_numbers, without_texts = (np.tile(matrix, (len(fields), 1)) for matrix in (numbers, texts))
    for place, field in enumerate(fields):
        these = slice(place * rows, (place + 1) * rows)
        if field.numeric:
            without_numbers[these, place] = _usual_number(field)
        else:
            without_texts[these, place - numbers.shape[1]] = _usual_text(field)
    given = _of_label(answer, answer)
    other = _of_label(model.answer(without_numbers, without_texts), answer).reshape(len(fields), rows)
    return [_largest_first(fields, (given[row] - other[:, row]).tolist()) for row in range(rows)]


def _of_label(answer: Answer, given: Answer) -> np.ndarray:
    """The values, or the probabilities of the labels that were given; float64, a block of rows for each field."""
    if answer.probabilities is None or given.label is None:
        return np.asarray(answer.value, dtype=np.float64).ravel()
    labels = np.tile(given.label, len(answer.probabilities) // len(given.label))
    return np.asarray(answer.probabilities[np.arange(len(labels)), labels], dtype=np.float64)


def _usual_number(field: Field) -> float:
    if field.required and field.low is not None and field.high is not None:
        return (field.low + field.high) / 2
    return float("nan")


def _usual_text(field: Field) -> str:
    return field.categories[0] if field.required and field.categories else ""


def _largest_first(fields: tuple[Field, ...], parts: list[float]) -> dict[str, float]:
    named = [(field.name, part) for field, part in zip(fields, parts, strict=True) if part]
    return dict(sorted(named, key=lambda one: -abs(one[1])))
