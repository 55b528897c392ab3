"""The chosen blend becomes a model: its threshold, and its members taught on all training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from millrace.config.schema import ModelSettings
from millrace.records.fit import Member
from millrace.train.clock import REFIT_SHARE, Clock
from millrace.train.scorer import cost_of
from millrace.train.trials import Classroom, Trial, refit


def threshold_of(
    room: Classroom, trials: Sequence[Trial], weights: Mapping[int, float], metric: str, settings: ModelSettings
) -> float | None:
    """Where out-of-fold answers of the blend do best; float32, as the package compares."""
    if room.signature.task != "binary":
        return None
    from millrace.evaluate.thresholds import best_threshold

    outputs = sum(weight * trials[place].outputs[:, 1] for place, weight in weights.items())
    found = best_threshold(room.truth[trials[0].rows], np.asarray(outputs), metric=metric, cost=cost_of(settings))
    return float(np.float32(found))


def taught(room: Classroom, trials: Sequence[Trial], weights: Mapping[int, float], clock: Clock) -> tuple[Member, ...]:
    """The members by falling weight; those there is no time for are left out, and the others' weights sum to 1."""
    members: list[Member] = []
    for place, weight in sorted(weights.items(), key=lambda item: -item[1]):
        if members and clock.left(REFIT_SHARE) < 0:
            break
        members.append(refit(room, trials[place], weight, clock))
    whole = sum(member.weight for member in members)
    return tuple(replace(member, weight=member.weight / whole) for member in members)
