"""The last step of somebody's pipeline as a graph: probabilities or a value, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from millrace.errors import PackageError
from millrace.package.encoders.base import columns
from millrace.package.estimators.base import family
from millrace.package.graph import WRITERS
from millrace.package.own.columns import Column, Given, Traced, Writing, numbered, refuse
from millrace.package.own.converted import converted
from millrace.package.own.steps import transformed

#: These cast what they are given to float32 themselves.
_SINGLE = ("RandomForest", "ExtraTrees", "DecisionTree", "GradientBoosting")


def answered(writing: Writing, path: str, estimator: Any, taken: Sequence[Column], classes: int) -> str:
    """The answer, float64: ``[rows, 1]`` of a value or a positive class, ``[rows, classes]`` of more.

    Raises `PackageError` naming the step that no graph can hold.
    """
    match family(estimator):
        case "sklearn.Pipeline":
            given = tuple(taken)
            for name, step in estimator.steps[:-1]:
                given = transformed(writing, _below(path, name), step, given)
            name, last = estimator.steps[-1]
            return answered(writing, _below(path, name), last, given, classes)
        case "sklearn.GridSearchCV" | "sklearn.RandomizedSearchCV":
            return answered(writing, path, estimator.best_estimator_, taken, classes)
        case "sklearn.TunedThresholdClassifierCV" | "sklearn.FixedThresholdClassifier":
            return answered(writing, path, estimator.estimator_, taken, classes)
        case "sklearn.VotingClassifier" | "sklearn.VotingRegressor":
            return _voted(writing, path, estimator, taken, classes)
    value = _written(writing, path, estimator, taken, classes)
    given = numbered(value, classes if classes > 2 else 1, path)
    writing.traces.append(Traced(path, estimator, tuple(taken), given))
    return value


def _voted(writing: Writing, path: str, estimator: Any, taken: Sequence[Column], classes: int) -> str:
    if classes and estimator.voting != "soft":
        raise refuse(path, "it counts votes, which are no probabilities; voting='soft' gives some")
    names = [name for name, one in estimator.estimators if not (isinstance(one, str) and one == "drop")]
    members = [
        answered(writing, _below(path, name), one, taken, classes)
        for name, one in zip(names, estimator.estimators_, strict=True)
    ]
    given = estimator.weights or [1.0] * len(estimator.estimators)
    kept = [
        weight
        for weight, (_, one) in zip(given, estimator.estimators, strict=True)
        if not (isinstance(one, str) and one == "drop")
    ]
    nodes, total = writing.nodes, float(sum(kept))
    shares = [
        nodes.add("Mul", member, nodes.constant(np.array(weight / total)))
        for member, weight in zip(members, kept, strict=True)
    ]
    return shares[0] if len(shares) == 1 else nodes.add("Sum", *shares)


def _written(writing: Writing, path: str, estimator: Any, taken: Sequence[Column], classes: int) -> str:
    if classes and not hasattr(estimator, "predict_proba"):
        raise refuse(path, f"{type(estimator).__name__} gives no probabilities; CalibratedClassifierCV makes some")
    value = writing.matrix(taken, path)
    if taken[0].text:
        raise refuse(path, f"{type(estimator).__name__} is given texts ({taken[0].name}); encode them in a step before")
    kind = type(estimator).__name__
    single = kind.startswith(_SINGLE)  # HistGradientBoosting begins otherwise, and takes float64
    given = Given(writing.nodes, value, len(taken), single=single)
    writer = next((one for one in WRITERS[:-1] if one.accepts(estimator)), None)
    if writer is None:
        return _converted(writing, path, estimator, value, len(taken), classes)
    try:
        return writer.write(estimator, given, classes)  # type: ignore[arg-type]  # a matrix by what it has
    except PackageError as error:
        raise refuse(path, error.seen.rstrip(".")) from error


def _converted(writing: Writing, path: str, estimator: Any, value: str, width: int, classes: int) -> str:
    nodes, options = writing.nodes, {"zipmap": False} if classes else {}
    found, _ = converted(writing, path, estimator, value, width, text=False, options=options)
    if classes:
        return columns(nodes, found, [1], 2) if classes == 2 else found
    return nodes.add("Reshape", found, nodes.constant(np.array([-1, 1], np.int64)))


def _below(path: str, name: str) -> str:
    return f"{path} / {name}" if path else name
