"""Somebody's preprocessing as a graph: containers are walked, known steps written, the others converted by skl2onnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from millrace.package.estimators.base import family
from millrace.package.own.categories import encoded
from millrace.package.own.columns import Column, Traced, Writing, numbered, refuse
from millrace.package.own.converted import converted
from millrace.package.own.scalers import STEPS, chosen


def transformed(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """What `step` gives for the columns it takes. Raises `PackageError` naming the step that no graph can hold."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return tuple(taken)
    match family(step):
        case "sklearn.Pipeline":
            given = tuple(taken)
            for name, inner in step.steps:
                given = transformed(writing, _below(path, name), inner, given)
            return given
        case "sklearn.ColumnTransformer":
            return _by_columns(writing, path, step, taken)
        case "sklearn.FeatureUnion":
            return _side_by_side(writing, path, step, taken)
    given = _leaf(writing, path, step, taken)
    writing.traces.append(Traced(path, step, tuple(taken), given))
    return given


def _leaf(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    if not taken:
        return ()
    if hasattr(step, "categories_") and hasattr(step, "transform"):
        return encoded(writing, path, step, taken)
    if hasattr(step, "get_support"):
        return chosen(writing, path, step, taken)
    known = STEPS.get(family(step))
    return known(writing, path, step, taken) if known else _converted(writing, path, step, taken)


def _by_columns(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    names = list(getattr(step, "feature_names_in_", [column.name for column in taken]))
    given: list[Column] = []
    for name, inner, wanted in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        places = _places(wanted, names, _below(path, name))
        given += transformed(writing, _below(path, name), inner, [taken[place] for place in places])
    return tuple(given)


def _places(wanted: Any, names: list[str], path: str) -> list[int]:
    """Where the columns stand that a `ColumnTransformer` names by name, place, slice or mask."""
    if isinstance(wanted, str | int | np.integer):
        wanted = [wanted]
    if isinstance(wanted, slice):
        if isinstance(wanted.start, str) or isinstance(wanted.stop, str):
            raise refuse(path, "it names its columns by a slice of names")
        return list(range(len(names)))[wanted]
    listed = list(wanted)
    if listed and all(isinstance(one, bool | np.bool_) for one in listed):
        return [place for place, taken in enumerate(listed) if taken]
    return [names.index(one) if isinstance(one, str) else int(one) for one in listed]


def _side_by_side(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    if step.transformer_weights:
        raise refuse(path, "it weighs its parts")
    given: list[Column] = []
    for name, inner in step.transformer_list:
        if not (isinstance(inner, str) and inner == "drop"):
            given += transformed(writing, _below(path, name), inner, taken)
    return tuple(given)


def _converted(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    matrix = writing.matrix(taken, path)
    value, text = converted(writing, path, step, matrix, len(taken), text=taken[0].text, options={})
    return numbered(value, _width(step, taken, path), path, text=text)


def _width(step: Any, taken: Sequence[Column], path: str) -> int:
    try:
        return len(step.get_feature_names_out())
    except (AttributeError, ValueError, TypeError):
        try:
            return len(step.get_feature_names_out([f"x{i}" for i in range(len(taken))]))
        except (AttributeError, ValueError, TypeError) as error:
            raise refuse(path, "it does not say how many columns it gives") from error


def _below(path: str, name: str) -> str:
    return f"{path} / {name}" if path else name
