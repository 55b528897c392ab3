"""How much each raw column matters: what the deciding metric loses when the column is shuffled among test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import polars as pl

from millrace.engine.clock import IMPORTANCES, Clock
from millrace.records.evaluation import Metric
from millrace.records.fit import Member
from millrace.records.signature import Signature
from millrace.train.encode import Matrix, encode
from millrace.train.trials import predicted

MAX_ROWS = 2000
#: Of more columns, those that the members lean on most are shuffled.
MAX_COLUMNS = 200
REPEATS = 5
_MIN_REPEATS = 2
#: Student's t for 95 % by the number of repeats.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


@dataclass(frozen=True, slots=True, eq=False)
class _Seat:
    """A member, what it sees of the rows, which columns of that each raw column is in, and what it answers.

    `shared` are the raw columns that are in some column of the matrix together with others.
    """

    member: Member
    matrix: Matrix
    places: Mapping[str, list[int]]
    shared: frozenset[str]
    outputs: np.ndarray


class Shuffling:
    """What members answer together when one raw column of the rows is shuffled; no other column is encoded again."""

    def __init__(self, members: Sequence[Member], rows: pl.DataFrame, signature: Signature) -> None:
        self._rows, self._signature = rows, signature
        self._seats = [self._seat(member) for member in members]

    def _seat(self, member: Member) -> _Seat:
        matrix = encode(self._rows, member.encodings)
        places: dict[str, list[int]] = {}
        start = 0
        for encoding in member.encodings:
            for column in dict.fromkeys(encoding.columns):
                places.setdefault(column, []).extend(range(start, start + encoding.width))
            start += encoding.width
        shared = frozenset(column for one in member.encodings if len(one.columns) > 1 for column in one.columns)
        return _Seat(member, matrix, places, shared, self._answer(member, matrix))

    def _answer(self, member: Member, matrix: Matrix) -> np.ndarray:
        answer: np.ndarray = member.weight * predicted(member.estimator, matrix, self._signature)
        return answer

    def outputs(self) -> np.ndarray:
        """The answers to the rows as they are, as `outputs_of` gives them."""
        together: np.ndarray = np.sum([seat.outputs for seat in self._seats], axis=0)
        return together

    def shuffled(self, column: str, order: np.ndarray) -> np.ndarray:
        """The answers when row i has the value that row ``order[i]`` has in `column`."""
        together: np.ndarray = np.sum([self._shuffled(seat, column, order) for seat in self._seats], axis=0)
        return together

    def _shuffled(self, seat: _Seat, column: str, order: np.ndarray) -> np.ndarray:
        own = seat.places.get(column)
        if own is None:
            return seat.outputs
        if column not in seat.shared and isinstance(seat.matrix, np.ndarray):
            matrix = seat.matrix.copy()
            matrix[:, own] = seat.matrix[order][:, own]
        else:
            matrix = encode(self._rows.with_columns(self._rows[column][order]), seat.member.encodings)
        return self._answer(seat.member, matrix)

    def leaned_on(self, columns: Sequence[str]) -> list[str]:
        """The columns in the order in which the members say that they lean on them; equal ones as given."""
        worth = dict.fromkeys(columns, 0.0)
        for seat in self._seats:
            said = _said(seat.member.estimator, seat.matrix.shape[1])
            shares = said / max(float(said.sum()), 1e-300)
            for column, own in seat.places.items():
                worth[column] += seat.member.weight * float(shares[own].sum())
        return sorted(columns, key=lambda column: -worth[column])


def _said(estimator: object, width: int) -> np.ndarray:
    """How much an estimator says that it uses each column of its matrix; all alike where it says nothing."""
    if (known := getattr(estimator, "feature_importances_", None)) is None:
        known = getattr(estimator, "coef_", None)
    if known is None or np.shape(known)[-1:] != (width,):
        return np.ones(width)
    sizes: np.ndarray = np.abs(np.asarray(known, np.float64)).reshape(-1, width).sum(axis=0)
    return sizes


def importances(
    shuffling: Shuffling,
    columns: Sequence[str],
    measure: Callable[[np.ndarray], float],
    clock: Clock,
    *,
    seed: int,
    higher_is_better: bool,
) -> Mapping[str, Metric]:
    """Permutation importance (Breiman, 2001; Fisher et al., 2019) of the columns, largest first.

    Parameters
    ----------
    measure
        The metric of outputs.

    Returns
    -------
    Mapping
        By column, what the metric loses on average over up to five shufflings, with its 95 % interval (Student's t).
        Where time is short, of as many columns as can be shuffled twice, those that the members lean on most; of the
        others nothing is said, and of more than 200 columns never.
    """
    rng = np.random.default_rng(seed)
    outputs = shuffling.outputs()
    whole, chosen = measure(outputs), shuffling.leaned_on(columns)[:MAX_COLUMNS]
    losses: dict[str, list[float]] = {}
    for repeat in range(REPEATS):
        clock.tell(f"importance of columns, shuffling {repeat + 1} of {REPEATS}")
        order, began = rng.permutation(len(outputs)), monotonic()
        for column in chosen:
            if repeat == 0 and clock.left(IMPORTANCES) < monotonic() - began:
                break  # the second round takes as long as the first
            if clock.left(IMPORTANCES) < 0:
                return _summary({name: found[:repeat] for name, found in losses.items()})
            change = measure(shuffling.shuffled(column, order)) - whole
            losses.setdefault(column, []).append(-change if higher_is_better else change)
        chosen = list(losses)
    return _summary(losses)


def _summary(losses: Mapping[str, list[float]]) -> Mapping[str, Metric]:
    found = {}
    for name, values in losses.items():
        if len(values) < _MIN_REPEATS:
            return {}
        mean = float(np.mean(values))
        half = _T[len(values)] * float(np.std(values, ddof=1)) / len(values) ** 0.5
        found[name] = Metric(mean, mean - half, mean + half)
    return dict(sorted(found.items(), key=lambda item: -item[1].value))
