"""What `bench/automl.py` runs in the peers' own environment: FLAML within a budget, or LightGBM with its defaults."""

from __future__ import annotations

import argparse
import json
import pickle
import time
from pathlib import Path

import numpy as np
import pandas as pd

#: Texts longer than this on average are not categories.
LONG = 25


def columns(learn: pd.DataFrame, test: pd.DataFrame, target: str) -> tuple:
    """Frames with categories; where there is text its TF-IDF, because the peers do not read it."""
    names = [name for name in learn.columns if name != target]
    texts = [name for name in names if not pd.api.types.is_numeric_dtype(learn[name])]
    long = [name for name in texts if learn[name].str.len().mean() > LONG]
    if long:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=20_000, sublinear_tf=True, dtype=np.float32)
        joined = [frame[long].fillna("").agg(" ".join, axis=1) for frame in (learn, test)]
        return words.fit_transform(joined[0]), words.transform(joined[1]), words
    for name in texts:
        kind = pd.CategoricalDtype(sorted(learn[name].dropna().unique()))
        learn[name], test[name] = learn[name].astype(kind), test[name].astype(kind)
    return learn[names], test[names], None


def fitted(who: str, rows: object, truth: np.ndarray, metric: str, budget: float) -> object:
    """The model, ready to answer."""
    if who == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMRegressor if metric == "rmse" else lightgbm.LGBMClassifier
        return kind(n_jobs=2, verbosity=-1).fit(rows, truth)
    from flaml import AutoML

    model = AutoML()
    task = "regression" if metric == "rmse" else "classification"
    model.fit(rows, truth, task=task, metric=metric, time_budget=budget, n_jobs=2, seed=0, verbose=0)
    return model


def main() -> None:
    """Fit, answer the test rows into answers.npy, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    for name in ("inside", "sets", "budget", "who", "target", "metric"):
        parser.add_argument(f"--{name}")
    asked = parser.parse_args()
    metric = {"roc_auc": "roc_auc", "accuracy": "accuracy", "rmse": "rmse"}[asked.metric]
    folder = Path(asked.inside)
    learn, test = pd.read_parquet(folder / "learn.parquet"), pd.read_parquet(folder / "test.parquet")
    truth = learn[asked.target].to_numpy()
    classes: list[str] = []
    if metric != "rmse":
        found, truth = np.unique(truth, return_inverse=True)
        classes = [str(one) for one in found]
    rows, check, _ = columns(learn, test, asked.target)
    began = time.perf_counter()
    model = fitted(asked.who, rows, truth, metric, float(asked.budget))
    took = time.perf_counter() - began
    answer = model.predict if metric == "rmse" else model.predict_proba
    np.save(folder / "answers.npy", np.asarray(answer(check), dtype=np.float64))
    one = [check[i : i + 1] for i in range(100)]
    answer(one[0])
    began = time.perf_counter()
    for row in one:
        answer(row)
    latency = (time.perf_counter() - began) / len(one) * 1000
    kept = model.model if asked.who == "flaml" else model
    print(json.dumps({"fit_s": took, "latency_ms": latency, "mb": len(pickle.dumps(kept)) / 1e6, "classes": classes}))


if __name__ == "__main__":
    main()
