"""Somebody's estimator as one graph, from the inputs of its signature to its answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from millrace.inference.columns import text_of
from millrace.package.graph import finished
from millrace.package.own.answers import answered
from millrace.package.own.columns import Column, Writing
from millrace.records.fit import Fit
from millrace.records.signature import Signature


def graph(writing: Writing, estimator: Any, fit: Fit) -> bytes:
    """The graph of `fit`, whose members' place `estimator` takes.

    Raises `PackageError` naming the step that no graph can hold.
    """
    return finished(writing.nodes, [answer(writing, estimator, fit.signature)], np.array([1.0]), fit)


def answer(writing: Writing, estimator: Any, signature: Signature) -> str:
    """What the estimator gives for the inputs of the signature, as `estimators.base.Writer.write` states it."""
    classes = 0 if signature.task == "regression" else len(signature.classes)
    given = answered(writing, "", estimator, _inputs(signature), classes)
    if flipped(estimator, signature):
        return writing.nodes.add("Sub", writing.nodes.constant(np.array(1.0)), given)
    return given


def flipped(estimator: Any, signature: Signature) -> bool:
    """Whether the estimator's second class is the signature's first."""
    return signature.task == "binary" and signature.classes[0] != text_of(plain(estimator.classes_[0]))


def plain(value: Any) -> Any:
    """A NumPy scalar as Python's own."""
    return value.item() if hasattr(value, "item") else value


def _inputs(signature: Signature) -> tuple[Column, ...]:
    numbers = {field.name: place for place, field in enumerate(signature.numbers)}
    texts = {field.name: place for place, field in enumerate(signature.texts)}
    return tuple(
        Column("numbers", numbers[field.name], len(numbers), text=False, name=field.name)
        if field.numeric
        else Column("texts", texts[field.name], len(texts), text=True, name=field.name)
        for field in signature.inputs
    )
