"""From a table to a fit: type the columns, seal the test part, try models within the budget, judge the best blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from warnings import catch_warnings, filterwarnings

import numpy as np
import polars as pl

from millrace.config.schema import ModelSettings, SplitSettings
from millrace.engine.clock import LADDER, Clock
from millrace.errors import TrainingError
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Fit
from millrace.records.progress import Watch, unwatched
from millrace.records.signature import Signature
from millrace.store.trial_book import TrialBook
from millrace.train.blend import blend
from millrace.train.calling import calling_of, costs_of
from millrace.train.candidates import candidates, yardstick
from millrace.train.columns import describe, type_columns
from millrace.train.ensemble import taught
from millrace.train.judging import Judging
from millrace.train.ladder import ladder
from millrace.train.leaks import leak_warnings
from millrace.train.learning import learning_curve
from millrace.train.models.base import Problem
from millrace.train.scorer import deciding_metric, scorer
from millrace.train.split import Folds, folds, holdout, order_keys, sealed
from millrace.train.target import Target, answered, read_target
from millrace.train.thinning import affordable
from millrace.train.trials import Classroom, Trial, outputs_of, try_candidates

#: With more training rows, fewer folds tell as much.
_FIVE_FOLDS, _THREE_FOLDS = 30_000, 100_000
#: Leaks are looked for in this share of the time at most.
_LEAKS = 0.1


def train(
    frame: pl.DataFrame,
    settings: ModelSettings,
    watch: Watch = unwatched,
    book: TrialBook | None = None,
    clock: Clock | None = None,
) -> Fit:
    """Learn to predict ``settings.predict`` from the other columns, within ``settings.budget`` seconds or trials.

    A part of the rows is sealed first and looked at only by the final judgement. Linear models and a portfolio of
    boosted trees are cross-validated on the rest; a blend of at most three of them, weighted on their out-of-fold
    answers, is taught on all training rows. The same rows and seed give the same fit, unless time cuts the search: a
    budget of trials is never cut. Finished trials are written into `book`, and taken from it. `clock` is the
    budget that began before.

    Raises
    ------
    TrainingError
        The target is absent, constant or of no usable type; there are too few rows or no usable column; or the
        settings name columns or classes that are not there.
    UsageError
        `settings.metric` is no metric of the task.
    """
    with catch_warnings():
        # A solver that is asked for a few steps at a time says each time that it could go on.
        filterwarnings("ignore", message="lbfgs failed to converge")
        return _train(frame, settings, clock or Clock(settings.budget, watch), book)


def _train(frame: pl.DataFrame, settings: ModelSettings, clock: Clock, book: TrialBook | None) -> Fit:
    clock.tell("typing the columns")
    rows, notes = answered(frame, settings)
    target, target_notes = read_target(rows, settings)
    fields, column_notes = type_columns(rows, settings)
    rows = rows.select(*(field.name for field in fields), settings.predict, *split_columns(settings.split))
    kept, thinned = affordable(rows, fields, strata_of(target, settings.split), clock)
    rows, target = rows.filter(kept), replace(target, truth=target.truth[kept])
    keys = order_keys(rows, fields, settings.split)
    strata = strata_of(target, settings.split)
    test = sealed(keys, strata, settings.split.test)
    _check_classes(target, test)
    rows = rows.select(*(field.name for field in fields), settings.predict)
    learning = rows.filter(~test)
    signature = Signature(target.task, settings.predict, describe(learning, fields), target.classes, target.positive)
    room = Classroom(learning, target.truth[~test], signature, _folds(keys[~test], strata[~test], settings.split))
    costs_of(settings, signature)  # a class that is not there is refused before anything is learned
    metric = deciding_metric(settings, room.truth, signature)
    judging = Judging(rows.filter(test), target.truth[test], signature, metric, settings.seed)
    notes += target_notes + column_notes + thinned + _repeats(keys, settings.split)
    notes += leak_warnings(learning, signature.inputs, room.truth, settings.predict, clock.part(_LEAKS))
    trials = _searched(room, judging, settings, clock, book)
    return _learn(room, judging, settings, notes, clock, trials)


def _searched(
    room: Classroom, judging: Judging, settings: ModelSettings, clock: Clock, book: TrialBook | None
) -> tuple[Trial, ...]:
    """Try what is worth trying."""
    chooser = scorer(judging.metric, room.signature)
    problem = _problem(room, judging, settings)
    return try_candidates(room, candidates(problem, settings), chooser, clock, book)


def _problem(room: Classroom, judging: Judging, settings: ModelSettings) -> Problem:
    return Problem(room.signature, judging.metric, settings.seed)


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
) -> Fit:
    """Choose, teach and judge."""
    chooser = scorer(judging.metric, room.signature)
    weights = blend([trial.outputs for trial in trials], room.truth[trials[0].rows], chooser)
    members = taught(room, trials, weights, clock)
    if len(members) < len(weights):
        notes += (f"The budget cut the ensemble to {len(members)} of {len(weights)} models.",)
    kept = dict(zip(sorted(weights, key=lambda place: -weights[place]), (one.weight for one in members), strict=False))
    calling, called = calling_of(room, trials, kept, judging.metric, settings)
    notes += called
    clock.tell("judging on the test rows")
    outputs = judging.outputs(members)
    evaluation = judging.judge(outputs, calling)
    rungs = [*trials, *_yardstick(room, judging, settings, clock, trials)]
    answer = calling.answer(outputs)
    compared = ladder(room, judging, rungs, members, answer, settings, clock)
    heaviest = trials[next(iter(kept))]
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
        notes=notes + compared.gains + _broken_promise(evaluation),
        ladder=compared.steps,
        reference=lambda rows: calling.answer(outputs_of(members, rows, room.signature)),
        calibration=calling.calibration,
        uncalibrated=None if calling.calibration is None else outputs,
        costs=calling.matrix(),
        conformal=calling.conformal,
        learning=learned,
    )


def split_columns(split: SplitSettings) -> tuple[str, ...]:
    """The columns by which rows are split; none where they are by their hash."""
    return tuple(name for name in (split.time, split.group) if name is not None)


def strata_of(target: Target, split: SplitSettings) -> np.ndarray:
    """Classes where rows are split by hash; time and groups cut across classes."""
    if target.task == "regression" or split_columns(split):
        return np.zeros(len(target.truth), dtype=np.int64)
    return target.truth


def _check_classes(target: Target, test: np.ndarray) -> None:
    for place, name in enumerate(target.classes):
        own = target.truth == place
        seen = "training" if not (own & ~test).any() else "test" if not (own & test).any() else ""
        if seen == "training" or (seen and target.task == "binary"):
            raise TrainingError(
                f"Class `{name}` has {own.sum()} rows, and none of them fell into the {seen} part.",
                where="model.split",
                code="train.split",
                next_step="collect more rows of this class, or change model.split",
            )


def _folds(keys: np.ndarray, strata: np.ndarray, split: SplitSettings) -> Folds:
    if split.time is not None or len(keys) > _THREE_FOLDS:
        pairs = holdout(keys, strata, split.validation)
    else:
        pairs = folds(keys, strata, 5 if len(keys) <= _FIVE_FOLDS else 3)
    if not pairs:
        raise TrainingError(
            "The training rows cannot be split for validation: too few of them differ.",
            where="model.split",
            code="train.split",
        )
    return pairs


def _repeats(keys: np.ndarray, split: SplitSettings) -> tuple[str, ...]:
    if split_columns(split):
        return ()
    repeated = len(keys) - len(np.unique(keys))
    if not repeated:
        return ()
    return (f"{repeated} rows repeat the inputs of another row; copies stay on one side of the split.",)


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
