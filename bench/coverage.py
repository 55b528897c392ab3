"""How often 95 % intervals hold the true value, for every metric, by simulation.

    python bench/coverage.py [--draws 1000] [--rows 300 1000]

Each world is a million rows whose metrics are the truth; samples are drawn from it with replacement, judged, and
counted where the interval holds the world's value. A share of 95 % counted in 1,000 draws has a standard error of
0.7 points, and all metrics of a world are judged on the same draws, so they err together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from millrace.evaluate.costs import cost_metric
from millrace.evaluate.definition import MetricDefinition
from millrace.evaluate.measure import Judged, measure
from millrace.evaluate.metrics import METRICS

#: Rows of a world: its own values are then exact to a hundredth of a sample's error.
WORLD = 1_000_000


@dataclass(frozen=True)
class World:
    """Truth and answers of a population."""

    name: str
    rows: Judged

    def sample(self, rows: int, rng: np.random.Generator) -> Judged:
        """Some rows of it, with replacement."""
        chosen = rng.integers(0, len(self.rows.truth), rows)
        parts = (self.rows.label, self.rows.probabilities, self.rows.value)
        cut = [None if part is None else part[chosen] for part in parts]
        return Judged(self.rows.task, self.rows.classes, self.rows.truth[chosen], *cut)


def two_classes(share: float, sharpness: float, promised: Callable[[np.ndarray], np.ndarray], name: str) -> World:
    """True chances spread around `share`; the model promises a function of them."""
    rng = np.random.default_rng(1)
    chance = _logistic(np.log(share / (1 - share)) + sharpness * rng.standard_normal(WORLD))
    truth = (rng.random(WORLD) < chance).astype(np.int64)
    probability = promised(chance)
    label = (probability >= 0.5 * share / 0.5).astype(np.int64) if share < 0.2 else (probability >= 0.5).astype(int)
    return World(name, Judged("binary", 2, truth, label, probability, None))


def many_classes(classes: int, heat: float, name: str) -> World:
    """Chances from a softmax, promised after dividing the logits by `heat`; 1 is honest, 0.5 overconfident."""
    rng = np.random.default_rng(2)
    logits = 1.5 * rng.standard_normal((WORLD, classes)) + np.linspace(0.8, -0.8, classes)
    chance = _softmax(logits)
    truth = (rng.random(WORLD)[:, None] > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
    promised = _softmax(logits / heat)
    return World(name, Judged("multiclass", classes, truth, promised.argmax(axis=1), promised, None))


def values(noise: Callable[[np.random.Generator], np.ndarray], name: str, level: float = 0.0) -> World:
    """Values with noise of some shape around what the model says."""
    rng = np.random.default_rng(3)
    said = level + 2.0 * rng.standard_normal(WORLD)
    return World(name, Judged("regression", 0, said + noise(rng), None, None, said))


def amounts(spread: float, name: str) -> World:
    """Amounts above 0, many of them small, that the model misses by a factor."""
    rng = np.random.default_rng(4)
    said = np.exp(spread * rng.standard_normal(WORLD))
    return World(name, Judged("regression", 0, said * np.exp(0.3 * rng.standard_normal(WORLD)), None, None, said))


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _softmax(x: np.ndarray) -> np.ndarray:
    grown = np.exp(x - x.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def worlds() -> list[World]:
    """The simulated problems: easy and hard, common and rare, honest and not."""
    return [
        two_classes(0.4, 1.5, lambda p: p, "binary, honest"),
        two_classes(0.3, 1.5, lambda p: _logistic(1.4 * np.log(p / (1 - p))), "binary, rather sure"),
        two_classes(0.3, 1.2, lambda p: _logistic(2.5 * np.log(p / (1 - p))), "binary, far too sure"),
        two_classes(0.05, 1.2, lambda p: p, "binary, 5 % positives"),
        many_classes(3, 1.0, "3 classes, honest"),
        many_classes(3, 0.75, "3 classes, rather sure"),
        many_classes(3, 0.4, "3 classes, far too sure"),
        many_classes(7, 0.75, "7 classes, rather sure"),
        values(lambda g: g.standard_normal(WORLD), "values, normal noise"),
        values(lambda g: g.standard_t(5, WORLD), "values, heavy tails"),
        values(lambda g: g.standard_normal(WORLD), "values far from 0", level=20.0),
        amounts(0.5, "amounts, many small"),
        amounts(0.8, "amounts, a few rule"),
    ]


def coverage(world: World, rows: int, draws: int) -> tuple[dict[str, float], dict[str, float]]:
    """The share of samples whose interval holds the world's value, and of those that refuse the metric, by metric."""
    priced = _priced(world)
    metrics = [*(METRICS[name] for name in _names(world)), *priced]
    true = {metric.name: metric.function(world.rows.truth, _needed(world.rows, metric)) for metric in metrics}
    rng, held, seen = np.random.default_rng(rows), dict.fromkeys(true, 0), dict.fromkeys(true, 0)
    for draw in range(draws):
        for name, metric in measure(world.sample(rows, rng), draw, priced).items():
            held[name] += metric.low <= true[name] <= metric.high
            seen[name] += 1
    shares = {name: held[name] / count for name, count in seen.items() if count > draws / 20}
    return shares, {name: 1 - count / draws for name, count in seen.items() if count < draws}


def _names(world: World) -> list[str]:
    return [name for name, m in METRICS.items() if world.rows.task in m.tasks and world.rows.prediction(m) is not None]


def _priced(world: World) -> tuple[MetricDefinition, ...]:
    """The mean cost of a row, where later classes are eight times as dear to miss as the others to call."""
    if world.rows.label is None:
        return ()
    classes = world.rows.classes
    return (cost_metric(np.triu(np.ones((classes, classes)), 1) + 8 * np.tril(np.ones((classes, classes)), -1)),)


def _needed(rows: Judged, metric: MetricDefinition) -> np.ndarray:
    prediction = rows.prediction(metric)
    assert prediction is not None
    return prediction


def _ends(shares: dict[str, float]) -> str:
    """The lowest and the highest share, and whose they are."""
    low, high = min(shares, key=lambda name: shares[name]), max(shares, key=lambda name: shares[name])
    return f"{shares[low]:.3f} ({low}) to {shares[high]:.3f} ({high})"


def main() -> None:
    """Print a line for each world and size; exit with 1 where a coverage leaves 93 to 97 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--world", default="", help="only worlds whose name holds this")
    parser.add_argument("--metric", default="", help="print only this metric")
    asked = parser.parse_args()
    outside = 0
    for world in worlds():
        if asked.world not in world.name:
            continue
        for rows in asked.rows:
            found, refused = coverage(world, rows, asked.draws)
            shown = {name: share for name, share in found.items() if asked.metric in name}
            strange = [name for name, share in shown.items() if not 0.93 <= share <= 0.97]
            outside += len(strange)
            print(f"{world.name:26} {rows:>6} rows  {_ends(shown)}", end="")
            print("".join(f"  ! {name} {shown[name]:.3f}" for name in strange), end="")
            print("".join(f"  ({name} refused {share:.0%})" for name, share in refused.items()), flush=True)
    sys.exit(1 if outside else 0)


if __name__ == "__main__":
    main()
