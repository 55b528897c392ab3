"""From a blend's outputs to an answer: calibrate, call, and say what else may be true; all learned out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from millrace.config.deciding import Floor, parse_threshold
from millrace.config.schema import CostMetric, ModelSettings
from millrace.errors import TrainingError, UsageError
from millrace.records.calibration import Calibration, Method
from millrace.records.conformal import Conformal
from millrace.records.fit import Answer
from millrace.records.metric import Metric
from millrace.records.signature import Signature
from millrace.train.trials import Classroom, Trial

#: Maps of a few numbers learn nothing more from more rows than this; these are spread over all.
_CALIBRATION_ROWS = 30_000
_METHODS: tuple[Method, ...] = ("temperature", "sigmoid", "isotonic")


@dataclass(frozen=True, slots=True, eq=False)
class Calling:
    """How outputs become answers; `costs` float64 ``[true class, called class]`` or None."""

    signature: Signature
    calibration: Calibration | None = None
    threshold: float | None = None
    costs: np.ndarray | None = None
    conformal: Conformal | None = None

    def answer(self, outputs: np.ndarray) -> Answer:
        """Outputs as an answer in the precision in which the package gives it."""
        from millrace.evaluate.calibrating import apply
        from millrace.evaluate.conformal import surround
        from millrace.evaluate.costs import cheapest, expected

        if self.signature.task == "regression":
            answer = Answer(value=outputs.astype(np.float32))
        else:
            probabilities = apply(self.calibration, outputs).astype(np.float32)
            if self.signature.task == "binary" and self.threshold is not None:
                label = (probabilities[:, 1] >= np.float32(self.threshold)).astype(np.int64)
            elif self.costs is not None:
                label = cheapest(probabilities, self.costs)
            else:
                label = probabilities.argmax(axis=1).astype(np.int64)
            costs = None if self.costs is None else expected(probabilities, self.costs).astype(np.float32)
            answer = Answer(label, probabilities, costs=costs)
        if self.conformal is None:
            return answer
        around = surround(self.conformal, answer)
        if len(around) == 1:
            return replace(answer, inside=around[0])
        return replace(answer, lower=around[0], upper=around[1])

    def matrix(self) -> tuple[tuple[float, ...], ...]:
        """The costs as plain numbers."""
        return () if self.costs is None else tuple(tuple(row) for row in self.costs.tolist())


def costs_of(settings: ModelSettings, signature: Signature) -> np.ndarray | None:
    """The cost matrix that the project file states, for the classes that the target has.

    Raises
    ------
    TrainingError
        When the target has no classes, or the file names another one.
    """
    if not isinstance(settings.metric, CostMetric):
        return None
    from millrace.evaluate.costs import cost_matrix

    where = "model.metric.cost"
    if signature.task == "regression":
        raise TrainingError(f"`{signature.target}` is a value; only calls of classes have costs.", where=where)
    try:
        return cost_matrix(settings.metric.cost, signature.classes, where)
    except UsageError as error:
        raise TrainingError(
            error.seen,
            where=where,
            code="train.cost",
            allowed=error.allowed,
            nearest=error.nearest,
            next_step=error.next_step,
        ) from error


def calling_of(
    room: Classroom, trials: Sequence[Trial], weights: Mapping[int, float], metric: str, settings: ModelSettings
) -> tuple[Calling, tuple[str, ...]]:
    """What suits the out-of-fold answers of the blend, and what a reader should know about it."""
    outputs = np.asarray(sum(weight * trials[place].outputs for place, weight in weights.items()))
    truth, signature = room.truth[trials[0].rows], room.signature
    if signature.task == "regression":
        return Calling(signature, conformal=_conformal(truth, outputs, settings)), ()
    from millrace.evaluate.calibrating import apply

    calibration, calibrated = _calibration(truth, outputs, settings)
    costs = costs_of(settings, signature)
    probabilities = apply(calibration, outputs)
    threshold, called = _threshold(truth, probabilities, metric, costs, settings)
    conformal = _conformal(truth, probabilities, settings)
    return Calling(signature, calibration, threshold, costs, conformal), calibrated + called


def _calibration(
    truth: np.ndarray, outputs: np.ndarray, settings: ModelSettings
) -> tuple[Calibration | None, tuple[str, ...]]:
    from millrace.evaluate.calibrating import best, learn, try_out

    if settings.calibrate == "none":
        return None, ()
    every = -(-len(truth) // _CALIBRATION_ROWS)
    truth, outputs = truth[::every], outputs[::every]
    if settings.calibrate == "auto":
        found = best(truth, outputs, _METHODS)
        return (found.calibration, (_gained(found.calibration, found.gain),)) if found else (None, ())
    tried = try_out(settings.calibrate, truth, outputs)
    if tried is not None:
        return tried.calibration, (_gained(tried.calibration, tried.gain),)
    learned = learn(settings.calibrate, truth, outputs)
    if learned is None:
        return None, (f"Probabilities are not calibrated: {settings.calibrate} finds no rising relation in them.",)
    return learned, (f"Probabilities are calibrated by {settings.calibrate}; the rows are too few to tell its gain.",)


def _gained(calibration: Calibration, gain: Metric) -> str:
    told = f"{gain.value:.4f} ({gain.low:.4f} to {gain.high:.4f})"
    return f"Probabilities are calibrated by {calibration.method}: out of fold, log_loss falls by {told}."


def _threshold(
    truth: np.ndarray, probabilities: np.ndarray, metric: str, costs: np.ndarray | None, settings: ModelSettings
) -> tuple[float | None, tuple[str, ...]]:
    """Where the positive is called; float32, as the package compares."""
    stated = parse_threshold(settings.threshold)
    if probabilities.shape[1] != 2:
        if stated is not None:
            raise TrainingError(
                f"A threshold is for two classes; the target has {probabilities.shape[1]}.",
                where="model.threshold",
                code="train.threshold",
                next_step="state what mistakes cost instead: metric: {cost: {<true>: {<called>: 5}}}",
            )
        return None, ()
    from millrace.evaluate.costs import NAME, indifference
    from millrace.evaluate.thresholds import best_threshold, floored_threshold

    notes: tuple[str, ...] = ()
    if isinstance(stated, Floor):
        found, reached = floored_threshold(truth, probabilities[:, 1], stated)
        if not reached:
            floor = f"{stated.metric} of {stated.value:g} or more"
            notes = (f"No threshold has {floor} out of fold; the one that comes nearest is taken.",)
    elif stated is not None:
        found = stated
    elif costs is not None:
        found = indifference(costs)
    else:
        found = best_threshold(truth, probabilities[:, 1], metric="f1" if metric == NAME else metric)
    return float(np.float32(found)), notes


def _conformal(truth: np.ndarray, outputs: np.ndarray, settings: ModelSettings) -> Conformal | None:
    from millrace.evaluate.conformal import intervals, sets

    if settings.conformal == "none":
        return None
    if outputs.ndim == 1:
        return intervals(truth, outputs, settings.conformal.coverage)
    return sets(truth, outputs, settings.conformal.coverage, settings.conformal.by)
