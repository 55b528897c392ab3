"""The chosen blend becomes a model: its members are taught on all training rows, as far as time allows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from time import monotonic

import numpy as np

from millrace.engine.clock import REFIT, Clock
from millrace.records.fit import Member
from millrace.train.trials import Classroom, Trial, side_by_side

#: All training rows are more than a fold's: they bear a few more trees than did best there.
_MORE_TREES = 1.1
#: However late it is, a last fit may learn for this share of what is left.
_LEARNING_SHARE = 0.4
#: Below this many cells a second thread waits more than it helps.
_CELLS_PER_THREAD = 200_000


def taught(
    room: Classroom,
    trials: Sequence[Trial],
    weights: Mapping[int, float],
    clock: Clock,
    known: Mapping[str, Member] | None = None,
) -> tuple[Member, ...]:
    """The members by falling weight, taught side by side; the weights of those that are left sum to 1.

    Where time would cut a last fit short, what the candidate learned in its first fold answers instead: a model of
    most of the rows that is done is better than one of all rows that is not. A candidate that has none of that is
    left out, unless it is the first. Those `known` by their names were taught before.
    """
    order = sorted(weights, key=lambda place: -weights[place])
    abreast = min(os.cpu_count() or 1, len(order))

    def last(place: int) -> Member | None:
        if known and trials[place].candidate.name in known:
            return known[trials[place].candidate.name]
        if place != order[0] and trials[place].pupil is None and clock.left(REFIT) < 0:
            return None
        return refit(room, trials[place], clock, share=1 / abreast)

    with side_by_side(abreast) as pool:
        found = list(pool.map(last, order))
    whole = sum(weights[place] for place, member in zip(order, found, strict=True) if member)
    return tuple(
        replace(member, weight=weights[place] / whole) for place, member in zip(order, found, strict=True) if member
    )


def refit(room: Classroom, trial: Trial, clock: Clock, *, until: float = REFIT, share: float = 1.0) -> Member:
    """Teach a candidate on all training rows, with the number of trees its folds found best, on its share of cores.

    Where that would last longer than until this share of the time is spent, or does, it is what the first fold taught.
    """
    end = clock.moment(until)
    if until == REFIT:  # encoding many rows takes long: a model that has no time left to learn would be worse than none
        end = max(end, clock.part(_LEARNING_SHARE))
    rows = len(room.truth)
    expected = trial.seconds * rows / max(1, len(room.folds[0][0]))
    if trial.pupil is not None and monotonic() + expected > end:
        return trial.pupil
    clock.tell(f"{trial.candidate.name}, all training rows")
    lesson = room.material(np.arange(rows), trial.candidate.recipe)
    threads = max(1, min(int(share * (os.cpu_count() or 1)), lesson.matrix.size // _CELLS_PER_THREAD))
    if until == REFIT:
        end = max(end, clock.part(_LEARNING_SHARE))
    estimator, _ = trial.candidate.learn(replace(lesson, threads=threads), ceil(trial.trees * _MORE_TREES) or None, end)
    if trial.pupil is not None and trial.trees and monotonic() > end:
        return trial.pupil
    return Member(trial.candidate.name, 1.0, lesson.encodings, estimator)
