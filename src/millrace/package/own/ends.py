"""Both ends of a bare graph: what it is fed with, and what is made of its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
from onnx import TensorProto, helper

from millrace.errors import PackageError, ParityError, UsageError, nearest
from millrace.package.encoders.base import columns
from millrace.package.frame import matrices
from millrace.package.graph import finished
from millrace.package.nodes import Nodes
from millrace.package.own.bare import Bare, End
from millrace.package.parity import TOLERANCE, Parity
from millrace.records.fit import Answer, Fit
from millrace.records.signature import Field, Signature

#: Which fields an input takes, in order.
Plan = Sequence[tuple[End, tuple[Field, ...]]]


def asked(bare: Bare, plan: Plan, rows: pl.DataFrame, signature: Signature, where: str) -> Mapping[str, np.ndarray]:
    """What the graph itself gives for `rows`, by output. Raises `PackageError` when it cannot be run."""
    numbers, texts = matrices(rows, signature)
    feeds = {}
    for end, fields in plan:
        matrix, places = _source(fields, signature)
        whole = (numbers if matrix == "numbers" else texts)[:, places]
        kind = helper.tensor_dtype_to_np_dtype(end.element)
        with np.errstate(invalid="ignore"):
            feeds[end.name] = whole.astype(kind).reshape(-1) if len(end.shape) == 1 else whole.astype(kind)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            bare.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        found = session.run([end.name for end in bare.outputs], feeds)
    except Exception as error:  # onnxruntime's errors share no base class
        raise PackageError(
            f"The graph cannot be run on {rows.height} rows: {str(error).splitlines()[0]}",
            where=where,
            code="package.import",
            next_step="export it with a first dimension that is free, and operators of ONNX alone",
        ) from error
    return dict(zip((end.name for end in bare.outputs), found, strict=True))


def chosen(bare: Bare, said: Mapping[str, np.ndarray], signature: Signature, output: str | None, where: str) -> str:
    """The output that answers: the one named, or the only one that fits. Raises `UsageError` when there is no one."""
    rows = max((len(one) for one in said.values() if np.ndim(one)), default=0)
    width = 1 if signature.task == "regression" else len(signature.classes)
    fitting = [name for name, one in said.items() if _fits(one, rows, width)]
    if output is not None:
        if output not in said:
            near = nearest(output, said)
            raise UsageError(f"The graph has no output {output}.", where=where, allowed=said, nearest=near)
        fitting = [output] if output in fitting else []
    if len(fitting) != 1:
        given = ", ".join(f"{name} {np.asarray(one).dtype}{list(np.shape(one))}" for name, one in said.items())
        wanted = "a number" if width == 1 else f"{width} probabilities"
        raise UsageError(
            f"The graph gives {given}, of which {len(fitting) or 'none'} can be {wanted} a row.",
            where=where,
            code="package.import",
            next_step="name the output with --output" if len(fitting) > 1 else "mend `task` and `classes`",
        )
    labels = bare.labels.get(fitting[0], ())
    if labels and labels != signature.classes:
        raise UsageError(
            f"The graph's classes are {', '.join(labels)}; the signature's are {', '.join(signature.classes)}.",
            where=where,
            code="package.import",
            next_step="write `classes` in the graph's order",
        )
    return fitting[0]


def _fits(one: np.ndarray, rows: int, width: int) -> bool:
    shape = np.shape(one)
    if np.asarray(one).dtype.kind != "f" or not shape or shape[0] != rows:
        return False
    wide = int(np.prod(shape[1:], dtype=np.int64))
    return wide == width or (width == 2 and wide == 1)


def wrapped(bare: Bare, plan: Plan, output: str, wide: int, fit: Fit, *, logits: bool) -> bytes:
    """The graph between the inputs and outputs that the signature states; `wide` is how wide its answer is."""
    nodes = Nodes(bare.opsets, bare.model.ir_version)
    feeds = {end.name: _fed(nodes, end, fields, fit.signature) for end, fields in plan}
    found = dict(zip((end.name for end in bare.outputs), nodes.paste(bare.model.graph, feeds), strict=True))[output]
    value = nodes.add("Cast", found, to=TensorProto.DOUBLE)
    value = nodes.add("Reshape", value, nodes.constant(np.array([-1, wide], np.int64)))
    if logits and fit.signature.classes:
        value = nodes.add("Sigmoid", value) if wide == 1 else nodes.add("Softmax", value, axis=-1)
    if fit.signature.task == "binary" and wide == 2:
        value = columns(nodes, value, [1], 2)
    return finished(nodes, [value], np.array([1.0]), fit)


def _source(fields: Sequence[Field], signature: Signature) -> tuple[str, list[int]]:
    kept = signature.numbers if fields[0].numeric else signature.texts
    names = [field.name for field in kept]
    return ("numbers" if fields[0].numeric else "texts"), [names.index(field.name) for field in fields]


def _fed(nodes: Nodes, end: End, fields: Sequence[Field], signature: Signature) -> str:
    matrix, places = _source(fields, signature)
    value = columns(nodes, matrix, places, len(signature.numbers if matrix == "numbers" else signature.texts))
    if matrix == "numbers":
        value = nodes.add("Cast", value, to=end.element)
    return nodes.add("Reshape", value, nodes.constant(np.array([-1], np.int64))) if len(end.shape) == 1 else value


def same(answer: Answer, said: np.ndarray, signature: Signature, where: str, *, logits: bool) -> Parity:
    """How far the package's answers are from the graph's own.

    Raises `UsageError` when the graph's are no probabilities, `ParityError` when they differ.
    """
    theirs = np.asarray(said, np.float64).reshape(len(said), -1)
    if not signature.classes:
        mine = np.asarray(answer.value, np.float64).reshape(-1, 1)
        size = np.maximum(np.abs(theirs), 1e-12)
        difference = np.abs(mine - theirs) / size
    else:
        theirs = _probabilities(theirs, where, logits=logits)
        difference = np.abs(np.asarray(answer.probabilities, np.float64) - theirs)
    largest = float(np.nan_to_num(difference, nan=0.0).max(initial=0.0))
    if largest > TOLERANCE:
        raise ParityError(
            f"The package would answer otherwise than the graph, by {largest:.3g}. No package was written.", where=where
        )
    return Parity(largest, len(theirs), 0)


def _probabilities(theirs: np.ndarray, where: str, *, logits: bool) -> np.ndarray:
    """The graph's own answers as probabilities of every class, float64."""
    if logits:
        if theirs.shape[1] == 1:
            theirs = 1.0 / (1.0 + np.exp(-theirs))
        else:
            grown = np.exp(theirs - theirs.max(axis=1, keepdims=True))
            theirs = grown / grown.sum(axis=1, keepdims=True)
    if theirs.shape[1] == 1:
        theirs = np.hstack([1.0 - theirs, theirs])
    if (np.abs(theirs.sum(axis=1) - 1) > 1e-3).any() or (theirs < -1e-6).any() or (theirs > 1 + 1e-6).any():
        raise UsageError(
            f"The graph's answers are no probabilities: they reach from {theirs.min():.4g} to {theirs.max():.4g}.",
            where=where,
            code="package.import",
            next_step="say --logits if they are the scores before a sigmoid or softmax",
        )
    return theirs


def digest(graph: str | Path) -> Mapping[str, str]:
    """The file's name and SHA-256, for the lineage."""
    path = Path(graph)
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
