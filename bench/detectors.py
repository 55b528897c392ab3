"""Detectors on streams whose drift is known: delay, misses, false alarms; time and memory.

    python bench/detectors.py [--seeds 5]

Every kind in the entry-point group `millrace.detectors` sees the errors of seeded streams of 20,000 rows. Delays are in
rows, over the drifts that were found within 2,000; false alarms per 10,000 rows without a drift, those of `none` and
`covariate` among them. Two that know nothing are the measure: one never alarms, one does at random, once in 1,000 rows.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable
from time import perf_counter

import numpy as np

from millrace.monitor.detectors.registry import detector, kinds
from millrace.testing.streams import KINDS, alarms, score, stream

ROWS, WITHIN = 20_000, 2000


def at_random() -> Callable[[float], bool]:
    """Alarms once in 1,000 rows, whatever they are."""
    draw = np.random.default_rng(0)
    return lambda _: draw.random() < 0.001


def streams(open_one: Callable[[], Callable[[float], bool]], seeds: int) -> str:
    """What a detector made of all streams, as one line."""
    delays, missed, drifts, false, calm = [], 0, 0, 0, 0
    for kind in KINDS:
        for seed in range(seeds):
            known = stream(kind, rows=ROWS, seed=seed)
            outcome = score(alarms(open_one(), known.errors.astype(float)), known.harmed, ROWS, within=WITHIN)
            delays += outcome.delays
            missed += outcome.missed
            drifts += len(known.harmed)
            false += outcome.false_alarms
            calm += outcome.calm
    delay = f"{np.median(delays):.0f}" if delays else "-"
    return f"{delay:>6} {missed:>4} of {drifts:<4} {10_000 * false / calm:>8.2f}"


def cost(open_one: Callable[[], Callable[[float], bool]]) -> str:
    """Seconds for a million rows, and kB held after 100,000."""
    errors = (np.random.default_rng(1).random(100_000) < 0.1).astype(float).tolist()
    update, start = open_one(), perf_counter()
    for error in errors:
        update(error)
    seconds = 10 * (perf_counter() - start)
    tracemalloc.start()
    update = open_one()
    for error in errors[:20_000]:
        update(error)
    held = tracemalloc.get_traced_memory()[0] / 1024
    tracemalloc.stop()
    return f"{seconds:>8.1f} {held:>8.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{'detector':14} {'delay':>6} {'missed':>12} {'false/10k':>8} {'s/million':>8} {'kB':>6}")
    judged: dict[str, Callable[[], Callable[[float], bool]]] = {
        "(never)": lambda: lambda _: False,
        "(at random)": at_random,
    }
    judged |= {name: lambda name=name: detector(name).update for name in sorted(kinds())}
    for name, open_one in judged.items():
        print(f"{name:14} {streams(open_one, asked.seeds)} {cost(open_one)}", flush=True)
