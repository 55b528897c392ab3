"""The one model that every server of the benchmark serves: 200 LightGBM trees on 20 numeric columns."""

from __future__ import annotations

from typing import Any

import numpy as np

COLUMNS = tuple(f"x{number:02d}" for number in range(20))
ROW = {name: round(0.37 * position - 3.1, 2) for position, name in enumerate(COLUMNS)}


def data(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Seeded rows, and a class that depends on half of the columns with noise."""
    random = np.random.default_rng(7)
    x = random.normal(size=(rows, len(COLUMNS)))
    score = x[:, :5].sum(axis=1) + x[:, 5] * x[:, 6] + np.sin(3 * x[:, 7]) + random.normal(size=rows)
    return x, (score > 0).astype(np.int64)


def pipeline() -> Any:
    """The fitted scikit-learn pipeline, as a team would put it behind an endpoint."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    x, y = data()
    columns = ColumnTransformer([("numbers", SimpleImputer(), list(COLUMNS))])
    return Pipeline([("columns", columns), ("model", classifier())]).fit(pd.DataFrame(x, columns=COLUMNS), y)


def classifier() -> Any:
    """The classifier alone, not fitted."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=200, random_state=7, n_jobs=1, verbose=-1)
