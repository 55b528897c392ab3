"""From a table to a fit: type the columns, seal the test part, try models within the budget, judge the best blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from millrace.config.schema import ModelSettings
from millrace.engine.clock import LADDER, Clock
from millrace.errors import TrainingError
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Fit, Member
from millrace.records.progress import Watch, unwatched
from millrace.records.signature import Signature
from millrace.records.window import Window
from millrace.store.trial_book import TrialBook
from millrace.train.calling import calling_of, costs_of
from millrace.train.candidates import Candidates, yardstick
from millrace.train.columns import describe, type_columns
from millrace.train.judging import Judging
from millrace.train.ladder import ladder
from millrace.train.leaks import counter_warnings, leak_warnings
from millrace.train.learning import learning_curve
from millrace.train.limits import Measure, choose
from millrace.train.models.base import Problem
from millrace.train.parts import check_classes, gap_of, judged, repeats, strata_of, turns_of
from millrace.train.quiet import quiet
from millrace.train.scorer import deciding_metric, scorer
from millrace.train.selection import Chosen, unused
from millrace.train.shaping import check_wishes
from millrace.train.split import before, order_keys
from millrace.train.target import Target, answered, read_target
from millrace.train.thinning import affordable
from millrace.train.trials import Classroom, Trial, outputs_of, try_candidates
from millrace.train.window import Windowed, windowed

#: Leaks are looked for in this share of the time at most.
_LEAKS = 0.1


def train(
    frame: pl.DataFrame,
    settings: ModelSettings,
    watch: Watch = unwatched,
    book: TrialBook | None = None,
    clock: Clock | None = None,
    measure: Measure | None = None,
    window: Window | None = None,
) -> Fit:
    """Learn to predict ``settings.predict`` from the other columns, within ``settings.budget`` seconds or trials.

    A part of the rows is sealed first and looked at only by the final judgement. Linear models and a portfolio of
    boosted trees are cross-validated on the rest; a blend of at most three of them, weighted on their out-of-fold
    answers, is taught on all training rows. The same rows and seed give the same fit, unless time cuts the search: a
    budget of trials is never cut. Finished trials are written into `book`, and taken from it. `clock` is the
    budget that began before; `measure` says what members cost where they answer, for the limits of `settings`.
    With `window`, the rows are those that it asks for by the time of `settings.split`, or weighed by it.

    Raises
    ------
    TrainingError
        The target is absent, constant or of no usable type; there are too few rows or no usable column; or the
        settings name columns or classes that are not there.
    UsageError
        `settings.metric` is no metric of the task.
    """
    with quiet():
        return _train(frame, settings, clock or Clock(settings.budget, watch), book, measure, window)


def _train(
    frame: pl.DataFrame,
    settings: ModelSettings,
    clock: Clock,
    book: TrialBook | None,
    measure: Measure | None,
    window: Window | None,
) -> Fit:
    clock.tell("typing the columns")
    rows, notes = answered(frame, settings)
    target, target_notes = read_target(rows, settings)
    fields, column_notes = type_columns(rows, settings)
    check_wishes(fields, settings.features)
    rows = rows.select(*dict.fromkeys([*(field.name for field in fields), settings.predict, *settings.split.by]))
    rows, target, asked = _asked(rows, target, settings, window)
    clock.rehearse()
    kept, thinned = affordable(rows, fields, strata_of(target, settings.split), clock)
    rows, target = rows.filter(kept), replace(target, truth=target.truth[kept])
    keys = order_keys(rows, fields, settings.split)
    strata = strata_of(target, settings.split)
    test = judged(rows, keys, strata, settings.split)
    gap = gap_of(rows, settings.split)
    learn = ~test & ~before(keys, test, gap)
    check_classes(target, test, learn)
    _check_resampling(target, settings)
    turns = turns_of(rows.filter(learn), keys[learn], strata[learn], settings.split, gap)
    when = rows[settings.split.time].filter(learn) if settings.split.time else None
    rows = rows.select(*(field.name for field in fields), settings.predict)
    learning = rows.filter(learn)
    signature = Signature(target.task, settings.predict, describe(learning, fields), target.classes, target.positive)
    weights = None if asked is None or asked.weights is None else asked.weights[kept][learn]
    room = Classroom(learning, target.truth[learn], signature, turns, settings.resample, settings.seed, weights=weights)
    costs_of(settings, signature)  # a class that is not there is refused before anything is learned
    metric = deciding_metric(settings, room.truth, signature)
    judging = Judging(rows.filter(test), target.truth[test], signature, metric, settings.seed)
    notes += () if asked is None else (asked.used.said,)
    notes += target_notes + column_notes + thinned + repeats(keys, settings.split)
    notes += leak_warnings(learning, signature.inputs, room.truth, settings.predict, clock.part(_LEAKS))
    notes += counter_warnings(
        learning, signature.inputs, room.goals(np.arange(len(room.truth))), settings.predict, when
    )
    trials = _searched(room, judging, settings, clock, book)
    clock.rehearse()  # the machine may be busier than it was
    fit = _learn(room, judging, settings, notes, clock, trials, measure)
    return fit if asked is None else replace(fit, used=asked.used)


def _asked(
    rows: pl.DataFrame, target: Target, settings: ModelSettings, window: Window | None
) -> tuple[pl.DataFrame, Target, Windowed | None]:
    """The rows that a retraining asks for, with their truth; what a class is was read from all of them."""
    if window is None or settings.split.time is None:
        return rows, target, None
    found = windowed(rows, target, settings.split.time, window)
    return rows.filter(found.kept), replace(target, truth=target.truth[found.kept]), found


def _searched(
    room: Classroom, judging: Judging, settings: ModelSettings, clock: Clock, book: TrialBook | None
) -> tuple[Trial, ...]:
    """Try what is worth trying."""
    chooser = scorer(judging.metric, room.signature)
    problem = _problem(room, judging, settings)
    tried = Candidates(problem, settings, higher_is_better=chooser.higher_is_better)
    return try_candidates(room, tried, chooser, clock, book, told=tried.told)


def _problem(room: Classroom, judging: Judging, settings: ModelSettings) -> Problem:
    return Problem(room.signature, judging.metric, settings.seed, settings.features, settings.split.time)


def _yardstick(
    room: Classroom, judging: Judging, settings: ModelSettings, clock: Clock, trials: Sequence[Trial]
) -> tuple[Trial, ...]:
    """A readable model to hold the winner against, where the project file names none."""
    if any(trial.candidate.readable for trial in trials) or clock.left(LADDER) < 0:
        return ()
    one = yardstick(_problem(room, judging, settings))
    return try_candidates(room, [one], scorer(judging.metric, room.signature), clock)


def _learn(
    room: Classroom,
    judging: Judging,
    settings: ModelSettings,
    notes: tuple[str, ...],
    clock: Clock,
    trials: tuple[Trial, ...],
    measure: Measure | None,
) -> Fit:
    """Choose, teach and judge."""
    chooser = scorer(judging.metric, room.signature)
    chosen = choose(room, trials, chooser, settings, measure, clock)
    members, notes = chosen.members, notes + chosen.notes
    notes += _not_seen(chosen.trials, members, room.signature)
    kept = {place: member.weight for place, member in enumerate(members)}
    calling, called = calling_of(room, chosen.trials, kept, judging.metric, settings)
    notes += called
    clock.tell("judging on the test rows")
    outputs = judging.outputs(members)
    evaluation = judging.judge(outputs, calling)
    rungs = [*trials, *_yardstick(room, judging, settings, clock, trials)]
    answer = calling.answer(outputs)
    compared = ladder(room, judging, rungs, members, answer, settings, clock)
    heaviest = chosen.trials[0]
    learned = learning_curve(room, judging, heaviest, members[0], calling, clock)
    found = judging.importances(members, calling, clock)
    evaluation = replace(evaluation, importances=found, weakest=judging.weakest(outputs, calling, found))
    return Fit(
        signature=room.signature,
        members=members,
        threshold=calling.threshold,
        evaluation=evaluation,
        train_rows=room.rows,
        test_rows=judging.rows,
        answer=answer,
        notes=notes + _settings_of(chosen.trials) + compared.gains + _broken_promise(evaluation),
        ladder=compared.steps,
        reference=lambda rows: calling.answer(outputs_of(members, rows, room.signature)),
        calibration=calling.calibration,
        uncalibrated=None if calling.calibration is None else outputs,
        costs=calling.matrix(),
        conformal=calling.conformal,
        learning=learned,
    )


def _not_seen(trials: Sequence[Trial], members: Sequence[Member], signature: Signature) -> tuple[str, ...]:
    """What a selection of columns left out."""
    return unused(members, signature) if any(isinstance(one.candidate.recipe, Chosen) for one in trials) else ()


def _settings_of(trials: Sequence[Trial]) -> tuple[str, ...]:
    """What a search found, where the model's name does not say it."""
    found = [trial.candidate for trial in trials]
    return tuple(
        f"`{one.name}` is " + ", ".join(f"{name} {value}" for name, value in one.settings.items()) + "."
        for one in found
        if one.searched
    )


def _check_resampling(target: Target, settings: ModelSettings) -> None:
    if settings.resample != "none" and target.task == "regression":
        raise TrainingError(
            f"`{settings.predict}` is a value; only classes can be made equally frequent.",
            where="model.resample",
            code="train.resample",
            allowed=["none"],
        )


def _broken_promise(evaluation: Evaluation) -> tuple[str, ...]:
    """A note where sets or intervals surely hold the truth less often than they were made to."""
    seen = evaluation.surroundings
    if seen is None or seen.covered.high >= seen.promised:
        return ()
    return (
        f"Warning: sets or intervals made to hold the truth in {seen.promised:.0%} of rows held it in "
        f"{seen.covered.value:.1%} ({seen.covered.low:.1%} to {seen.covered.high:.1%}) of the test rows: these are "
        "unlike the training rows, or time cut the last fit short.",
    )
