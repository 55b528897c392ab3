"""A trained model in memory: what training hands to packaging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from millrace.records.calibration import Calibration
from millrace.records.conformal import Conformal
from millrace.records.encoding import Encoding
from millrace.records.evaluation import Evaluation
from millrace.records.metric import Metric
from millrace.records.signature import Signature
from millrace.records.window import RowsUsed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True, slots=True)
class Member:
    """One estimator of an ensemble: its encodings side by side give the float32 matrix it was fitted on.

    `estimator` follows scikit-learn's grammar: `predict_proba` with columns in the order of the signature's classes
    (fitted on class indices 0…k-1), or `predict` for regression.
    """

    name: str
    weight: float
    encodings: tuple[Encoding, ...]
    estimator: Any


@dataclass(slots=True)  # not frozen: a server makes one for each request, and frozen ones take five times as long
class Answer:
    """Predictions for some rows: class index and probabilities, or a value. Parallel arrays.

    `label` int64 [rows] or None · `probabilities` float32 [rows, classes] or None · `value` float32 [rows] or None.
    What surrounds it, where it was asked for: `inside` bool [rows, classes], the classes that may be true; `lower` and
    `upper` float32 [rows], between which the value may lie; `costs` float32 [rows, classes], what each call is expected
    to cost.
    """

    label: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    value: np.ndarray | None = None
    inside: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    costs: np.ndarray | None = None

    def in_order(self, theirs: Sequence[str], ours: Sequence[str]) -> Answer:
        """The same labels and probabilities, of the classes `theirs`, in the order of `ours`; values as they are."""
        import numpy as np

        places = [theirs.index(name) for name in ours]
        return replace(
            self,
            label=None if self.label is None else np.argsort(places)[self.label],
            probabilities=None if self.probabilities is None else self.probabilities[:, places],
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model: members averaged by weight, then calibrated, then called.

    Binary: the label is the positive class (index 1) where its probability is at or above `threshold`. Multiclass:
    the most probable class, or with `costs` (by true and called class) the one that is expected to cost least.

    `train_rows` and `test_rows` are raw frames (inputs and target); `answer` is the members' answer on the inputs of
    `test_rows`, from the in-memory estimators: packaging must reproduce it. `reference` gives that answer for any raw
    rows, so that packaging can also compare rows made to be difficult. `uncalibrated` float64 [rows, classes] are the
    probabilities of `test_rows` before `calibration`. `learning` has numbers of training rows, and what the primary
    metric is on the test rows with so many. `used` says which rows of the dataset all of them are, where a retraining
    asked for some.
    """

    signature: Signature
    members: tuple[Member, ...]
    threshold: float | None
    evaluation: Evaluation
    train_rows: pl.DataFrame
    test_rows: pl.DataFrame
    answer: Answer
    notes: tuple[str, ...] = ()
    ladder: Mapping[str, Evaluation] = field(default_factory=dict)
    reference: Callable[[pl.DataFrame], Answer] | None = None
    calibration: Calibration | None = None
    uncalibrated: np.ndarray | None = None
    costs: tuple[tuple[float, ...], ...] = ()
    learning: tuple[tuple[int, Metric], ...] = ()
    conformal: Conformal | None = None
    used: RowsUsed | None = None

    def truth(self) -> np.ndarray:
        """Give what is true of `test_rows`: class indices int64 [rows], or values float64 [rows]."""
        import numpy as np

        column = self.test_rows[self.signature.target]
        if self.signature.task == "regression":
            return column.cast(float).to_numpy()
        index = {name: position for position, name in enumerate(self.signature.classes)}
        return np.array([index[name] for name in self.labels().to_list()], dtype=np.int64)

    def labels(self) -> pl.Series:
        """Give the true classes of `test_rows` as the signature writes them: ``true`` for True, ``3`` for 3.0."""
        import polars as pl

        column = self.test_rows[self.signature.target]
        written = column.cast(pl.String)
        if column.dtype.is_float() and not set(written.unique()) & set(self.signature.classes):
            written = column.cast(pl.Int64).cast(pl.String)
        return written
