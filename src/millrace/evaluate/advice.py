"""Which metric should decide for this problem, and why, in one sentence with the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.records.signature import Signature

#: Below this share of positives the ROC curve is dominated by easy negatives (Saito & Rehmsmeier, 2015).
RARE = 0.10
#: A largest class this many times the smallest makes accuracy a vote of the largest.
UNEVEN = 2.0
#: The 98 % range in quartile ranges beyond which squares follow a few rows; a normal distribution has 3.4.
HEAVY = 8.0


@dataclass(frozen=True, slots=True)
class Advice:
    """The metric that should decide, and the sentence that says why."""

    metric: str
    because: str


def advise(truth: np.ndarray, signature: Signature, *, probabilities: bool = True) -> Advice:
    """Recommend the primary metric from the truth alone.

    Parameters
    ----------
    truth
        Class indices int64 ``[rows]``, or values float64 ``[rows]``.
    probabilities
        Whether the model gives probabilities, or labels only.

    Examples
    --------
    >>> advise(np.array([0] * 97 + [1] * 3), Signature("binary", "fraud", (), ("no", "yes"), "yes")).metric
    'average_precision'
    """
    if signature.task == "regression":
        return _for_values(np.asarray(truth, np.float64))
    counts = np.bincount(np.asarray(truth, np.int64), minlength=len(signature.classes))
    if signature.task == "binary":
        return _for_two(counts, signature.classes, probabilities)
    return _for_many(counts, signature.classes)


def _for_two(counts: np.ndarray, classes: tuple[str, ...], probabilities: bool) -> Advice:
    positives, rows = int(counts[1]), int(counts.sum())
    share = positives / max(rows, 1)
    seen = f"{share:.1%} of the rows are `{classes[1]}` ({positives:,} of {rows:,})"
    if not probabilities:
        return Advice("mcc", f"{seen} and there are no probabilities to rank by: mcc weighs all four kinds of outcome.")
    if share < RARE:
        return Advice(
            "average_precision",
            f"{seen}: with so few, roc_auc looks good even when most alarms are false, so average_precision decides.",
        )
    if share > 1 - RARE:
        return Advice(
            "mcc", f"{seen}: with so many, finding them is easy, so mcc, which also asks for the rest, decides."
        )
    return Advice(
        "roc_auc", f"{seen}, so neither class drowns the other: roc_auc judges the ranking at every threshold."
    )


def _for_many(counts: np.ndarray, classes: tuple[str, ...]) -> Advice:
    large, small = int(counts.argmax()), int(counts.argmin())
    ratio = counts[large] / max(int(counts[small]), 1)
    seen = f"`{classes[large]}` has {counts[large]:,} rows and `{classes[small]}` {counts[small]:,}"
    if large == small:
        seen = f"Every class has {counts[large]:,} rows"
    if ratio <= UNEVEN:
        return Advice("accuracy", f"{seen}: the classes are of like size, so accuracy treats them fairly.")
    return Advice("balanced_accuracy", f"{seen}: accuracy would follow the large classes, balanced_accuracy does not.")


def _for_values(truth: np.ndarray) -> Advice:
    first, lower, upper, last = np.quantile(truth, (0.01, 0.25, 0.75, 0.99))
    weight = float((last - first) / (upper - lower)) if upper > lower else float("inf")
    if weight <= HEAVY:
        return Advice(
            "rmse", f"The middle 98 % of the target spans {weight:.1f} quartile ranges, no heavy tail: rmse decides."
        )
    seen = f"spans {weight:.1f} quartile ranges" if np.isfinite(weight) else "is far wider than its middle half"
    return Advice("mae", f"The middle 98 % of the target {seen}: a few rows would rule rmse, so mae decides.")
