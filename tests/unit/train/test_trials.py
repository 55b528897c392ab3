"""Promises of the search: counted trials repeat to the byte, and a killed training goes on from what finished."""

import os
import re
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from millrace.config.schema import ModelSettings
from millrace.package.graph import build
from millrace.records.progress import Step
from millrace.store.objects import Store
from millrace.store.trial_book import TrialBook
from millrace.train.stage import train

#: Trains on a table made from a seed, prints what is being done, and at last the digest of the graph.
PROGRAM = """
import sys
from hashlib import sha256
sys.path[:0] = [{here!r}]
from test_trials import rows, settings, train, build, Store, TrialBook
book = TrialBook(Store(sys.argv[2]), {{"it": 1}}) if len(sys.argv) > 2 else None
tell = lambda step: print(step.text, flush=True)
print("graph", sha256(build(train(rows(), settings(budget=sys.argv[1]), tell, book))).hexdigest(), flush=True)
"""


def rows(count: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    frame = pl.DataFrame({name: rng.normal(size=count) for name in "abc"})
    frame = frame.with_columns(plan=pl.Series(rng.choice(["x", "y", "z"], count)))
    odds = pl.col("a") * pl.col("b") + (pl.col("plan") == "x") + pl.Series(rng.normal(size=count))
    return frame.with_columns(target=pl.when(odds > 0.4).then(pl.lit("yes")).otherwise(pl.lit("no")))


def settings(**more: object) -> ModelSettings:
    return ModelSettings.model_validate({"predict": "target"} | more)


def process(*arguments: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(here=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


def candidates_of(texts: list[str]) -> list[str]:
    return [match[1] for text in texts if (match := re.fullmatch(r"(.*), fold 1 of 5", text))]


def test_counted_trials_give_the_same_graph_in_two_processes() -> None:
    graphs = []
    for busy in ("1", "2"):
        # Another number of threads, as on another machine.
        program = PROGRAM.format(here=str(Path(__file__).parent))
        done = subprocess.run(
            [sys.executable, "-c", program, "3 trials"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": busy},
        )
        graphs.append(done.stdout.splitlines()[-1])
    assert graphs[0].startswith("graph ")
    assert graphs[0] == graphs[1]


def test_another_seed_gives_another_graph() -> None:
    first, second = (build(train(rows(), settings(budget="2 trials", seed=seed))) for seed in (0, 1))
    assert sha256(first).digest() != sha256(second).digest()


@pytest.mark.parametrize(
    ("search", "tried"),
    [
        ("portfolio", ["linear, penalty 1", "LightGBM, balanced"]),
        ("random", ["linear, penalty 1", "LightGBM, balanced"]),
    ],
)
def test_as_many_candidates_are_tried_as_are_counted(search: str, tried: list[str]) -> None:
    told: list[Step] = []
    train(rows(120), settings(budget="2 trials", search=search), told.append)
    assert candidates_of([step.text for step in told]) == tried


def test_a_random_search_goes_on_behind_the_portfolio() -> None:
    told: list[Step] = []
    train(rows(120), settings(budget="12 trials", search="random"), told.append)
    tried = candidates_of([step.text for step in told])
    assert len(tried) == 12
    assert tried[-2:] == ["LightGBM, drawn 1", "LightGBM, drawn 2"]


def test_a_killed_training_goes_on_from_its_finished_trials(tmp_path: Path) -> None:
    running = process("4 trials", str(tmp_path))
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("LightGBM, cautious, fold"):  # the third
            running.send_signal(signal.SIGKILL)
            break
    running.wait()
    running.stdout.close()

    told: list[Step] = []
    book = TrialBook(Store(tmp_path), {"it": 1})
    resumed = train(rows(), settings(budget="4 trials"), told.append, book)

    tried = candidates_of([step.text for step in told])
    assert tried == ["LightGBM, cautious", "extra trees"]
    assert build(resumed) == build(train(rows(), settings(budget="4 trials")))


def test_trials_of_other_settings_are_not_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    train(rows(120), settings(budget="1 trials"), book=TrialBook(store, {"seed": 0}))
    told: list[Step] = []
    train(rows(120), settings(budget="1 trials"), told.append, TrialBook(store, {"seed": 1}))
    assert candidates_of([step.text for step in told]) == ["linear, penalty 1"]


def told(search: str, budget: str, models: object = "auto", seed: int = 0, book: TrialBook | None = None) -> list[str]:
    """What was tried, fold 1 of each."""
    steps: list[Step] = []
    train(rows(160), settings(budget=budget, search=search, models=models, seed=seed), steps.append, book)
    return [match[1] for step in steps if (match := re.fullmatch(r"(.*), fold 1 of 5", step.text))]


def test_a_grid_tries_every_point_of_the_lists_once() -> None:
    models = [{"tree": {"max_depth": [2, 4], "min_samples_leaf": [5, 9]}}]
    points = [f"tree, max_depth {depth}, min_samples_leaf {leaf}" for depth in (2, 4) for leaf in (5, 9)]
    assert told("grid", "9 trials", models) == points


SPACE = [{"tree": {"max_depth": {"from": 1, "to": 12}}}, {"neighbors": {"n_neighbors": {"from": 1, "to": 60}}}]


def test_a_bayesian_search_finds_the_same_points_again_and_goes_on_from_them(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra search is not installed")
    one = train(rows(160), settings(budget="9 trials", search="bayesian", models=SPACE))
    half = TrialBook(Store(tmp_path), {"it": 2})
    assert len(told("bayesian", "6 trials", SPACE, book=half)) == 6
    steps: list[Step] = []
    resumed = train(rows(160), settings(budget="9 trials", search="bayesian", models=SPACE), steps.append, half)
    assert len(candidates_of([step.text for step in steps])) == 3
    assert build(one) == build(resumed)


def test_a_search_gives_up_what_does_worse_than_half_the_others() -> None:
    steps: list[Step] = []
    models = [{"tree": {"max_depth": [4, 5, 6, 7, 8, 1], "min_samples_leaf": [8]}}]
    train(rows(), settings(budget="6 trials", search="grid", models=models), steps.append)
    folds = [step.text for step in steps if step.text.startswith("tree, max_depth 1,") and "fold" in step.text]
    assert all("fold 1 of" in text or "fold 2 of" in text for text in folds)


def test_what_a_search_found_is_said() -> None:
    models = [{"tree": {"max_depth": {"from": 3, "to": 4}}}]
    fit = train(rows(160), settings(budget="4 trials", search="random", models=models))
    drawn = [member.name for member in fit.members if "drawn" in member.name]
    said = [note for note in fit.notes if note.startswith("`tree, drawn")]
    assert len(said) == len(drawn)
    assert all("max_depth 3" in note or "max_depth 4" in note for note in said)
