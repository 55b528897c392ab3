"""How often equal models are called different, and how soon different ones are told apart, looking after every asker.

    python bench/ab.py                 # 2,000 runs for each line
    python bench/ab.py --runs 200

A run draws askers one by one, gives them to champion or challenger by the weight, draws whether the outcome came, and
looks after every single one as `millrace release status` does, up to the last asker. Prints two tables; leaves
bench/results/ab.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "src")]
from millrace.evaluate.sequences import Moments, difference  # noqa: E402 - found through the line above
from millrace.records.traffic import Challenger, Outcome  # noqa: E402
from millrace.release.trial import RARE, TIGHTEST  # noqa: E402

TERMS = Challenger(2, 0.5, Outcome("outcome", higher=True), "")
ASKERS = 20_000
RATES = (0.01, 0.05, 0.2, 0.5, 0.8)
WEIGHTS = (0.5, 0.1)
#: At a rate of 5 % an uplift of a tenth is 0.5 points: it takes many askers to see.
POWER = ((0.05, 400_000), (0.1, 200_000), (0.2, 100_000), (0.5, 40_000), (0.8, 20_000))


def first_verdicts(rates: tuple[float, float], weight: float, askers: int, runs: int, seed: int) -> np.ndarray:
    """After how many askers each run has its first verdict; 0 for a run that has none. Int64 ``[runs]``."""
    random = np.random.default_rng(seed)
    found = np.zeros(runs, dtype=np.int64)
    for run in range(runs):
        challenger = random.random(askers) < weight
        happened = random.random(askers) < np.where(challenger, rates[1], rates[0])
        counts = [np.cumsum(side, dtype=float) for side in (~challenger, challenger)]
        start = int(np.searchsorted(np.minimum(*counts), TERMS.minimum))
        sums = [np.cumsum(happened & side, dtype=float)[start:] for side in (~challenger, challenger)]
        counts = [count[start:] for count in counts]
        means = [total / count for total, count in zip(sums, counts, strict=True)]
        sides = [Moments(n, mean, mean * (1 - mean)) for n, mean in zip(counts, means, strict=True)]
        rare = [np.minimum(total, count - total) >= RARE for total, count in zip(sums, counts, strict=True)]
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing happened yet, `rare` says so
            interval = difference(*sides, TERMS.false_verdicts, TIGHTEST * TERMS.minimum)
        said = np.flatnonzero(rare[0] & rare[1] & ((interval.low > 0) | (interval.high < 0)))
        found[run] = said[0] + start + 1 if len(said) else 0
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    kept: dict[str, dict[str, object]] = {}
    print(f"| rate | challenger's part | false verdicts of {runs:,} runs, {ASKERS:,} looks each |\n|---:|---:|---:|")
    for rate in RATES:
        for weight in WEIGHTS:
            false = float((first_verdicts((rate, rate), weight, ASKERS, runs, seed=1) > 0).mean())
            kept[f"equal {rate} {weight}"] = {"false_verdicts": false}
            print(f"| {rate:.0%} | {weight:.0%} | {false:.2%} |", flush=True)
    print("\n| rate | uplift | verdicts | half had theirs after | nine in ten after |\n|---:|---:|---:|---:|---:|")
    for rate, askers in POWER:
        found = first_verdicts((rate, 1.1 * rate), 0.5, askers, max(1, runs // 10), seed=2)
        waited = np.sort(np.where(found > 0, found, askers + 1))
        half, most = (int(waited[int(part * (len(waited) - 1))]) for part in (0.5, 0.9))
        power = float((found > 0).mean())
        kept[f"uplift {rate}"] = {"power": power, "half": half, "nine_in_ten": most, "askers": askers}
        shown = [f"{value:,}" if value <= askers else f"over {askers:,}" for value in (half, most)]
        print(f"| {rate:.0%} | to {1.1 * rate:.3g} | {power:.0%} by {askers:,} | {shown[0]} | {shown[1]} |", flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "ab.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
