"""What each step up gains: the trivial model, and the best of each family alone, on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from millrace.config.schema import ModelSettings
from millrace.engine.clock import LADDER, Clock
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Member
from millrace.train.calling import Calling, calling_of, costs_of
from millrace.train.ensemble import refit
from millrace.train.judging import Judging
from millrace.train.scorer import Scorer, scorer
from millrace.train.trials import Classroom, Trial


@dataclass(frozen=True, slots=True)
class Ladder:
    """Each rung by its name, what the winner gains over the trivial and a readable model, in sentences."""

    steps: Mapping[str, Evaluation]
    gains: tuple[str, ...]


def ladder(
    room: Classroom,
    judging: Judging,
    trials: Sequence[Trial],
    members: Sequence[Member],
    winner: Answer,
    settings: ModelSettings,
    clock: Clock,
) -> Ladder:
    """The trivial model and the best of each family on the test rows, as far as time allows.

    `winner` is what the members together answer there. Families that were tried for comparison alone are in `trials`
    too. Each is judged by what it answered out of fold, as the winner is.
    """
    everything = room.goals(np.arange(len(room.truth)))
    constant = np.tile(everything.mean(axis=0), (len(judging.truth), 1))
    if room.signature.task == "regression":
        constant = constant[:, 0]
    costs = costs_of(settings, room.signature)
    even = 0.5 if room.signature.task == "binary" and costs is None else None
    plain = Calling(room.signature, threshold=even, costs=costs)
    steps = {"baseline": judging.judge(constant, plain)}
    gains = [_gain(judging, winner, plain.answer(constant), "the trivial model", costs)]
    known = {member.name: member for member in members}
    read = [member.name for member in members if _readable(member.name, trials)]
    for trial in _best_of_families(trials, scorer(judging.metric, room.signature)):
        member = known.get(trial.candidate.name)
        if member is None and clock.left(LADDER) > 0:
            member = refit(room, trial, clock, until=LADDER)
            if member is trial.pupil or (trial.trees and clock.left(LADDER) < 0):
                member = None  # time cut it short: it would seem worse than it is
        if member is None:
            continue
        calling, _ = calling_of(room, [trial], {0: 1.0}, judging.metric, settings)
        outputs = judging.outputs([replace(member, weight=1.0)])
        steps[trial.candidate.family] = judging.judge(outputs, calling)
        if trial.candidate.readable and len(members) > len(read):
            gains.append(_gain(judging, winner, calling.answer(outputs), f"`{trial.candidate.name}`", costs))
    return Ladder(steps, tuple(gains))


def _readable(name: str, trials: Sequence[Trial]) -> bool:
    return any(trial.candidate.name == name and trial.candidate.readable for trial in trials)


def _gain(judging: Judging, winner: Answer, other: Answer, name: str, costs: np.ndarray | None) -> str:
    """One sentence on how much better the winner is than another model, on the same test rows."""
    from millrace.evaluate.judge import compare

    found = compare(judging.truth, winner, other, judging.signature, judging.metric, judging.seed, costs)
    told = f"{found.value:+.4g} {found.metric} ({found.low:+.4g} to {found.high:+.4g})"
    if found.better is None:
        return f"There is no evidence that the model is better than {name}: {told}."
    return f"The model is {'better' if found.better else 'worse'} than {name}: {told}."


def _best_of_families(trials: Sequence[Trial], chooser: Scorer) -> Sequence[Trial]:
    best: dict[str, Trial] = {}
    for trial in trials:
        family = trial.candidate.family
        if family not in best or chooser.better(trial.score, best[family].score):
            best[family] = trial
    return list(best.values())
