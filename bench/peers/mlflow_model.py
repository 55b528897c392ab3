"""The peer: the scikit-learn pipeline as an MLflow model. Run: python mlflow_model.py FOLDER."""

from __future__ import annotations

import sys

import mlflow
from model import pipeline

mlflow.sklearn.save_model(
    pipeline(), sys.argv[1], pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
)
