"""How long a model may take for one row and how large it may be: measured on its graph, before it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from millrace.config.schema import ModelSettings
from millrace.engine.clock import Clock
from millrace.errors import TrainingError
from millrace.records.fit import Member
from millrace.records.footprint import Footprint
from millrace.records.signature import Signature
from millrace.train.blend import blend
from millrace.train.ensemble import taught
from millrace.train.scorer import Scorer
from millrace.train.trials import Classroom, Trial

#: What members together cost, asked for single rows; packaging knows.
Measure = Callable[[Sequence[Member], Signature, pl.DataFrame], Footprint]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The members with the trials they come from, both by falling weight, and what a reader should know."""

    trials: tuple[Trial, ...]
    members: tuple[Member, ...]
    notes: tuple[str, ...]


def choose(
    room: Classroom,
    trials: Sequence[Trial],
    chooser: Scorer,
    settings: ModelSettings,
    measure: Measure | None,
    clock: Clock,
) -> Chosen:
    """The best blend, taught on all training rows; where limits are set, the best that keeps them.

    Raises
    ------
    TrainingError
        No candidate keeps the limits; the fastest is named.
    """
    left = list(trials)
    notes: list[str] = []
    known: dict[str, Member] = {}
    over: dict[str, Footprint] = {}
    while left:
        weights = blend([trial.outputs for trial in left], room.truth[left[0].rows], chooser)
        members = taught(room, left, weights, clock, known)
        known |= {member.name: member for member in members}
        order = [place for member in members for place in weights if left[place].candidate.name == member.name]
        told = (*notes, *_cut([left[place] for place in order], members, len(weights)))
        if measure is None or (settings.max_latency_ms is None and settings.max_size_mb is None):
            return Chosen(tuple(left[place] for place in order), members, told)
        found = {
            place: measure([member], room.signature, room.rows) for place, member in zip(order, members, strict=True)
        }
        beyond = {left[place].candidate.name: one for place, one in found.items() if not _kept(one, settings)}
        if not beyond:
            together = measure(members, room.signature, room.rows)
            if len(members) == 1 or _kept(together, settings):
                return Chosen(tuple(left[place] for place in order), members, told)
            beyond = {left[order[-1]].candidate.name: together}
            notes.append(f"`{next(iter(beyond))}` is left out: with it the model is beyond its limits.")
        else:
            over |= beyond
            notes += [f"`{name}` is left out: {_said(one)}." for name, one in beyond.items()]
        left = [trial for trial in left if trial.candidate.name not in beyond]
    fastest = min(over, key=lambda name: over[name].latency_ms)
    raise TrainingError(
        f"No model keeps the limits; the fastest is `{fastest}`: {_said(over[fastest])}.",
        where="model",
        code="train.limits",
        next_step="raise max_latency_ms or max_size_mb, or name lighter models: [linear, tree]",
    )


def _cut(trials: Sequence[Trial], members: Sequence[Member], wanted: int) -> tuple[str, ...]:
    """What time did not allow of the last fits."""
    notes = []
    if len(members) < wanted:
        notes.append(f"The budget cut the ensemble to {len(members)} of {wanted} models.")
    pairs = zip(trials, members, strict=True)
    early = [
        trial.candidate.name for trial, member in pairs if trial.pupil and member.estimator is trial.pupil.estimator
    ]
    if early:
        told = " and ".join(f"`{name}`" for name in early)
        notes.append(f"The budget left no time to teach {told} on all training rows: those of one fold are missing.")
    return tuple(notes)


def _kept(found: Footprint, settings: ModelSettings) -> bool:
    fast = settings.max_latency_ms is None or found.latency_ms <= settings.max_latency_ms
    return fast and (settings.max_size_mb is None or found.size_mb <= settings.max_size_mb)


def _said(found: Footprint) -> str:
    return f"{found.latency_ms:.3g} ms for one row, {found.size_mb:.3g} MB"
