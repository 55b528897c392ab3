"""A bare ONNX graph as a package: wrapped in what every package's graph takes and gives."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from onnx import TensorProto

from millrace.errors import UsageError, nearest
from millrace.package.api import Package
from millrace.package.own.bare import End, read
from millrace.package.own.described import described
from millrace.package.own.ends import Plan, asked, chosen, digest, same, wrapped
from millrace.package.own.judging import judged
from millrace.package.own.sample import Sample, fields_of
from millrace.package.parity import run
from millrace.package.stage import write
from millrace.profile.build import profile
from millrace.profile.file import encode
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit
from millrace.records.signature import Field, Signature
from millrace.store.objects import Store

#: How many rows are made to try a graph for which there is no sample.
_TRIED = 64
_NUMBERS = frozenset((TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16))
_WHOLE = frozenset((TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL))


def adopt(  # noqa: PLR0913 each is one thing that the graph cannot say
    graph: str | Path,
    signature: Signature | str | Path,
    *,
    name: str,
    store: str | Store = "store",
    sample: Any = None,
    truth: Any = None,
    threshold: float | None = None,
    output: str | None = None,
    logits: bool = False,
    metric: str = "auto",
) -> Package:
    """Write the ONNX model in the file `graph` as the next version of package `name`, and open it.

    `signature`, or the file it is written in, says what the graph takes and gives. Its inputs are one per field, by
    name, or matrices that take the numbers and the texts in order. Of its outputs the one is taken that fits the task,
    or the one named `output`; with `logits` a sigmoid or softmax follows. The package's answers are compared with the
    graph's own on the rows of `sample`, or on made ones, before it is written.

    With `sample`, rows such as it was trained on, the package has a profile that monitoring compares with, and with
    their `truth` (or a column of the target's name) metrics. Raises `PackageError` for a graph that a package cannot
    hold, `UsageError` where it does not fit the signature.
    """
    bare, where = read(graph), str(graph)
    signature = signature if isinstance(signature, Signature) else described(signature)
    plan = _planned(bare.inputs, signature.inputs, where)
    signature = replace(signature, inputs=_demanding(plan, signature.inputs))
    given = None if sample is None else Sample.of(sample, signature.target, truth)
    if given is not None:
        signature = replace(signature, inputs=_described(given.rows, signature.inputs))
    rows = _made(signature) if given is None else given.rows.select(field.name for field in signature.inputs)
    said = asked(bare, plan, rows, signature, where)
    told = said[chosen(bare, said, signature, output, where)]
    empty = Evaluation(signature.task, {}, "", 0)
    fit = Fit(signature, (), _threshold(signature, threshold), empty, rows, rows, Answer())
    written = wrapped(bare, plan, next(name for name in said if said[name] is told), told[:1].size, fit, logits=logits)
    answer = run(written, rows, signature)
    parity = same(answer, told, signature, where, logits=logits)
    fit = replace(fit, answer=answer)
    notes = ["Its graph was made elsewhere; Millrace compared nothing with the model that it was made from."]
    evaluation, more = judged(fit, None if given is None else given.truth, metric)
    now = datetime.now(UTC)
    _, info = write(
        replace(fit, evaluation=evaluation, notes=(*notes, *more)),
        store if isinstance(store, Store) else Store(store),
        written,
        parity,
        name=name,
        run=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        lineage={"imported from": {"producer": bare.model.producer_name or "unknown", **digest(graph)}},
        profile=None if given is None else encode(profile(rows, signature, answer=answer)),
    )
    return Package.load(info.path)


def _threshold(signature: Signature, threshold: float | None) -> float | None:
    if signature.task != "binary":
        return None
    return 0.5 if threshold is None else threshold


def _planned(inputs: Sequence[End], fields: Sequence[Field], where: str) -> Plan:
    """Which fields each input takes: those of its name, or the numbers and the texts in order."""
    known = {field.name: field for field in fields}
    plan: list[tuple[End, tuple[Field, ...]]] = []
    if {end.name for end in inputs} == known.keys():
        plan = [(end, (known[end.name],)) for end in inputs]
    else:
        waiting = {True: [f for f in fields if f.numeric], False: [f for f in fields if not f.numeric]}
        for end in inputs:
            left = waiting[end.element != TensorProto.STRING]
            width = end.shape[-1] if len(end.shape) > 1 and end.shape[-1] else len(left)
            taken, left[:] = tuple(left[:width]), left[width:]
            plan.append((end, taken if len(taken) == width else ()))
        if any(waiting.values()) or not all(taken for _, taken in plan):
            raise _misfit(inputs, fields, where)
    for end, taken in plan:
        kinds = _NUMBERS | _WHOLE if taken[0].numeric else {TensorProto.STRING}
        if end.element not in kinds:
            raise _misfit(inputs, fields, where)
    return plan


def _misfit(inputs: Sequence[End], fields: Sequence[Field], where: str) -> UsageError:
    kinds = TensorProto.DataType.Name
    taken = ", ".join(f"{end.name} {kinds(end.element).lower()}{list(end.shape)}" for end in inputs)
    return UsageError(
        f"The graph takes {taken}; the signature names {', '.join(f'{field.name} {field.type}' for field in fields)}.",
        where=where,
        code="package.import",
        allowed=["one input per field, of its name", "matrices as wide as there are numbers, and texts, in order"],
        next_step="mend `inputs` of the signature",
    )


def _demanding(plan: Plan, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields, those required that enter the graph as whole numbers, of which none says that it is missing."""
    whole = {field.name for end, taken in plan if end.element in _WHOLE for field in taken}
    return tuple(replace(field, required=field.required or field.name in whole) for field in fields)


def _described(rows: pl.DataFrame, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields with the ranges and categories of the sample."""
    missing = [field.name for field in fields if field.name not in rows.columns]
    if missing:
        raise UsageError(
            f"The sample has no column {missing[0]}.",
            where="package",
            code="package.sample",
            allowed=rows.columns,
            nearest=nearest(missing[0], rows.columns),
        )
    types = {field.name: field.type for field in fields}
    seen = fields_of(rows.select(list(types)), types)
    return tuple(replace(one, required=field.required) for one, field in zip(seen, fields, strict=True))


def _made(signature: Signature) -> pl.DataFrame:
    """Rows to try a graph with, when there are none: numbers in the ranges stated, categories and an unknown text."""
    random = np.random.default_rng(0)
    made: dict[str, Any] = {}
    for field in signature.inputs:
        if not field.numeric:
            some = [*field.categories, "never seen"]
            made[field.name] = [some[i % len(some)] for i in range(_TRIED)]
            continue
        low, high = (field.low or 0.0), (1.0 if field.high is None else field.high)
        values = low + (high - low) * random.random(_TRIED)
        made[field.name] = np.rint(values) if field.type in ("integer", "boolean", "date") else values
    kinds = {"integer": pl.Int64, "boolean": pl.Boolean, "date": pl.Date}
    frame = pl.DataFrame(made)
    for field in signature.inputs:
        if field.type == "datetime":
            frame = frame.with_columns(pl.from_epoch(pl.col(field.name).cast(pl.Int64), "s"))
        elif field.type in kinds:
            frame = frame.with_columns(pl.col(field.name).cast(pl.Int32).cast(kinds[field.type]))
    return frame
