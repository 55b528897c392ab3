"""How good a model is after the same minute: Millrace, AutoGluon, FLAML and LightGBM's defaults, on the same two cores.

    python bench/automl.py DATA [--budget 60] [--sets telco-churn adult …] [--peers PEERS] [--who flaml …] [--resume]

DATA is a folder with the public tables below. PEERS is a folder with the virtual environments `flaml` and `autogluon`,
made as `bench/peers/automl_fit.py` says; without it only Millrace runs. A fifth of the rows
is kept away from everybody, copies of a row on one side. Millrace answers through the package that it exported, after
ingesting the CSV; `split: {test: 5%}`, because the rows that judge here are others. Peers get typed frames; FLAML and
LightGBM get TF-IDF where there is text, which they do not read. The last column is Millrace's metric less the peer's on
the same rows, with its 95 % interval (1,000 draws of rows). Leaves bench/results/automl.json, and the table in
bench/results/automl.md, after every data set; with `--resume`, those that are there at the same budget with all who are
asked for are not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).parent
RESULTS = HERE / "results"
#: Who is measured beside Millrace, and in which of the peers' environments.
PEERS = {"autogluon-best": "autogluon", "autogluon-medium": "autogluon", "flaml": "flaml", "lightgbm": "flaml"}
DRAWS = 1000


@dataclass(frozen=True)
class Table:
    """Where rows rest, what is predicted and which metric judges."""

    file: str
    target: str
    metric: str
    header: bool = True
    separator: str = ","

    @property
    def task(self) -> str:
        """What the metric asks for."""
        return {"roc_auc": "binary", "rmse": "regression"}.get(self.metric, "multiclass")


TABLES = {
    "telco-churn": Table("telco-churn/Telco-Customer-Churn.csv", "Churn", "roc_auc"),
    "adult": Table("adult/adult-train.csv.gz", "c14", "roc_auc", header=False),
    "german-credit": Table("german-credit/german.csv", "c20", "roc_auc", header=False),
    "california-housing": Table("california-housing/housing.csv.gz", "median_house_value", "rmse"),
    "wine-red": Table("wine-quality/winequality-red.csv", "c11", "rmse", header=False),
    "wine-white": Table("wine-quality/winequality-white.csv", "c11", "rmse", header=False),
    "ag-news": Table("ag-news/test.csv.gz", "c0", "accuracy", header=False),
}


def read(table: Table, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to learn from and the rows that judge: a fifth, by a hash of what a model sees of them."""
    frame = pl.read_csv(folder / table.file, has_header=table.header, infer_schema_length=None)
    if not table.header:
        frame.columns = [f"c{place}" for place in range(frame.width)]
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    frame = frame.with_columns(pl.col(texts).str.strip_chars()).with_columns(
        pl.col(name).cast(pl.Float64, strict=False)
        for name in texts
        if frame[name].str.strip_chars().cast(pl.Float64, strict=False).null_count() < frame.height / 100
    )
    frame = frame.drop("customerID", strict=False).drop_nulls(table.target)
    place = frame.drop(table.target).hash_rows(seed=1) % 5
    return frame.filter(place > 0), frame.filter(place == 0)


def score(metric: str, truth: np.ndarray, answers: np.ndarray) -> float:
    """The metric, in its own direction."""
    from sklearn.metrics import roc_auc_score

    if metric == "roc_auc":
        return float(roc_auc_score(truth, answers[:, 1]))
    if metric == "rmse":
        return float(np.sqrt(np.mean((truth - answers) ** 2)))
    return float((answers.argmax(axis=1) == truth).mean())


def between(metric: str, truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray | None) -> tuple[float, float]:
    """The 95 % interval of ours, or of ours less theirs, over draws of rows."""
    rng, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(truth), len(truth))
        if metric == "roc_auc" and len(np.unique(truth[rows])) < 2:
            continue
        other = 0.0 if theirs is None else score(metric, truth[rows], theirs[rows])
        found.append(score(metric, truth[rows], ours[rows]) - other)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def millrace(folder: Path, table: Table, budget: float) -> dict:
    """Ingest, train and package; answer through the package."""
    from millrace.package.api import Package
    from millrace.project import Project

    (folder / "millrace.yaml").write_text(
        f"version: 1\nproject: bench\nsources: {{rows: {{from: learn.csv}}}}\n"
        f"model: {{predict: {table.target}, metric: {table.metric}, budget: {budget} s, task: {table.task},"
        " split: {test: 5%}, conformal: none}\n"
    )
    began = time.perf_counter()
    run = Project.load(folder / "millrace.yaml").train()
    took = time.perf_counter() - began
    package = Package.load(run.package.path)
    test = pl.read_parquet(folder / "test.parquet").drop(table.target)
    answer = package.answer(test)
    answers = answer.value if table.task == "regression" else answer.probabilities
    np.save(folder / "answers.npy", answers)
    one = [test[i : i + 1] for i in range(200)]
    for row in one[:20]:
        package.answer(row)
    began = time.perf_counter()
    for row in one:
        package.answer(row)
    latency = (time.perf_counter() - began) / len(one) * 1000
    size = sum(path.stat().st_size for path in Path(run.package.path).glob("*.onnx"))
    classes = list(package.signature.classes)
    return {"fit_s": took, "latency_ms": latency, "mb": size / 1e6, "classes": classes, "ladder": run.seconds}


def measure(name: str, asked: argparse.Namespace) -> list[dict]:
    """Each of them in a process of its own, one after the other, on the same cores."""
    table, rows = TABLES[name], []
    learn, test = read(table, asked.data)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        learn.write_csv(folder / "learn.csv")
        learn.write_parquet(folder / "learn.parquet")
        test.write_parquet(folder / "test.parquet")
        for who in ("millrace", *(asked.who if asked.peers else ())):
            program = [sys.executable, __file__]
            if who != "millrace":
                program = [asked.peers / PEERS[who] / "bin" / "python", HERE / "peers" / "automl_fit.py"]
            load = os.getloadavg()[0]
            command = [*program, asked.data, "--inside", place, "--sets", name, "--budget", str(asked.budget)]
            command += [] if who == "millrace" else ["--who", who, "--target", table.target, "--metric", table.metric]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name}: {who} failed: {done.stderr[-500:]}", file=sys.stderr)
                continue
            found = json.loads(done.stdout.splitlines()[-1]) | {"who": who, "set": name, "load": load}
            rows.append(found | {"answers": np.load(folder / "answers.npy")})
    truth = test[table.target].to_numpy()
    for found in rows:
        known = [str(one) for one in found.pop("classes")]
        found["truth"] = truth if not known else np.array([known.index(str(value)) for value in truth])
    return _judged(table, rows) if rows and rows[0]["who"] == "millrace" else []


def _judged(table: Table, rows: list[dict]) -> list[dict]:
    """Scores, intervals, and differences to the first."""
    ours = rows[0]
    for found in rows:
        truth, answers = found["truth"], found["answers"]
        found["score"] = score(table.metric, truth, answers)
        found["interval"] = between(table.metric, truth, answers, None)
        if found is not ours:
            order = (
                [int(np.flatnonzero(found["truth"] == k)[0]) for k in range(answers.shape[-1])]
                if answers.ndim == 2
                else []
            )
            mine = ours["answers"][:, ours["truth"][order]] if order else ours["answers"]
            found["difference"] = score(table.metric, truth, mine) - found["score"]
            found["beyond"] = between(table.metric, truth, mine, answers)
    return [{key: value for key, value in found.items() if key not in ("answers", "truth")} for found in rows]


def line(found: dict, metric: str) -> str:
    """A row of the table."""
    low, high = found["interval"]
    text = f"| {found['set']} | {metric} | {found['who']} | {found['score']:.5g} ({low:.5g} to {high:.5g})"
    text += f" | {found['fit_s']:.0f} | {found['latency_ms']:.2f} | {found['mb']:.2f} | {found['load']:.1f} | "
    if "difference" in found:
        low, high = found["beyond"]
        text += f"{found['difference']:+.4g} ({low:+.4g} to {high:+.4g})"
    return text + " |"


def finished(asked: argparse.Namespace) -> dict[str, list[dict]]:
    """What an earlier run left at this budget, by data set, where nobody who is asked for is missing."""
    path, sets = RESULTS / "automl.json", {}
    for found in json.loads(path.read_text()) if path.exists() else []:
        if found.get("budget") == asked.budget:
            sets.setdefault(found["set"], []).append(found)
    wanted = {"millrace", *(asked.who if asked.peers else ())}
    return {name: found for name, found in sets.items() if {one["who"] for one in found} >= wanted}


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--sets", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--peers", type=Path, help="the folder of the peers' environments")
    parser.add_argument("--who", nargs="+", choices=PEERS, default=list(PEERS), help="the peers that are measured")
    parser.add_argument("--resume", action="store_true", help="keep the sets that an earlier run has finished")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(millrace(Path(asked.inside), TABLES[asked.sets[0]], asked.budget)))
        return
    table = ["| data | metric | who | score, 95 % | fit s | 1 row ms | MB | load | Millrace less the peer |"]
    table.append("|---|---|---|---|---:|---:|---:|---:|---|")
    print(*table, sep="\n", flush=True)
    RESULTS.mkdir(exist_ok=True)
    before, everything = finished(asked) if asked.resume else {}, []
    for name in asked.sets:
        for found in before.get(name) or measure(name, asked):
            everything.append(found | {"budget": asked.budget})
            table.append(line(found, TABLES[name].metric))
            print(table[-1], flush=True)
        # After every table, so that a run which is ended keeps what it has.
        (RESULTS / "automl.json").write_text(json.dumps(everything, indent=2))
        (RESULTS / "automl.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
