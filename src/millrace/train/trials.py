"""Cross-validation of the candidates within the budget: what each would have answered on rows it did not learn from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median
from time import monotonic
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from millrace.engine.clock import SEARCH, Clock
from millrace.records.fit import Member
from millrace.records.signature import Signature
from millrace.store.trial_book import FinishedTrial, TrialBook
from millrace.train.encode import encode
from millrace.train.models.base import Candidate, Lesson
from millrace.train.recipes import Recipe, learned
from millrace.train.resampling import resampled
from millrace.train.scorer import Scorer

#: The first candidate of a family may take this share of the time left; that decides how many folds it gets.
_FIRST_SHARE = 0.4
#: A search gives up after so many folds, once so many candidates can be compared with.
_EARLY_FOLDS, _FEWEST_TRIALS = 2, 5


@dataclass(frozen=True, slots=True, eq=False)
class Classroom:
    """The training rows, their truth, the folds as (learning, held out) row numbers, and matrices made so far.

    With `resample`, classes are made equally frequent in whatever is learned from. `weights` float64 ``[rows]`` say how
    much each row counts there; None: all alike.
    """

    rows: pl.DataFrame
    truth: np.ndarray
    signature: Signature
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    resample: str = "none"
    seed: int = 0
    lessons: dict[tuple[Recipe, int], Lesson] = field(default_factory=dict)
    weights: np.ndarray | None = None

    def goals(self, chosen: np.ndarray) -> np.ndarray:
        """The truth of some rows as float64 ``[rows, outputs]``: class membership, or the value."""
        if self.signature.task == "regression":
            return self.truth[chosen, None].astype(np.float64)
        members: np.ndarray = np.eye(len(self.signature.classes))[self.truth[chosen]]
        return members

    def material(self, rows: np.ndarray, recipe: Recipe) -> Lesson:
        """What is learned from some rows: encodings fitted on them, matrix, truth and weights, resampled if asked."""
        encodings, matrix = learned(self.rows[rows], self.signature.inputs, self.goals(rows), recipe)
        truth = self.truth[rows]
        weights = None if self.weights is None else self.weights[rows]
        if self.resample != "none":
            chosen = resampled(truth, self.resample, self.seed)
            matrix, truth, weights = Lesson(matrix, truth, weights=weights).part(chosen)
        if weights is not None:
            weights = weights / weights.mean()  # penalties are measured against rows that weigh 1
        return Lesson(matrix, truth, encodings=encodings, weights=weights)

    def lesson(self, recipe: Recipe, fold: int) -> Lesson:
        """A fold's matrices under a recipe; the encodings are fitted on its learning rows alone."""
        if (recipe, fold) not in self.lessons:
            learn, held = self.folds[fold]
            began = monotonic()
            material = self.material(learn, recipe)
            took = monotonic() - began
            self.lessons[recipe, fold] = replace(
                material,
                check_matrix=encode(self.rows[held], material.encodings),
                check_truth=self.truth[held],
                threads=max(1, (os.cpu_count() or 1) // len(self.folds)),  # folds are learned side by side
                seconds=took,
            )
        return self.lessons[recipe, fold]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a candidate answered out of fold: `outputs` parallel to `rows`, the row numbers that were held out.

    Where a clock ends the training, `pupil` is what it learned in the first fold, with weight 1, and a fold took so
    many `seconds` to encode and to learn. Neither is known of a trial that an earlier process finished.
    """

    candidate: Candidate
    rows: np.ndarray
    outputs: np.ndarray
    score: float
    trees: int
    pupil: Member | None = None
    seconds: float = 0.0


def _nobody(candidate: Candidate, score: float) -> None:
    """Who is told of scores where nobody learns from them."""


def try_candidates(
    room: Classroom,
    candidates: Iterable[Candidate],
    scorer: Scorer,
    clock: Clock,
    book: TrialBook | None = None,
    *,
    told: Callable[[Candidate, float], None] = _nobody,
) -> tuple[Trial, ...]:
    """Cross-validate candidates in order until the budget for search is spent; at least the first one is tried.

    When time runs short a family gets fewer folds, all its candidates alike, and a candidate that was cut off is
    dropped. One that a search asked for is given up after two folds that are worse than those of half the others (the
    median stopping rule; Golovin et al., Google Vizier, 2017). The trials given back are compared on the rows that all
    of them held out. What `book` holds is not tried again, and it is told of every trial that finishes; so is `told`.
    """
    trials: list[Trial] = []
    folds: dict[str, int] = {}
    costs: dict[str, float] = {}
    early: list[float] = []

    def hopeless(outputs: Sequence[np.ndarray]) -> bool:
        return len(early) >= _FEWEST_TRIALS and scorer.better(median(early), _score(room, outputs, scorer))

    for candidate in islice(candidates, clock.trials):
        first = candidate.family not in folds
        most = folds.get(candidate.family, len(room.folds))
        done = book.find(candidate.key) if book else None
        taught = _Taught()
        if done is None:
            left = clock.left(SEARCH)
            if trials and left < (0 if first else costs[candidate.family]):
                continue
            until = monotonic() + max(left, 0) * (_FIRST_SHARE if first else 1)
            done, taught = _run_folds(room, candidate, most, until, clock, hopeless if candidate.searched else None)
            pruned = candidate.searched and len(done.outputs) == _EARLY_FOLDS and hopeless(done.outputs)
            if not first and len(done.outputs) < most and not pruned:
                continue
            if book:
                book.keep(candidate.key, done)
        told(candidate, _score(room, done.outputs, scorer))
        if candidate.searched and len(done.outputs) == _EARLY_FOLDS < most and hopeless(done.outputs):
            continue
        early.append(_score(room, done.outputs[:_EARLY_FOLDS], scorer))
        folds.setdefault(candidate.family, len(done.outputs))
        costs[candidate.family] = done.seconds
        held = np.concatenate([check for _, check in room.folds[: len(done.outputs)]])
        joined = np.concatenate(done.outputs)
        score = scorer.score(room.truth[held], joined)
        pupil = taught.pupil if clock.trials is None else None
        trials.append(Trial(candidate, held, joined, score, done.trees, pupil, taught.seconds))
    return _on_common_rows(trials, room.truth, scorer)


def _score(room: Classroom, outputs: Sequence[np.ndarray], scorer: Scorer) -> float:
    """What the first folds say of a candidate."""
    held = np.concatenate([check for _, check in room.folds[: len(outputs)]])
    return scorer.score(room.truth[held], np.concatenate(outputs))


@dataclass(frozen=True, slots=True)
class _Taught:
    """What a candidate learned in the first fold, and how long a fold took."""

    pupil: Member | None = None
    seconds: float = 0.0


def _run_folds(
    room: Classroom,
    candidate: Candidate,
    most: int,
    until: float,
    clock: Clock,
    hopeless: Callable[[Sequence[np.ndarray]], bool] | None = None,
) -> tuple[FinishedTrial, _Taught]:
    """Outputs of each fold that there was time for (at least one), and the mean number of trees that did best."""
    pupils: dict[int, Member] = {}
    seconds: list[float] = []

    def run(fold: int) -> tuple[np.ndarray, int]:
        lesson = room.lesson(candidate.recipe, fold)
        started = monotonic()
        estimator, best = candidate.learn(lesson, None, until)
        seconds.append(lesson.seconds + monotonic() - started)
        if fold == 0:
            pupils[fold] = Member(candidate.name, 1.0, lesson.encodings, estimator)
        assert lesson.check_matrix is not None
        return predicted(estimator, lesson.check_matrix, room.signature), best

    # A thread per fold: both solvers leave Python while they work, and unlike the threads inside a tree
    # those of different folds never wait for each other.
    abreast, began = min(os.cpu_count() or 1, most), monotonic()
    results: list[tuple[np.ndarray, int]] = []
    with side_by_side(abreast) as pool:
        while len(results) < most:
            started = monotonic()
            clock.tell(f"{candidate.name}, fold {len(results) + 1} of {most}")
            # Whether there is hope is asked after the same folds on every machine.
            end = min(
                len(results) + abreast, most if hopeless is None or len(results) >= _EARLY_FOLDS else _EARLY_FOLDS
            )
            results += pool.map(run, range(len(results), end))
            if hopeless and len(results) == _EARLY_FOLDS < most and hopeless([outputs for outputs, _ in results]):
                break
            if monotonic() + (monotonic() - started) > until:
                break
    trees = round(sum(trees for _, trees in results) / len(results))
    done = FinishedTrial(tuple(outputs for outputs, _ in results), trees, monotonic() - began)
    return done, _Taught(pupils[0], sum(seconds) / len(seconds))


@contextmanager
def side_by_side(abreast: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that each do one thing: threads of algebra inside them would wait for each other, on a busy machine long.

    Its results do not depend on how many processors there are either.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(abreast) as pool:
        yield pool


def _on_common_rows(trials: Sequence[Trial], truth: np.ndarray, scorer: Scorer) -> tuple[Trial, ...]:
    """The trials cut to the shortest; folds run in one order, so the first rows are the same in all."""
    shortest = min(len(trial.rows) for trial in trials)
    cut = []
    for trial in trials:
        rows, outputs = trial.rows[:shortest], trial.outputs[:shortest]
        cut.append(replace(trial, rows=rows, outputs=outputs, score=scorer.score(truth[rows], outputs)))
    return tuple(cut)


def predicted(estimator: Any, matrix: np.ndarray, signature: Signature) -> np.ndarray:
    """An estimator's outputs, float64: probabilities ``[rows, classes]`` (0 for classes it never saw) or values."""
    if signature.task == "regression":
        return np.asarray(estimator.predict(matrix), dtype=np.float64)
    probabilities = np.zeros((matrix.shape[0], len(signature.classes)))
    probabilities[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(matrix)
    return probabilities


def outputs_of(members: Sequence[Member], rows: pl.DataFrame, signature: Signature) -> np.ndarray:
    """What the members answer together: the mean by weight, float64."""
    total: np.ndarray = sum(
        (member.weight * predicted(member.estimator, encode(rows, member.encodings), signature) for member in members),
        start=np.zeros(()),
    )
    return total
