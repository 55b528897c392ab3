"""What each step up gains: the trivial model, and the best of each family alone, on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from millrace.config.schema import ModelSettings
from millrace.engine.clock import LADDER, Clock
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Member
from millrace.train.calling import Calling, calling_of, costs_of
from millrace.train.judging import Judging
from millrace.train.scorer import Scorer
from millrace.train.trials import Classroom, Trial, refit


def ladder(
    room: Classroom,
    judging: Judging,
    trials: Sequence[Trial],
    members: Sequence[Member],
    settings: ModelSettings,
    chooser: Scorer,
    clock: Clock,
) -> Mapping[str, Evaluation]:
    """The trivial model and the best of each family on the test rows, as far as time allows."""
    everything = room.goals(np.arange(len(room.truth)))
    constant = np.tile(everything.mean(axis=0), (len(judging.truth), 1))
    if room.signature.task == "regression":
        constant = constant[:, 0]
    costs = costs_of(settings, room.signature)
    even = 0.5 if room.signature.task == "binary" and costs is None else None
    plain = Calling(room.signature, threshold=even, costs=costs)
    steps = {"baseline": judging.judge(constant, plain)}
    known = {member.name: member for member in members}
    for place, trial in _best_of_families(trials, chooser).items():
        member = known.get(trial.candidate.name)
        if member is None and clock.left(LADDER) > 0:
            member = refit(room, trial, 1.0, clock, LADDER)
            if trial.trees and clock.left(LADDER) < 0:
                member = None  # time cut it short: it would seem worse than it is
        if member is None:
            continue
        calling, _ = calling_of(room, trials, {place: 1.0}, judging.metric, settings)
        steps[trial.candidate.family] = judging.judge(judging.outputs([replace(member, weight=1.0)]), calling)
    return steps


def _best_of_families(trials: Sequence[Trial], chooser: Scorer) -> Mapping[int, Trial]:
    best: dict[str, int] = {}
    for place, trial in enumerate(trials):
        family = trial.candidate.family
        if family not in best or chooser.better(trial.score, trials[best[family]].score):
            best[family] = place
    return {place: trials[place] for place in best.values()}
