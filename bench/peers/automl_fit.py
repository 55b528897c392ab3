"""What `bench/automl.py` runs in a peer's own environment: AutoGluon or FLAML within a budget, or LightGBM's defaults.

python -m venv PEERS/flaml && PEERS/flaml/bin/pip install "flaml[automl]==2.7.0" pandas pyarrow
python -m venv PEERS/autogluon
PEERS/autogluon/bin/pip install "autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3" pyarrow torch==2.13.0
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

#: Texts longer than this on average are not categories.
LONG = 25
CORES = 2
PRESETS = {"autogluon-medium": "medium_quality", "autogluon-best": "best_quality"}
#: What AutoGluon calls the metrics.
NAMES = {"roc_auc": "roc_auc", "accuracy": "accuracy", "rmse": "root_mean_squared_error"}

Answer = Callable[[object], np.ndarray]


def columns(learn: pd.DataFrame, test: pd.DataFrame, target: str) -> tuple:
    """Frames with categories; where there is text its TF-IDF, because FLAML and LightGBM do not read it."""
    names = [name for name in learn.columns if name != target]
    texts = [name for name in names if not pd.api.types.is_numeric_dtype(learn[name])]
    long = [name for name in texts if learn[name].str.len().mean() > LONG]
    if long:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=20_000, sublinear_tf=True, dtype=np.float32)
        joined = [frame[long].fillna("").agg(" ".join, axis=1) for frame in (learn, test)]
        return words.fit_transform(joined[0]), words.transform(joined[1])
    for name in texts:
        kind = pd.CategoricalDtype(sorted(learn[name].dropna().unique()))
        learn[name], test[name] = learn[name].astype(kind), test[name].astype(kind)
    return learn[names], test[names]


def _autogluon(asked: argparse.Namespace, learn: pd.DataFrame, truth: np.ndarray) -> tuple[Answer, Callable[[], int]]:
    """It reads the frame as it is, texts included; the preset decides what is tried."""
    from autogluon.tabular import TabularPredictor

    kind = {"roc_auc": "binary", "accuracy": "multiclass", "rmse": "regression"}[asked.metric]
    place = Path(asked.inside) / "autogluon"
    shutil.rmtree(place, ignore_errors=True)
    rows = learn.drop(columns=asked.target).assign(**{asked.target: truth})
    made = TabularPredictor(asked.target, problem_type=kind, eval_metric=NAMES[asked.metric], path=place, verbosity=0)
    made.fit(rows, presets=PRESETS[asked.who], time_limit=float(asked.budget), num_cpus=CORES, num_gpus=0)
    made.persist()

    def answer(part: object) -> np.ndarray:
        return np.asarray(made.predict(part) if kind == "regression" else made.predict_proba(part))

    def size() -> int:
        small = Path(made.clone_for_deployment(str(place.with_name("deployed"))))
        return sum(path.stat().st_size for path in small.rglob("*") if path.is_file())

    return answer, size


def _estimator(asked: argparse.Namespace, rows: object, truth: np.ndarray) -> tuple[Answer, Callable[[], int]]:
    model: object
    if asked.who == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMRegressor if asked.metric == "rmse" else lightgbm.LGBMClassifier
        model = kept = kind(n_jobs=CORES, verbosity=-1).fit(rows, truth)
    else:
        from flaml import AutoML

        model = AutoML()
        task = "regression" if asked.metric == "rmse" else "classification"
        limit = float(asked.budget)
        model.fit(rows, truth, task=task, metric=asked.metric, time_budget=limit, n_jobs=CORES, seed=0, verbose=0)
        kept = model.model
    return model.predict if asked.metric == "rmse" else model.predict_proba, lambda: len(pickle.dumps(kept))


def main() -> None:
    """Fit, answer the test rows into answers.npy, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    for name in ("inside", "sets", "budget", "who", "target", "metric"):
        parser.add_argument(f"--{name}")
    asked = parser.parse_args()
    folder = Path(asked.inside)
    learn, test = pd.read_parquet(folder / "learn.parquet"), pd.read_parquet(folder / "test.parquet")
    truth = learn[asked.target].to_numpy()
    classes: list[str] = []
    if asked.metric != "rmse":
        found, truth = np.unique(truth, return_inverse=True)
        classes = [str(one) for one in found]
    reads_frames = asked.who in PRESETS
    rows, check = (learn, test.drop(columns=asked.target)) if reads_frames else columns(learn, test, asked.target)
    began = time.perf_counter()
    answer, size = (_autogluon if reads_frames else _estimator)(asked, rows, truth)
    took = time.perf_counter() - began
    np.save(folder / "answers.npy", np.asarray(answer(check), dtype=np.float64))
    one = [check[i : i + 1] for i in range(20 if reads_frames else 100)]
    answer(one[0])
    began = time.perf_counter()
    for row in one:
        answer(row)
    latency = (time.perf_counter() - began) / len(one) * 1000
    print(json.dumps({"fit_s": took, "latency_ms": latency, "mb": size() / 1e6, "classes": classes}))


if __name__ == "__main__":
    main()
