"""Anybody's labels and scores, as lists, arrays or series, brought into the shape that judging takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from millrace.errors import UsageError, nearest
from millrace.records.fit import Answer
from millrace.records.signature import Signature, Task

WHERE = "evaluate"
_TASKS = ("auto", "binary", "multiclass", "regression")
#: Whole numbers with more distinct values than this are taken as amounts, not as classes.
_MOST_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Raw:
    """What was given, understood: truth as indices or values, the answer, and the signature it fits."""

    truth: np.ndarray
    answer: Answer
    signature: Signature


def understand(y_true: Any, y_score: Any, *, positive: Any, labels: Any, task: str) -> Raw:
    """Check and convert; every mismatch is a `UsageError` that says what was seen."""
    truth, score = _column(y_true, "y_true"), _array(y_score, "y_score")
    if score.ndim > 2:
        raise UsageError(f"y_score has {score.ndim} dimensions.", where=WHERE, allowed=("[rows]", "[rows, classes]"))
    if len(truth) != len(score):
        raise UsageError(f"y_true has {len(truth):,} rows and y_score {len(score):,}.", where=WHERE)
    if task not in _TASKS:
        raise UsageError(f"`{task}` is not a task.", where=WHERE, allowed=_TASKS, nearest=nearest(task, _TASKS))
    _no_gaps(truth, "y_true")
    _no_gaps(score, "y_score")
    if task == "regression" or (task == "auto" and labels is None and _amounts(truth, score)):
        return Raw(_numbers(truth, "y_true"), Answer(value=_numbers(score, "y_score")), _signature("regression", ()))
    return _classified(truth, score, positive, labels, task)


def _classified(truth: np.ndarray, score: np.ndarray, positive: Any, labels: Any, task: str) -> Raw:
    classes = _classes(truth, score, labels)
    found: Task = "binary" if task == "binary" or (task == "auto" and len(classes) == 2) else "multiclass"
    if found == "binary" and len(classes) != 2:
        raise UsageError(
            f"A binary problem has two classes, here are {len(classes)}: {', '.join(classes[:8])}.",
            where=WHERE,
            next_step="pass labels=[negative, positive], or task='multiclass'",
        )
    hard = score.ndim == 1 and _hard(score, classes)
    if found == "binary":
        positive_class = _positive(truth, positive, labels, classes, needed=not hard and score.ndim == 1)
        negative = next(name for name in classes if name != positive_class)
        if score.ndim == 2 and score.shape[1] == 2 and classes != (negative, positive_class):
            score = score[:, ::-1]
        classes = (negative, positive_class)
    signature = _signature(found, classes)
    answer = Answer(label=_indices(score, classes, "y_score")) if hard else _chances(score, classes)
    return Raw(_indices(truth, classes, "y_true"), answer, signature)


def _signature(task: Task, classes: tuple[str, ...]) -> Signature:
    return Signature(task, "y_true", (), classes, classes[1] if task == "binary" else None)


def _array(given: Any, name: str) -> np.ndarray:
    array = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given)
    if array.ndim == 0:
        raise UsageError(f"{name} is a single {type(given).__name__}, not a column.", where=WHERE)
    if len(array) < 2:
        raise UsageError(f"{name} has {len(array)} rows; a judgement needs two at least.", where=WHERE)
    return array


def _column(given: Any, name: str) -> np.ndarray:
    array = _array(given, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise UsageError(f"{name} has the shape {array.shape}.", where=WHERE, allowed=("[rows]",))
    return array


def _no_gaps(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "f":
        gaps = ~np.isfinite(array)
    elif array.dtype.kind == "O":
        # Only NaN differs from itself.
        gaps = np.array([value is None or value != value for value in array.flat]).reshape(array.shape)  # noqa: PLR0124
    else:
        return
    if gaps.any():
        first = int(np.argwhere(gaps)[0][0])
        raise UsageError(
            f"{name} has {int(gaps.sum()):,} missing or infinite values, the first in row {first}.",
            where=WHERE,
            next_step="drop or fill these rows before judging",
        )


def _amounts(truth: np.ndarray, score: np.ndarray) -> bool:
    """Whether the truth is a quantity rather than a class."""
    if score.ndim == 2 or truth.dtype.kind not in "iuf":
        return False
    if truth.dtype.kind == "f" and (truth != np.floor(truth)).any():
        return True
    distinct = np.unique(truth)
    if len(distinct) > _MOST_CLASSES:
        return True
    chances = score.dtype.kind == "f" and score.min() >= 0 and score.max() <= 1
    return not (len(distinct) <= 2 and chances) and not np.isin(score, distinct).all()


def _numbers(array: np.ndarray, name: str) -> np.ndarray:
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} holds values that are not numbers: {error}.", where=WHERE) from error


def _names(array: np.ndarray) -> np.ndarray:
    """Distinct values as text, with whole floats written like integers, and each row's place among them."""
    if array.dtype.kind == "f" and (array == np.floor(array)).all():
        array = array.astype(np.int64)
    return np.array([str(value) for value in array.tolist()], dtype=object)


def _classes(truth: np.ndarray, score: np.ndarray, labels: Any) -> tuple[str, ...]:
    if labels is not None:
        return tuple(_names(np.asarray(labels)).tolist())
    distinct = np.unique(truth)
    if score.ndim == 1 and score.dtype.kind in "OUSTbiu":
        distinct = _joined(distinct, np.unique(score))
    names = tuple(_names(distinct).tolist())
    if names in {("0",), ("1",)}:
        return ("0", "1")
    if score.ndim == 2 and score.shape[1] != len(names):
        raise UsageError(
            f"y_score has {score.shape[1]} columns but y_true has {len(names)} classes: {', '.join(names[:8])}.",
            where=WHERE,
            next_step="pass labels=[...] in the order of the columns",
        )
    return names


def _joined(true: np.ndarray, called: np.ndarray) -> np.ndarray:
    """The classes of both; labels that were called but never true are classes too, unless nothing fits."""
    names, strangers = _names(true).tolist(), _names(called).tolist()
    if not set(names) & set(strangers) and {true.dtype.kind, called.dtype.kind} - set("biu"):
        raise UsageError(
            f"None of the labels in y_score ({', '.join(strangers[:8])}) is in y_true ({', '.join(names[:8])}).",
            where=WHERE,
            next_step="pass labels of one kind, or labels=[...] to name all classes",
        )
    return np.unique(np.concatenate([true, called.astype(true.dtype, copy=False)]))


def _hard(score: np.ndarray, classes: tuple[str, ...]) -> bool:
    """Whether the scores are classes rather than probabilities."""
    if score.dtype.kind != "f" or len(classes) > 2:
        return True
    return bool(score.max() > 1) and set(_names(np.unique(score)).tolist()) <= set(classes)


def _positive(truth: np.ndarray, positive: Any, labels: Any, classes: tuple[str, ...], *, needed: bool) -> str:
    if positive is not None:
        name = str(_names(np.asarray([positive]))[0])
        if name not in classes:
            raise UsageError(f"`{name}` is not a class.", where=WHERE, allowed=classes, nearest=nearest(name, classes))
        return name
    if labels is not None or classes in {("0", "1"), ("False", "True"), ("-1", "1")}:
        return classes[1]
    if needed:
        raise UsageError(
            f"Which class do the scores speak of, `{classes[0]}` or `{classes[1]}`?",
            where=WHERE,
            next_step=f"pass positive={classes[1]!r} (or the other)",
        )
    counts = np.bincount(_indices(truth, classes, "y_true"), minlength=2)
    return classes[int(counts[1] <= counts[0])]


def _indices(array: np.ndarray, classes: tuple[str, ...], name: str) -> np.ndarray:
    distinct, place = np.unique(array, return_inverse=True)
    known = {label: i for i, label in enumerate(classes)}
    names = _names(distinct).tolist()
    unknown = [label for label in names if label not in known]
    if unknown:
        raise UsageError(
            f"{name} holds `{unknown[0]}`, which is not a class.",
            where=WHERE,
            allowed=classes,
            nearest=nearest(unknown[0], classes),
        )
    return np.array([known[label] for label in names], dtype=np.int64)[place]


def _chances(score: np.ndarray, classes: tuple[str, ...]) -> Answer:
    probabilities = score if score.dtype == np.float32 else _numbers(score, "y_score")
    if score.ndim == 2 and score.shape[1] != len(classes):
        raise UsageError(f"y_score has {score.shape[1]} columns for {len(classes)} classes.", where=WHERE)
    low, high = float(probabilities.min()), float(probabilities.max())
    if low < 0 or high > 1:
        raise UsageError(
            f"y_score lies in {low:.4g}…{high:.4g}; probabilities lie in 0…1.",
            where=WHERE,
            next_step="pass probabilities, or task='regression' for values",
        )
    if score.ndim == 1:
        probabilities = np.stack([1 - probabilities, probabilities], axis=1)
    return Answer(probabilities=probabilities)
