"""Harm without labels: shifts that hurt, and shifts that do not, judged before any truth is known.

    python bench/harm.py [--streams 40]

Each stream is 20,000 rows of a binary problem, 200 an hour, answered by a model (logistic regression on 3,000 other
rows); the inputs change at the middle. 1,500 held-out rows with their truth are all that is known. A look follows
every hour, with `false_alarms: 1 per month`, of which the test takes a quarter. The truth of the served rows is used
for this table alone: the accuracy before and after, how far the estimate is from it, and how often its band holds it.
Two that know nothing are the measure: one never alarms, one does at random, once in 10,000 rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from millrace.config.schema import MonitorSettings
from millrace.monitor.unlabelled.held import Held
from millrace.monitor.unlabelled.stage import without_labels
from millrace.profile.build import profile
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer
from millrace.records.package import Manifest
from millrace.records.signature import Field, Signature

ROWS, AN_HOUR, HELD, TAUGHT = 20_000, 200, 1_500, 3_000
SIGNATURE = Signature(
    "binary", "y", (*(Field(name, "number") for name in "abc"), Field("group", "category")), ("no", "yes"), "yes"
)
SETTINGS = MonitorSettings(false_alarms="1 per month", window="6 hours")
Drawn = tuple[pl.DataFrame, np.ndarray]


def draw(
    rows: int,
    random: np.random.Generator,
    *,
    spread: float = 1.0,
    c: float = 0.0,
    crowd: float = 0.2,
    rule: float = 1.0,
) -> Drawn:
    """Rows and their truth: it follows a + b, except in the group `crowd`, where it is half a coin."""
    inputs = random.normal(size=(rows, 3)) * [spread, spread, 1.0] + [0.0, 0.0, c]
    crowded = random.random(rows) < crowd
    margin = np.where(crowded, 0.6, 4.0) * (inputs[:, 0] + rule * inputs[:, 1])
    truth = (random.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.int64)
    frame = pl.DataFrame({name: inputs[:, place] for place, name in enumerate("abc")})
    return frame.with_columns(pl.Series("group", np.where(crowded, "crowd", "calm"))), truth


#: What the inputs become, and whether it hurts.
SHIFTS: dict[str, tuple[Callable[..., Drawn], str]] = {
    "nothing": (draw, "no"),
    "an input that does not matter moves by 1 sd": (lambda n, r: draw(n, r, c=1.0), "no"),
    "inputs move apart (x 1.5)": (lambda n, r: draw(n, r, spread=1.5), "no"),
    "inputs come close to the boundary (x 0.4)": (lambda n, r: draw(n, r, spread=0.4), "yes"),
    "the hard group grows from 20 % to 60 %": (lambda n, r: draw(n, r, crowd=0.6), "yes"),
    "the rule changes, the inputs do not": (lambda n, r: draw(n, r, rule=-1.0), "unseen"),
}


class Stream:
    """One stream, its model, and what the looks saw."""

    def __init__(self, shift: Callable[..., Drawn], seed: int) -> None:
        random = np.random.default_rng(seed)
        taught, truth = draw(TAUGHT, random)
        model = LogisticRegression().fit(_design(taught), truth)
        self.say = lambda rows: _answer(model.predict_proba(_design(rows)))
        held, held_truth = draw(HELD, random)
        self.held = Held(held, held_truth, self.say(held), "held-out rows")
        self.reference = profile(taught, SIGNATURE, answer=self.held.answer)
        right = float((self.held.answer.label == held_truth).mean())
        evaluation = Evaluation("binary", {"accuracy": Metric(right, right, right)}, "accuracy", HELD)
        self.manifest = Manifest("p", 1, "r", "", SIGNATURE, evaluation, {}, threshold=0.5)
        (before, was), (after, then) = draw(ROWS // 2, random), shift(ROWS // 2, random)
        self.rows, self.truth = pl.concat([before, after]), np.concatenate((was, then))

    def log(self) -> pl.DataFrame:
        """The rows as the prediction log has them."""
        said = self.say(self.rows)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        at = [start + timedelta(seconds=3600 / AN_HOUR * row) for row in range(ROWS)]
        return self.rows.with_columns(
            pl.Series("at", at),
            pl.Series("label", [SIGNATURE.classes[label] for label in said.label]),
            pl.Series("probabilities", said.probabilities.tolist(), dtype=pl.List(pl.Float32)),
        )


def _design(rows: pl.DataFrame) -> np.ndarray:
    plain = rows.select("a", "b", "c").to_numpy()
    crowd = (rows["group"] == "crowd").to_numpy()[:, None]
    return np.hstack([plain, crowd, plain * crowd])


def _answer(chances: np.ndarray) -> Answer:
    return Answer(label=(chances[:, 1] >= 0.5).astype(np.int64), probabilities=chances.astype(np.float32))


def watched(stream: Stream, every: int) -> tuple[list[int], list[tuple[float, float, bool]]]:
    """The rows at which looks alarmed, and of each look the estimate, the truth, and whether the band holds it."""
    log, alarms, said = stream.log(), [], []
    right = stream.say(stream.rows).label == stream.truth
    for end in range(every, ROWS + 1, every):
        found = without_labels(SETTINGS, stream.manifest, stream.reference, log[:end], stream.held)
        assert found is not None
        if found.alarmed:
            alarms.append(end)
        if found.value is not None:
            truly = float(right[end - found.rows : end].mean())
            said.append((found.value, truly, found.low <= truly <= found.high))
    return alarms, said


def report(streams: int, every: int) -> None:
    """One line for each kind of shift."""
    random, middle = np.random.default_rng(0), ROWS // 2
    titles = f"{'before':>7} {'after':>7} {'delay':>6} {'error':>6} {'in band':>7}"
    print(f"{'what changes':46} {'hurts':7} {'accuracy':14} {titles}")
    for name, (shift, hurts) in SHIFTS.items():
        early, late, delays, errors, inside, rights = 0, 0, [], [], [], []
        for seed in range(streams):
            stream = Stream(shift, seed)
            alarms, said = watched(stream, every)
            right = stream.say(stream.rows).label == stream.truth
            rights.append((right[:middle].mean(), right[middle:].mean()))
            early += any(row <= middle for row in alarms)
            after = [row - middle for row in alarms if row > middle]
            late += bool(after)
            delays += after[:1]
            errors += [abs(value - truly) for value, truly, _ in said]
            inside += [held for *_, held in said]
        was, became = np.mean(rights, axis=0)
        delay = f"{np.median(delays):.0f}" if delays else "-"
        print(
            f"{name:46} {hurts:7} {was:.3f} → {became:.3f}  {early / streams:>7.1%} {late / streams:>7.1%} {delay:>6} "
            f"{np.mean(errors):>6.3f} {np.mean(inside):>7.1%}",
            flush=True,
        )
    print(f"{'(never alarms)':69} {0:>7.1%} {0:>7.1%}")
    chance = 1 - (1 - 1e-4) ** middle
    drawn = (random.random((streams, 2)) < chance).mean(axis=0)
    print(f"{'(alarms at random, once in 10,000 rows)':69} {drawn[0]:>7.1%} {drawn[1]:>7.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=40)
    parser.add_argument("--every", type=int, default=AN_HOUR, help="rows from one look to the next")
    asked = parser.parse_args()
    start = perf_counter()
    report(asked.streams, asked.every)
    print(f"{perf_counter() - start:.0f} s")
