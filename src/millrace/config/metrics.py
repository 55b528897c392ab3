"""Which metrics a project file may name; what each one measures is defined in `evaluate`."""

from __future__ import annotations

METRICS: tuple[str, ...] = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "mcc",
    "cohen_kappa",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
    "rmse",
    "mae",
    "median_ae",
    "mape",
    "r2",
)
