"""What `/feedback` brings: outcomes of predictions, each checked against what the model can say."""

from __future__ import annotations

import numpy as np

from millrace.errors import RequestError
from millrace.inference.columns import text_of
from millrace.records.signature import Signature
from millrace.store.log_entries import Outcome


def outcomes_of(content: object, signature: Signature, at: int) -> list[Outcome]:
    """One outcome, ``{"id": …, "outcome": …}``, or a list of them, told `at` µs since 1970.

    Raises `RequestError` for the first that does not fit.
    """
    items = content if isinstance(content, list) else [content]
    return [_outcome(item, row, signature, at) for row, item in enumerate(items)]


def _outcome(item: object, row: int, signature: Signature, at: int) -> Outcome:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or "outcome" not in item:
        raise RequestError(
            "It is not an id with an outcome.", code="feedback.shape", row=row, allowed=['{"id": "…", "outcome": …}']
        )
    value = item["outcome"]
    try:
        text = text_of(value) if signature.classes or isinstance(value, str) else repr(float(value))
        fits = text in signature.classes if signature.classes else np.isfinite(float(text))
    except (TypeError, ValueError, OverflowError):
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
