"""Which step of somebody's pipeline gives something else than its graph."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
from onnx import TensorProto, helper

from millrace.errors import ParityError
from millrace.package.frame import matrices
from millrace.package.graph import checked, graph_inputs
from millrace.package.nodes import Nodes
from millrace.package.own.columns import Traced, Writing
from millrace.package.own.whole import answer
from millrace.package.parity import TOLERANCE, Comparison
from millrace.records.fit import Fit
from millrace.records.signature import Signature

#: How many differing rows are looked into to name the step at fault.
_EXAMINED = 50


def explained(kind: str, rows: pl.DataFrame, found: Comparison, fit: Fit, estimator: Any) -> ParityError:
    """The error that says how far the graph is from the estimator, and in which step the difference arises."""
    wrong = np.flatnonzero(found.wrong)
    worst = int(wrong[found.difference[wrong].argmax()])
    step = _culprit(rows[wrong[:_EXAMINED].tolist()], fit, estimator)
    return ParityError(
        f"The graph differs from the estimator in {len(wrong)} of {rows.height} {kind}s, most in {kind} {worst}: "
        f"by {found.difference[worst]:.3g} where {TOLERANCE:g} is allowed. {step} No package was written.",
        where="package",
        next_step="replace the step, or fit the pipeline without it",
    )


def _culprit(rows: pl.DataFrame, fit: Fit, estimator: Any) -> str:
    """The first step that gives something else than its graph for what its graph was given."""
    writing = Writing(Nodes())
    answer(writing, estimator, fit.signature)
    for place, trace in enumerate(writing.traces):
        if _at_fault(writing, place, trace, rows, fit.signature):
            return f"It arises in step {trace.path or type(trace.step).__name__} ({type(trace.step).__name__})."
    return "It arises between the steps, in the choice or order of columns."


def _at_fault(writing: Writing, place: int, trace: Traced, rows: pl.DataFrame, signature: Signature) -> bool:
    try:
        taken, given = _parts(writing, place, trace, rows, signature)
        expected = _said(trace.step, taken, given.shape[1])
    except Exception:  # noqa: BLE001 - a step that answers no arrays by itself cannot be asked
        return False
    return expected.shape != given.shape or _apart(expected, given)


def _said(step: Any, taken: np.ndarray, width: int) -> np.ndarray:
    """What a step itself gives; of two classes' probabilities the second's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(step, "predict_proba"):
            return np.asarray(step.predict_proba(taken), np.float64)[:, -width:]
        said = step.transform(taken) if hasattr(step, "transform") else step.predict(taken)
    dense = said.toarray() if hasattr(said, "toarray") else np.asarray(said)
    return dense.reshape(len(taken), -1)


def _apart(expected: np.ndarray, given: np.ndarray) -> bool:
    if object in (expected.dtype, given.dtype):
        return bool((expected.astype(str) != given.astype(str)).any())
    theirs, mine = expected.astype(np.float64), given.astype(np.float64)
    near = np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return not bool(near.all())


def _parts(
    writing: Writing, place: int, trace: Traced, rows: pl.DataFrame, signature: Signature
) -> tuple[np.ndarray, np.ndarray]:
    """What the graph of a step was given for some rows, and what it gave; missing texts as None."""
    nodes, outputs = writing.nodes, []
    for kind, some in (("taken", trace.taken), ("given", trace.given)):
        nodes.name(writing.matrix(some, trace.path), f"{kind}_{place}")
        element = TensorProto.STRING if some[0].text else TensorProto.DOUBLE
        outputs.append(helper.make_tensor_value_info(f"{kind}_{place}", element, ["rows", len(some)]))
    model = nodes.model(graph_inputs(signature), outputs)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(checked(model), options, providers=["CPUExecutionProvider"])
    numbers, texts = matrices(rows, signature)
    matrix = {"numbers": numbers, "texts": texts}
    taken, given = session.run(None, {one.name: matrix[one.name] for one in session.get_inputs()})
    if taken.dtype == object:
        taken = np.where(taken == "", None, taken)
    return taken, given
