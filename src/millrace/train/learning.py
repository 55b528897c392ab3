"""Whether more rows would help: the heaviest model of the blend, taught on ever more of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from millrace.engine.clock import CURVE, Clock
from millrace.records.fit import Member
from millrace.records.metric import Metric
from millrace.train.calling import Calling
from millrace.train.judging import Judging
from millrace.train.trials import Classroom, Trial

_PARTS = 8
#: Parts of the rows that are learned from, of eight; all of them were learned from already.
_TAKEN = (1, 2, 4)
#: Fewer rows than this teach nothing worth a point.
_FEWEST = 40


def learning_curve(
    room: Classroom, judging: Judging, trial: Trial, member: Member, calling: Calling, clock: Clock
) -> tuple[tuple[int, Metric], ...]:
    """Training rows and what the deciding metric is on the test rows, as far as time allows; at least two or none."""
    points: list[tuple[int, Metric]] = []
    for taken in _TAKEN:
        rows = np.flatnonzero(np.arange(len(room.truth)) % _PARTS < taken)
        started = monotonic()
        if len(rows) < _FEWEST or clock.left(CURVE) < 0 or not _all_classes(room, rows):
            continue
        clock.tell(f"learning from {len(rows):,} rows")
        point = _taught(room, judging, trial, rows, calling, clock)
        if clock.left(CURVE) < 0:
            break  # time cut the model short: it would seem that rows do not help
        points.append((len(rows), point))
        if clock.left(CURVE) < 2 * (monotonic() - started):
            break
    if not points:
        return ()
    whole = judging.judge(judging.outputs([replace(member, weight=1.0)]), calling)
    return (*points, (len(room.truth), whole.metrics[judging.metric]))


def _all_classes(room: Classroom, rows: Sequence[int] | np.ndarray) -> bool:
    return room.signature.task == "regression" or len(np.unique(room.truth[rows])) == len(room.signature.classes)


def _taught(
    room: Classroom, judging: Judging, trial: Trial, rows: np.ndarray, calling: Calling, clock: Clock
) -> Metric:
    lesson = room.material(rows, trial.candidate.recipe)
    estimator, _ = trial.candidate.learn(lesson, trial.trees or None, clock.moment(CURVE))
    member = Member(trial.candidate.name, 1.0, lesson.encodings, estimator)
    return judging.judge(judging.outputs([member]), calling).metrics[judging.metric]
