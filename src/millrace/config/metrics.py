"""Which metrics a project file may name; what each one measures is defined in `evaluate`."""

from __future__ import annotations

#: The mean cost of a row, where the project file says what mistakes cost: a gate may bound it.
COST = "cost"

METRICS: tuple[str, ...] = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "f2",
    "f0_5",
    "precision_micro",
    "recall_micro",
    "f1_micro",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "specificity_macro",
    "precision_weighted",
    "recall_weighted",
    "f1_weighted",
    "mcc",
    "cohen_kappa",
    "roc_auc",
    "roc_auc_weighted",
    "roc_auc_ovo",
    "roc_auc_ovo_weighted",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
    "rmse",
    "mae",
    "median_ae",
    "mape",
    "wape",
    "pinball_0_1",
    "pinball_0_5",
    "pinball_0_9",
    "r2",
)
