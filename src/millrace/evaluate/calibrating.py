"""Honest probabilities: maps learned on answers out of fold, and whether one of them helps beyond noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from millrace.evaluate.intervals import error_of
from millrace.evaluate.isotonic import isotonic
from millrace.evaluate.probabilities import log_losses
from millrace.records.calibration import EDGE, Calibration, Curve, Method
from millrace.records.evaluation import Metric

#: A map is learned on four fifths of the rows and tried on the fifth, in turn.
_PARTS = 5
#: One-sided 97.5 % for the best of three methods (Bonferroni).
_SURE = 2.394
#: Curves have many parameters: fewer rows than this bend them.
_CURVE_ROWS = 1000
_FEWEST = 50


@dataclass(frozen=True, slots=True)
class Tried:
    """A method, its map learned on all rows, and by how much it lowers the log loss on rows it did not learn from."""

    calibration: Calibration
    gain: Metric


def apply(calibration: Calibration | None, probabilities: np.ndarray) -> np.ndarray:
    """Calibrated probabilities float64 ``[rows, classes]`` from such probabilities.

    Examples
    --------
    >>> apply(Calibration("temperature", (0.5,)), np.array([[0.1, 0.9]])).round(3).tolist()
    [[0.25, 0.75]]
    """
    if calibration is None:
        return probabilities
    raw = np.asarray(probabilities, np.float64)
    if raw.shape[1] == 2:
        positive = _mapped(calibration, 0, raw[:, 1])
        return np.stack([1 - positive, positive], axis=1)
    if calibration.method == "temperature":
        grown = calibration.slopes[0] * np.log(np.clip(raw, EDGE, 1.0))
        powers = np.exp(grown - grown.max(axis=1, keepdims=True))
    else:
        powers = np.stack([_mapped(calibration, i, raw[:, i]) for i in range(raw.shape[1])], axis=1)
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _mapped(calibration: Calibration, place: int, probability: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    if calibration.method == "isotonic":
        return follow(calibration.curves[place], probability)
    offset = calibration.offsets[place] if calibration.offsets else 0.0
    mapped: np.ndarray = expit(calibration.slopes[place] * _logit(probability) + offset)
    return mapped


def follow(curve: Curve, at: np.ndarray) -> np.ndarray:
    """The curve's height at each place."""
    return np.asarray(np.interp(at, curve.x, curve.y), np.float64)


def _logit(probability: np.ndarray) -> np.ndarray:
    inside = np.clip(probability, EDGE, 1 - EDGE)
    odds: np.ndarray = np.log(inside / (1 - inside))
    return odds


def learn(method: Method, truth: np.ndarray, probabilities: np.ndarray) -> Calibration | None:
    """The map of `method` that suits these rows; None where they show no rising relation.

    `truth` int64 ``[rows]``, `probabilities` float64 ``[rows, classes]`` of rows that were held out of learning.
    """
    classes = probabilities.shape[1]
    places = [1] if classes == 2 else list(range(classes))
    if method == "temperature":
        slope = _temperature(truth, probabilities)
        return Calibration("temperature", (slope,)) if slope > 0 else None
    if method == "isotonic":
        return Calibration("isotonic", curves=tuple(isotonic(truth == i, probabilities[:, i]) for i in places))
    lines = [_line(truth == i, _logit(probabilities[:, i])) for i in places]
    if min(slope for slope, _ in lines) <= 0:
        return None
    return Calibration("sigmoid", tuple(slope for slope, _ in lines), tuple(offset for _, offset in lines))


def try_out(method: Method, truth: np.ndarray, probabilities: np.ndarray) -> Tried | None:
    """What `method` gains on rows it did not learn from; None where it cannot be learned."""
    classes = probabilities.shape[1]
    fewest = int(np.bincount(truth, minlength=classes).min())
    if len(truth) < (_CURVE_ROWS if method == "isotonic" else _FEWEST) or fewest < 2 * _PARTS:
        return None
    part = np.arange(len(truth)) % _PARTS
    gains = np.empty(len(truth))
    for held in (part == i for i in range(_PARTS)):
        found = learn(method, truth[~held], probabilities[~held])
        if found is None:
            return None
        before, after = probabilities[held], apply(found, probabilities[held])
        gains[held] = log_losses(truth[held], before) - log_losses(truth[held], after)
    whole = learn(method, truth, probabilities)
    if whole is None:
        return None
    mean = float(gains.mean())
    reach = _SURE * error_of((gains - mean) / len(gains))
    return Tried(whole, Metric(mean, mean - reach, mean + reach))


def best(truth: np.ndarray, probabilities: np.ndarray, methods: tuple[Method, ...]) -> Tried | None:
    """The method that gains most of those that surely gain; None when none does."""
    tried = [one for method in methods if (one := try_out(method, truth, probabilities))]
    sure = [one for one in tried if one.gain.low > 0]
    return max(sure, key=lambda one: one.gain.value, default=None)


def _temperature(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The inverse temperature with the least log loss, which is convex in it, by Newton's steps."""
    logs = np.log(np.clip(np.asarray(probabilities, np.float64), EDGE, 1.0))

    def slope_and_bend(at: float) -> tuple[float, float]:
        grown = np.exp(at * logs - (at * logs).max(axis=1, keepdims=True))
        share = grown / grown.sum(axis=1, keepdims=True)
        mean = (share * logs).sum(axis=1)
        given = logs[np.arange(len(truth)), truth]
        return float((mean - given).mean()), float(((share * logs**2).sum(axis=1) - mean**2).mean())

    return _root(slope_and_bend, 1.0)


def _root(slope_and_bend: Callable[[float], tuple[float, float]], start: float) -> float:
    at = start
    for _ in range(50):
        slope, bend = slope_and_bend(at)
        step = float(np.clip(slope / max(bend, 1e-12), -0.5 * max(at, 0.1), 0.5 * max(at, 0.1)))
        at -= step
        if abs(step) < 1e-10:
            break
    return at


def _line(member: np.ndarray, logit: np.ndarray) -> tuple[float, float]:
    """Slope and offset of Platt's sigmoid, by Newton's steps on his softened targets, which keep them finite."""
    from scipy.special import expit

    positives, rows = float(member.sum()), len(member)
    high, low = (positives + 1) / (positives + 2), 1 / (rows - positives + 2)
    goal = np.where(member, high, low)
    matrix = np.stack([logit, np.ones(rows)], axis=1)

    def loss(at: np.ndarray) -> float:
        score = matrix @ at
        return float((np.logaddexp(0.0, score) - goal * score).sum())

    weights = np.array([1.0, 0.0])
    for _ in range(50):
        chance = expit(matrix @ weights)
        bend = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + 1e-9 * np.eye(2)
        step = np.linalg.solve(bend, matrix.T @ (chance - goal))
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-10:
            step = step / 2  # Newton's step is too long where the sigmoid is flat
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])
