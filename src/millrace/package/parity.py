"""Whether a graph gives the trained model's answers, row by row, on rows held out and on rows made to be difficult."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import onnxruntime
import polars as pl

from millrace.errors import ParityError
from millrace.package.frame import matrices
from millrace.package.graph import build, dissect
from millrace.package.probes import probes
from millrace.records.fit import Answer, Fit
from millrace.records.progress import Step, Watch, unwatched
from millrace.records.signature import Signature

#: The largest difference allowed: of a probability, or of a value relative to its size.
TOLERANCE = 1e-5
#: Of more test rows than this, so many are compared, spread evenly.
_TEST_ROWS = 20_000
#: How many differing rows are looked into to name the step at fault.
_EXAMINED = 20


@dataclass(frozen=True, slots=True)
class Parity:
    """How close graph and trained model are.

    `difference` is the largest seen, of a probability or relative to a value's size, over `rows` rows. `ties` counts
    the labels that differ because the deciding probability lies within the tolerance of the threshold, or of the next
    class: there is no right answer to them.
    """

    difference: float
    rows: int
    ties: int


def prove(graph: bytes, fit: Fit, watch: Watch = unwatched) -> Parity:
    """Compare the graph's answers with the trained model's on test rows (at most 20,000) and on the probing rows.

    Without `fit.reference` only the test rows are compared. Raises `ParityError` at the first row that differs, naming
    the member or the column where the difference arises.
    """
    every = max(1, -(-fit.test_rows.height // _TEST_ROWS))
    trials = [("test row", fit.test_rows.gather_every(every), _some(fit.answer, every))]
    if fit.reference is not None:
        hard = probes(fit)
        with np.errstate(over="ignore", invalid="ignore"):  # some probes are beyond float32 on purpose
            trials.append(("probing row", hard, fit.reference(hard)))
    total = Parity(0.0, 0, 0)
    for kind, frame, expected in trials:
        watch(Step("package", f"comparing {frame.height} {kind}s", total.rows))
        found = compare(run(graph, frame, fit.signature), expected, fit)
        if found.wrong.any():
            raise _explain(kind, frame, found, fit)
        largest = float(found.difference.max(initial=0.0))
        total = Parity(max(total.difference, largest), total.rows + frame.height, total.ties + int(found.ties.sum()))
    return total


def _some(answer: Answer, every: int) -> Answer:
    """The answer to every so-manieth row."""
    parts = ((part.name, getattr(answer, part.name)) for part in fields(Answer))
    return Answer(**{name: None if part is None else part[::every] for name, part in parts})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Row by row: the difference float64, and whether the row is wrong or a tie bool. Arrays ``[rows]``."""

    difference: np.ndarray
    wrong: np.ndarray
    ties: np.ndarray


def run(graph: bytes, frame: pl.DataFrame, signature: Signature) -> Answer:
    """The graph's answer for raw rows."""
    found = _run(graph, frame, signature)
    return Answer(**{part.name: found.get(part.name) for part in fields(Answer)})


def compare(answer: Answer, expected: Answer, fit: Fit) -> Comparison:
    """Where and how far `answer` is from `expected`; missing and infinite numbers must be the same on both sides."""
    if fit.signature.task == "regression":
        mine, theirs = _pair(answer.value, expected.value)
        size = np.maximum(np.abs(theirs), _typical(fit.answer))
        size = np.where((size > 0) & np.isfinite(size), size, 1.0)
        difference = _distance(mine, theirs) / size
        for own, other in ((answer.lower, expected.lower), (answer.upper, expected.upper)):
            difference = np.maximum(difference, _apart(own, other) / size)
        return Comparison(difference, difference > TOLERANCE, np.zeros(len(difference), bool))
    mine, theirs = _pair(answer.probabilities, expected.probabilities)
    difference = _distance(mine, theirs).max(axis=1, initial=0.0)
    if fit.costs:
        priced = _apart(answer.costs, expected.costs) / max(float(np.max(fit.costs)), 1e-12)
        difference = np.maximum(difference, priced.max(axis=1, initial=0.0))
    other = np.asarray(answer.label) != np.asarray(expected.label)
    ties = other & (_margin(theirs, fit) <= 2 * TOLERANCE)
    wrong = (difference > TOLERANCE) | (other & ~ties) | (_beside(answer, expected, theirs, fit) & ~ties)
    return Comparison(difference, wrong, ties)


def _apart(mine: np.ndarray | None, theirs: np.ndarray | None) -> np.ndarray:
    if mine is None and theirs is None:
        return np.zeros(1)
    return _distance(*_pair(mine, theirs))


def _beside(answer: Answer, expected: Answer, probabilities: np.ndarray, fit: Fit) -> np.ndarray:
    """Rows whose sets differ in a class whose probability is not right at its cut."""
    if fit.conformal is None:
        return np.zeros(len(probabilities), bool)
    mine, theirs = _pair(answer.inside, expected.inside)
    clear = np.abs(probabilities - np.asarray(fit.conformal.cuts)) > 2 * TOLERANCE
    beside: np.ndarray = ((mine != theirs) & clear).any(axis=1)
    return beside


def _pair(mine: np.ndarray | None, theirs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if mine is None or theirs is None or mine.shape != theirs.shape:
        shapes = [None if array is None else array.shape for array in (mine, theirs)]
        raise ParityError(f"The graph answers in shape {shapes[0]}, the trained model in {shapes[1]}.", where="package")
    return mine.astype(np.float64), theirs.astype(np.float64)


def _typical(answer: Answer) -> float:
    """The usual size of a value: what a difference near zero is measured by."""
    return 0.0 if answer.value is None or not len(answer.value) else float(np.abs(answer.value).mean())


def _distance(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.nan_to_num(np.abs(mine - theirs), nan=np.inf))


def _margin(probabilities: np.ndarray, fit: Fit) -> np.ndarray:
    """How far a row is from another label."""
    if fit.signature.task == "binary":
        return np.abs(probabilities[:, 1] - (0.5 if fit.threshold is None else fit.threshold))
    if fit.costs:
        costs = np.array(fit.costs)
        cheapest = np.sort(probabilities @ costs, axis=1)[:, :2] / max(float(costs.max()), 1e-12)
        return np.asarray(cheapest[:, 1] - cheapest[:, 0])
    first_two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(first_two[:, 1] - first_two[:, 0])


def _explain(kind: str, frame: pl.DataFrame, found: Comparison, fit: Fit) -> ParityError:
    rows = np.flatnonzero(found.wrong)
    worst = int(rows[found.difference[rows].argmax()])
    step = _culprit(frame[rows[:_EXAMINED].tolist()], fit)
    return ParityError(
        f"The graph differs from the trained model in {len(rows)} of {frame.height} {kind}s, most in {kind} {worst}: "
        f"by {found.difference[worst]:.3g} where {TOLERANCE:g} is allowed. {step} No package was written.",
        where="package",
        next_step="report it with the names of the columns and the member, or leave the column out with model.drop",
    )


def _culprit(frame: pl.DataFrame, fit: Fit) -> str:
    """The member whose estimator, or else the column whose encoding, accounts for the difference."""
    parts = _run(dissect(fit), frame, fit.signature)
    for i, member in enumerate(fit.members):
        if f"matrix_{i}" not in parts:
            continue
        matrix, answer = parts[f"matrix_{i}"], parts[f"answer_{i}"]
        if fit.signature.task == "regression":
            expected = np.asarray(member.estimator.predict(matrix)).reshape(-1, 1)
        else:
            expected = np.asarray(member.estimator.predict_proba(matrix))[:, -answer.shape[1] :]
        limit = TOLERANCE * np.maximum(1.0, np.abs(expected))
        if (_distance(answer, expected.astype(np.float64)) > limit).any():
            return f"It arises in the estimator {type(member.estimator).__name__} of member {member.name!r}."
    columns = [field for field in fit.signature.inputs if fit.reference and _agrees_without(field.name, frame, fit)]
    if columns:
        return f"It arises in the encoding of column {columns[0].name!r}: without its values, both agree."
    return "It arises in an encoding or in the average of the members."


def _agrees_without(column: str, frame: pl.DataFrame, fit: Fit) -> bool:
    blank = frame.with_columns(pl.lit(None, dtype=frame.schema[column]).alias(column))
    with np.errstate(over="ignore", invalid="ignore"):
        expected = fit.reference(blank) if fit.reference else fit.answer
    return not compare(run(build(fit), blank, fit.signature), expected, fit).wrong.any()


def _run(graph: bytes, frame: pl.DataFrame, signature: Signature) -> Mapping[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    numbers, texts = matrices(frame, signature)
    given = {"numbers": numbers, "texts": texts}
    names = [output.name for output in session.get_outputs()]
    feeds = {taken.name: given[taken.name] for taken in session.get_inputs()}
    return dict(zip(names, session.run(names, feeds), strict=True))
