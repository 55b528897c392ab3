"""Steps on numbers that are written as they are computed, in float64; and scikit-learn's imputer for texts too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.own.columns import Column, Writing, numbered, refuse

#: NumPy's functions that a `FunctionTransformer` may apply, as operators of the graph.
_FUNCTIONS: Mapping[Any, tuple[str, ...]] = MappingProxyType(
    {np.log: ("Log",), np.sqrt: ("Sqrt",), np.exp: ("Exp",), np.abs: ("Abs",), np.negative: ("Neg",)}
)


def imputed(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`SimpleImputer`: missing values replaced, and columns that say where, if it adds them."""
    text = taken[0].text
    if not text and not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise refuse(path, f"it takes {step.missing_values!r} for missing")
    nodes, raw = writing.nodes, writing.matrix(taken, path)
    gone = nodes.add("Equal", raw, nodes.constant(np.array("", object))) if text else nodes.add("IsNaN", raw)
    kept = [i for i, value in enumerate(step.statistics_) if text or step.keep_empty_features or not np.isnan(value)]
    fill = np.array([step.statistics_[i] for i in kept], object if text else np.float64)[None, :]
    dense = nodes.add(
        "Where", _some(writing, gone, kept, len(taken)), nodes.constant(fill), _some(writing, raw, kept, len(taken))
    )
    found = numbered(dense, len(kept), path, text=text)
    if not step.add_indicator:
        return found
    flagged = [int(i) for i in step.indicator_.features_]
    flags = nodes.add("Cast", _some(writing, gone, flagged, len(taken)), to=TensorProto.DOUBLE)
    return (*found, *numbered(flags, len(flagged), f"{path} missing"))


def _some(writing: Writing, value: str, places: list[int], of: int) -> str:
    if places == list(range(of)):
        return value
    return writing.nodes.add("Gather", value, writing.nodes.constant(np.array(places, np.int64)), axis=1)


def standardized(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`StandardScaler` and `RobustScaler`: minus the centre, through the scale."""
    robust = hasattr(step, "center_")
    centre = step.center_ if robust else (step.mean_ if step.with_mean else None)
    return _affine(writing, path, taken, minus=centre, through=step.scale_)


def ranged(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`MinMaxScaler`: times a factor, plus an offset, and clipped if it clips."""
    nodes, value = writing.nodes, writing.matrix(taken, path)
    scaled = nodes.add("Mul", value, nodes.constant(np.asarray(step.scale_, np.float64)))
    scaled = nodes.add("Add", scaled, nodes.constant(np.asarray(step.min_, np.float64)))
    if step.clip:
        low, high = step.feature_range
        # Max and Min pass NaN on.
        scaled = nodes.add("Max", scaled, nodes.constant(np.array(float(low))))
        scaled = nodes.add("Min", scaled, nodes.constant(np.array(float(high))))
    return numbered(scaled, len(taken), path)


def shrunk(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`MaxAbsScaler`: through the scale."""
    return _affine(writing, path, taken, minus=None, through=step.scale_)


def applied(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`FunctionTransformer` of nothing, or of one of NumPy's plain functions."""
    if step.func is None:
        return tuple(taken)
    nodes, value = writing.nodes, writing.matrix(taken, path)
    if step.func is np.log1p:
        return numbered(nodes.add("Log", nodes.add("Add", value, nodes.constant(np.array(1.0)))), len(taken), path)
    if step.func not in _FUNCTIONS or step.kw_args:
        raise refuse(path, "it applies a function of your own, which no graph can hold")
    for operator in _FUNCTIONS[step.func]:
        value = nodes.add(operator, value)
    return numbered(value, len(taken), path)


def multiplied(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """`PolynomialFeatures`: products of as many columns as the degree, ones filling up."""
    nodes = writing.nodes
    padded = nodes.add("Pad", writing.matrix(taken, path), *_one_more(writing))
    factors = [[i for i, power in enumerate(powers) for _ in range(power)] for powers in step.powers_]
    degree = max(map(len, factors), default=0)
    filled = np.array([[*row, *[len(taken)] * (degree - len(row))] for row in factors], np.int64)
    product = nodes.add("Gather", padded, nodes.constant(filled[:, 0]), axis=1)
    for place in range(1, degree):
        product = nodes.add("Mul", product, nodes.add("Gather", padded, nodes.constant(filled[:, place]), axis=1))
    return numbered(product, len(factors), path)


def _one_more(writing: Writing) -> tuple[str, str]:
    """What makes `Pad` add a column of ones."""
    nodes = writing.nodes
    return nodes.constant(np.array([0, 0, 0, 1], np.int64)), nodes.constant(np.array(1.0))


def chosen(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:  # noqa: ARG001
    """Selectors of columns: those that stay."""
    return tuple(column for column, stays in zip(taken, step.get_support(), strict=True) if stays)


def _affine(writing: Writing, path: str, taken: Sequence[Column], *, minus: Any, through: Any) -> tuple[Column, ...]:
    nodes, value = writing.nodes, writing.matrix(taken, path)
    if minus is not None:
        value = nodes.add("Sub", value, nodes.constant(np.asarray(minus, np.float64)))
    if through is not None:
        value = nodes.add("Div", value, nodes.constant(np.asarray(through, np.float64)))
    return numbered(value, len(taken), path)


Step = Callable[[Writing, str, Any, Sequence[Column]], tuple[Column, ...]]
#: The steps that are written here, by family.
STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "sklearn.SimpleImputer": imputed,
        "sklearn.StandardScaler": standardized,
        "sklearn.RobustScaler": standardized,
        "sklearn.MinMaxScaler": ranged,
        "sklearn.MaxAbsScaler": shrunk,
        "sklearn.FunctionTransformer": applied,
        "sklearn.PolynomialFeatures": multiplied,
    }
)
