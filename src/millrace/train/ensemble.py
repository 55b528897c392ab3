"""The chosen blend becomes a model: its members are taught on all training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from millrace.engine.clock import REFIT, Clock
from millrace.records.fit import Member
from millrace.train.trials import Classroom, Trial, refit


def taught(room: Classroom, trials: Sequence[Trial], weights: Mapping[int, float], clock: Clock) -> tuple[Member, ...]:
    """The members by falling weight; those there is no time for are left out, and the others' weights sum to 1."""
    members: list[Member] = []
    for place, weight in sorted(weights.items(), key=lambda item: -item[1]):
        if members and clock.left(REFIT) < 0:
            break
        members.append(refit(room, trials[place], weight, clock))
    whole = sum(member.weight for member in members)
    return tuple(replace(member, weight=member.weight / whole) for member in members)
