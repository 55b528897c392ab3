"""Somebody's fitted estimator as a package, once its graph was proved to give the same answers."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from millrace.errors import PackageError, UsageError
from millrace.inference.columns import text_of
from millrace.package.api import Package
from millrace.package.estimators.base import family
from millrace.package.nodes import Nodes
from millrace.package.own.columns import Writing
from millrace.package.own.explaining import explained
from millrace.package.own.judging import judged
from millrace.package.own.probing import varied
from millrace.package.own.sample import Sample, fields_of, signature_of
from millrace.package.own.whole import flipped, graph
from millrace.package.parity import Parity, compare, run
from millrace.package.stage import write
from millrace.profile.build import profile
from millrace.profile.file import encode
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit
from millrace.records.signature import Field, FieldType, Signature
from millrace.store.objects import Store

_NO_TYPES: Mapping[str, FieldType] = MappingProxyType({})


def build(  # noqa: PLR0913 each is one thing only its owner knows
    estimator: Any,
    sample: Any,
    *,
    name: str,
    store: str | Store = "store",
    target: str = "target",
    truth: Any = None,
    positive: Any = None,
    threshold: float | None = None,
    metric: str = "auto",
    types: Mapping[str, FieldType] = _NO_TYPES,
) -> Package:
    """Write a fitted estimator of scikit-learn's grammar as the next version of package `name`, and open it.

    The whole of it, preprocessing included, becomes one graph. Its answers are compared with the estimator's own on
    the rows of `sample`, and on rows at its split points and at the edges of its categories.

    Parameters
    ----------
    estimator
        Anything fitted with `predict`, and `predict_proba` for classes: most often a `Pipeline`.
    sample
        Rows like those it was fitted on, some hundreds of them: a Polars or pandas frame, or an array of numbers.
        They become the reference profile that monitoring compares with.
    store
        Where packages rest: a folder or URL, such as the `store` of a project.
    target, truth
        What the model predicts. Where `truth`, or else the column `target` of `sample`, has what is true of the rows,
        the package says how good the answers are. Use rows that the estimator was not fitted on.
    positive
        The class a binary model looks for; by default the second of its classes.
    threshold
        From which probability on it is called; by default the estimator's own, else 0.5.
    types
        Types of columns that are not what the sample makes them seem, such as whole numbers that may have decimals.

    Raises
    ------
    PackageError
        When a step cannot be written as a graph, by its name.
    ParityError
        When the graph's answers differ from the estimator's, naming the step where. Nothing was written then.
    UsageError
        When the sample, or a word about it, does not fit.
    """
    given = Sample.of(sample, target, truth).ordered(estimator)
    if given.rows.is_empty() or not given.rows.width:
        raise UsageError("The sample has no rows.", where="package", code="package.sample")
    fields = fields_of(given.rows, types)
    draft = _fit(estimator, given, signature_of(estimator, fields, target, positive), threshold)
    fit = replace(draft, signature=replace(draft.signature, inputs=_demanding(draft, fields)))
    writing = Writing(Nodes())
    written = graph(writing, estimator, fit)

    def ask(rows: pl.DataFrame) -> np.ndarray:
        return _asked(estimator, given.restored(rows), fit.signature).reshape(rows.height, -1)

    parity = _proved(written, fit, estimator, ask)
    now = datetime.now(UTC)
    evaluation, notes = judged(fit, given.truth, metric)
    _, info = write(
        replace(fit, evaluation=evaluation, notes=(*notes, *dict.fromkeys(writing.caveats))),
        store if isinstance(store, Store) else Store(store),
        written,
        parity,
        name=name,
        run=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        lineage={"built from": family(estimator), "sample": {"rows": given.rows.height}},
        profile=encode(profile(fit.train_rows, fit.signature, answer=fit.answer)),
    )
    return Package.load(info.path)


def _fit(estimator: Any, given: Sample, signature: Signature, threshold: float | None) -> Fit:
    """The estimator's own answers, as training would hand them over."""
    if signature.task != "binary" and threshold is not None:
        raise UsageError(f"A threshold means nothing for {signature.task}.", where="package")
    reference = _reference(estimator, given, signature, threshold)
    evaluation = Evaluation(signature.task, {}, "", 0, classes=signature.classes)
    rows = given.rows
    if signature.task == "binary" and threshold is None:
        threshold = _own_threshold(estimator, signature)
    return Fit(signature, (), threshold, evaluation, rows, rows, reference(rows), reference=reference)


def _own_threshold(estimator: Any, signature: Signature) -> float:
    """From which probability on the estimator itself calls the positive class."""
    if family(estimator) == "sklearn.TunedThresholdClassifierCV":
        return float(estimator.best_threshold_)
    if family(estimator) == "sklearn.FixedThresholdClassifier" and estimator.threshold != "auto":
        return float(estimator.threshold)
    # Of two classes that are equally probable scikit-learn calls the first.
    return 0.5 if flipped(estimator, signature) else float(np.nextafter(np.float32(0.5), np.float32(1)))


def _reference(
    estimator: Any, given: Sample, signature: Signature, threshold: float | None
) -> Callable[[pl.DataFrame], Answer]:
    """The estimator's answers for raw rows; without `threshold`, called by its own `predict`."""
    index = {name: place for place, name in enumerate(signature.classes)}

    def reference(rows: pl.DataFrame) -> Answer:
        asked = given.restored(rows)
        found = _asked(estimator, asked, signature)
        if signature.task == "regression":
            return Answer(value=found)
        if threshold is not None:
            return Answer(label=(found[:, 1] >= np.float32(threshold)).astype(np.int64), probabilities=found)
        with _quiet():
            called = np.asarray(estimator.predict(asked)).tolist()
        return Answer(label=np.array([index[text_of(one)] for one in called], np.int64), probabilities=found)

    return reference


def _asked(estimator: Any, rows: Any, signature: Signature) -> np.ndarray:
    """The estimator's values float32 ``[rows]``, or probabilities float32 ``[rows, classes]``."""
    with _quiet():
        if signature.task == "regression":
            return np.asarray(estimator.predict(rows), np.float32).reshape(-1)
        found = np.asarray(_probabilities(estimator, rows), np.float32)
    return found[:, ::-1] if flipped(estimator, signature) else found


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of unseen categories: they are what is asked about. And no threads, for batches this small."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


def _probabilities(estimator: Any, rows: Any) -> Any:
    if not hasattr(estimator, "predict_proba"):
        raise PackageError(
            f"{type(estimator).__name__} gives no probabilities.",
            where="package",
            code="package.not-exportable",
            next_step="wrap it in CalibratedClassifierCV, which makes some",
        )
    return estimator.predict_proba(rows)


def _demanding(fit: Fit, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields, those required without which the estimator does not answer."""
    start = fit.train_rows.head(1)
    return tuple(
        replace(
            field,
            required=not _answers(fit, start.with_columns(pl.lit(None, start[field.name].dtype).alias(field.name))),
        )
        for field in fields
    )


def _answers(fit: Fit, rows: pl.DataFrame) -> bool:
    try:
        return fit.reference is not None and np.isfinite(_flat(fit.reference(rows))).all()
    except Exception:  # noqa: BLE001 - whatever a stranger's estimator raises says that it does not answer
        return False


def _flat(answer: Answer) -> np.ndarray:
    found = answer.probabilities if answer.probabilities is not None else answer.value
    return np.asarray(found, np.float64).reshape(len(found), -1)  # type: ignore[arg-type]


def _proved(written: bytes, fit: Fit, estimator: Any, ask: Callable[[pl.DataFrame], np.ndarray]) -> Parity:
    """Compare on the sample and on difficult rows. Raises `ParityError` naming the step at fault."""
    assert fit.reference
    reference = fit.reference
    hard = varied(fit.train_rows, fit.signature.inputs, ask)
    hard = _answerable(hard, fit)
    total = Parity(0.0, 0, 0)
    for kind, rows, expected in (("sample row", fit.train_rows, fit.answer), ("probing row", hard, reference(hard))):
        found = compare(run(written, rows, fit.signature), expected, fit)
        if found.wrong.any():
            raise explained(kind, rows, found, fit, estimator)
        largest = float(found.difference.max(initial=0.0))
        total = Parity(max(total.difference, largest), total.rows + rows.height, total.ties + int(found.ties.sum()))
    return total


def _answerable(rows: pl.DataFrame, fit: Fit) -> pl.DataFrame:
    """The rows that the estimator answers at all: categories it never saw, it may refuse."""
    if _answers(fit, rows):
        return rows
    if rows.height == 1:
        return rows.head(0)
    middle = rows.height // 2
    return pl.concat([_answerable(rows[:middle], fit), _answerable(rows[middle:], fit)])
