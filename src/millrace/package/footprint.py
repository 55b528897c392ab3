"""How long a graph takes for one row, and how large it is: measured on what would be packed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from time import perf_counter

import onnxruntime
import polars as pl

from millrace.package.frame import matrices
from millrace.package.graph import build
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit, Member
from millrace.records.footprint import Footprint
from millrace.records.signature import Signature

_WARM, _TIMED = 5, 60


def footprint(members: Sequence[Member], signature: Signature, rows: pl.DataFrame) -> Footprint:
    """What these members together cost, asked for single rows of `rows` one after the other."""
    nothing, task = pl.DataFrame(), signature.task
    threshold = 0.5 if task == "binary" else None
    graph = build(Fit(signature, tuple(members), threshold, Evaluation(task, {}, "", 0), nothing, nothing, Answer()))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    seconds = []
    for turn in range(_WARM + _TIMED):
        numbers, texts = matrices(rows[turn % rows.height], signature)
        given = {"numbers": numbers, "texts": texts}
        feeds = {taken.name: given[taken.name] for taken in session.get_inputs()}
        began = perf_counter()
        session.run(None, feeds)
        seconds.append(perf_counter() - began)
    return Footprint(1000 * median(seconds[_WARM:]), len(graph) / 1e6)
