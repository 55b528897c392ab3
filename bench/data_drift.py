"""Drift of inputs that is known: who finds it, how late, who is blamed, and how often nothing was there.

    python bench/data_drift.py --peers PEERS [--seeds 2] [--rows 200 1000]

Tables of 20 columns, eleven numbers and nine categories, some of which depend on each other: ten windows of `--rows`
rows as reference, then 20 windows of which the last ten differ, in one column. `a`, `b` and `c` are those of
`millrace.testing.streams`, which says what moves in `covariate` and `feature_loss`; the other columns move as named
here. The calm windows of the cases of one seed and size are the same rows. Each window is judged once, by Millrace as
it monitors (one false alarm a month, a window a day), by `mr.drift` at 5 % a look, and by the peers as they come, in
`PEERS/evidently` and `PEERS/nannyml` (see `bench/drift.py`), where a window alarms when any column does; with them two
that know nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import polars as pl

from millrace.testing.streams import Episode, score, stream

HERE = Path(__file__).parent
REFERENCE, WINDOWS, CALM = 10, 20, 10
Columns = dict[str, np.ndarray]
Rows = np.ndarray


def _mean(by: float) -> Callable[[Columns, Rows, np.random.Generator], str]:
    def move(columns: Columns, since: Rows, _: np.random.Generator) -> str:  # its own deviation is the root of 2
        columns["n3"][since >= 0] += by
        return "n3"

    return move


def _slowly(columns: Columns, since: Rows, _: np.random.Generator) -> str:
    columns["n4"] += np.clip(since / since[-1], 0, 1)
    return "n4"


def _spread(columns: Columns, since: Rows, _: np.random.Generator) -> str:
    columns["n5"][since >= 0] *= 1.5
    return "n5"


def _lost(columns: Columns, since: Rows, draw: np.random.Generator) -> str:
    columns["n6"][(since >= 0) & (draw.random(len(since)) < 0.1)] = np.nan
    return "n6"


def _shares(columns: Columns, since: Rows, draw: np.random.Generator) -> str:
    moved = (since >= 0) & (columns["c_3"] == "v0") & (draw.random(len(since)) < 0.4)
    columns["c_3"][moved] = "v1"
    return "c_3"


def _news(columns: Columns, since: Rows, draw: np.random.Generator) -> str:
    columns["c_4"][(since >= 0) & (draw.random(len(since)) < 0.1)] = "new"
    return "c_4"


#: What is planted, into a stream of which kind. None: nothing, or what the stream's own kind says, in this column.
PLANTED: Mapping[str, tuple[str, Callable[[Columns, Rows, np.random.Generator], str] | str | None]] = {
    "nothing": ("none", None),
    "seasons, as ever": ("seasonal", None),
    "covariate": ("covariate", "c"),
    "feature_loss": ("feature_loss", "a"),
    "mean by 0.35 sd": ("none", _mean(0.5)),
    "mean by 0.2 sd": ("none", _mean(0.3)),
    "mean, slowly by 1 sd": ("none", _slowly),
    "spread by half": ("none", _spread),
    "a tenth missing": ("none", _lost),
    "shares": ("none", _shares),
    "a tenth new words": ("none", _news),
}


class Case(NamedTuple):
    """What was planted into rows, and in which column: "" for nothing."""

    planted: str
    rows: int
    guilty: str


def case(folder: Path, name: str, rows: int, seed: int) -> Case:
    """Write the reference and the windows of a case."""
    kind, plant = PLANTED[name]
    total, drawn = (REFERENCE + WINDOWS) * rows, np.random.default_rng([seed, rows])
    at = (REFERENCE + CALM) * rows
    known = stream(kind, rows=total, at=at, width=rows // 4 if kind == "seasonal" else None, seed=seed)
    columns: Columns = {letter: known.inputs[:, place].copy() for place, letter in enumerate("abc")}
    hidden = drawn.normal(size=(total, 2))
    for number in range(8):
        columns[f"n{number}"] = drawn.normal(size=total) + (hidden[:, number % 2] if number < 4 else 0.0)
    for number in range(9):
        value = drawn.normal(size=total) + (hidden[:, number % 2] if number < 4 else 0.0)
        cuts = np.linspace(-1.5, 1.5, 2 + number)
        columns[f"c_{number}"] = np.array([f"v{n}" for n in range(3 + number)], dtype=object)[np.digitize(value, cuts)]
    guilty = plant(columns, np.arange(total) - at, drawn) if callable(plant) else plant or ""
    frame = pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))
    stem = f"{name}-{rows}-{seed}"
    frame[: REFERENCE * rows].write_parquet(folder / f"{stem}-before.parquet")
    now = frame[REFERENCE * rows :].with_columns(window=pl.int_range(pl.len()) // rows)
    now.write_parquet(folder / f"{stem}-now.parquet")
    return Case(name, rows, guilty)


def asked(who: str, folder: Path, peers: Path) -> tuple[dict[str, list[list[str]]], float] | str:
    """What a library says of every case, with the seconds it took; or why it says nothing."""
    print(f"asking {who} ...", file=sys.stderr)
    python = Path(sys.executable) if who in {"millrace", "single"} else peers / who / "bin" / "python"
    if not python.exists():
        return f"there is no {python}"
    command = [str(python), str(HERE / "peers" / "drift_windows.py"), who, str(folder)]
    start = perf_counter()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"},
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no word"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1]), perf_counter() - start


def told(cases: Mapping[str, Case], said: Mapping[str, list[list[str]]]) -> str:
    """Drifts found, delay in windows, how often the guilty column is named first, false alarms in 100 windows."""
    delays, drifts, first, false, calm = [], 0, 0, 0, 0
    for stem, one in cases.items():
        alarming = [window for window, columns in enumerate(said[stem]) if columns]
        episodes = [Episode(CALM, WINDOWS)] if one.guilty else []
        outcome = score(alarming, episodes, WINDOWS)
        delays += [delay + 1 for delay in outcome.delays]
        drifts += len(episodes)
        false, calm = false + outcome.false_alarms, calm + outcome.calm
        if outcome.delays:
            first += said[stem][CALM + outcome.delays[0]][0] == one.guilty
    delay = f"{np.median(delays):.0f} ({np.mean(delays):.1f})" if delays else "-"
    named = f"{first / len(delays):.0%}" if delays else "-"
    return f"{len(delays):>4} of {drifts:<4} {delay:>10} {named:>12} {100 * false / calm:>10.1f}"


def kinds(cases: Mapping[str, Case], said: Mapping[str, list[list[str]]]) -> str:
    """By what was planted: how many were found, and the mean delay in windows."""
    lines = []
    for planted in PLANTED:
        own = {stem: one for stem, one in cases.items() if one.planted == planted}
        if not next(iter(own.values())).guilty:
            continue
        found = [next((w for w in range(CALM, WINDOWS) if said[stem][w]), None) for stem in own]
        late = [window - CALM + 1 for window in found if window is not None]
        lines.append(f"{planted} {len(late)}/{len(found)} after {np.mean(late):.1f}" if late else f"{planted} 0")
    return "; ".join(lines)


def main() -> None:
    """Make the cases, and ask everybody."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000])
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cases = {
            f"{name}-{rows}-{seed}": case(folder, name, rows, seed)
            for name in PLANTED
            for rows in wanted.rows
            for seed in range(wanted.seeds)
        }
        draw = np.random.default_rng(0)
        knows_nothing = {
            "never": {stem: [[] for _ in range(WINDOWS)] for stem in cases},
            "at random, 1 in 20": {
                stem: [["n3"] if draw.random() < 0.05 else [] for _ in range(WINDOWS)] for stem in cases
            },
        }
        answers = {who: asked(who, folder, wanted.peers) for who in ("millrace", "single", "evidently", "nannyml")}
    for rows in wanted.rows:
        print(
            f"\n{rows} rows a window: found, delay in windows: median (mean), guilty first, false alarms in 100 windows"
        )
        own = {stem: one for stem, one in cases.items() if one.rows == rows}
        for name, silly in knows_nothing.items():
            print(f"{name:20} {told(own, silly)}")
        for who, answer in answers.items():
            if isinstance(answer, str):
                print(f"{who:20} not measured: {answer}")
                continue
            print(f"{who:20} {told(own, answer[0])}   {answer[1]:.0f} s\n    {kinds(own, answer[0])}", flush=True)


if __name__ == "__main__":
    main()
