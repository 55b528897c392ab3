"""How good the model turned out to be, where the truth is known by now, against what its package promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from millrace.evaluate.judge import judge
from millrace.monitor.look import MINIMUM_ROWS, answer, inputs
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.monitoring import Alarm, Performance
from millrace.records.package import Manifest
from millrace.records.profile import Profile
from millrace.records.signature import Signature

if TYPE_CHECKING:
    import polars as pl

#: Outcomes needed of at least two classes; with fewer of them the interval of a ranking metric means little.
_OF_A_CLASS = 5
#: Fewer outcomes than this tell too little of a window by itself: then it reaches further back.
_TELLING = 200
#: An input is usually there when a smaller share of its values was missing; an hour tells when it has so many rows.
_USUALLY, _HOURLY = 0.5, 10
#: The share of outcomes outside the model's classes from which they are an alarm and no slip of the pen.
_STRANGE = 0.01


@dataclass(frozen=True, slots=True)
class Known:
    """Predictions whose truth is known, oldest first: parallel `rows` and `truth`; `strange` outcomes are left out.

    `truth` holds class indices int64, or values float64; `reported` is when the outcomes were.
    """

    rows: pl.DataFrame
    truth: np.ndarray
    strange: int
    reported: pl.Series
    example: str = ""

    def part(self, end: int) -> Known:
        """The first `end` of them."""
        return Known(self.rows.head(end), self.truth[:end], 0, self.reported.head(end))

    def since(self, start: datetime) -> Known:
        """Those of predictions made after `start`."""
        first = int((self.rows["at"] <= start).sum())
        return Known(self.rows[first:], self.truth[first:], 0, self.reported[first:])


def known(rows: pl.DataFrame, feedback: pl.DataFrame, signature: Signature) -> Known:
    """Join what was said with what turned out true; of several outcomes of one prediction the last one counts."""
    import polars as pl

    last = (
        feedback.sort("at")
        .unique("prediction_id", keep="last")
        .select("prediction_id", "outcome", pl.col("at").alias("reported"))
    )
    joined = rows.join(last, on="prediction_id", how="inner").sort("at", "prediction_id")
    if signature.task == "regression":
        truth = joined["outcome"].cast(pl.Float64, strict=False)
        understood = truth.is_not_null() & truth.is_finite()
    else:
        truth = joined["outcome"].replace_strict(
            signature.classes, range(len(signature.classes)), default=None, return_dtype=pl.Int64
        )
        understood = truth.is_not_null()
    understood = understood.fill_null(value=False)
    odd = joined.filter(~understood)
    example = str(odd["outcome"][0]) if odd.height else ""
    rows = joined.filter(understood)
    truths = truth.filter(understood).to_numpy()
    return Known(rows.drop("reported"), truths, odd.height, rows["reported"], example)


def strange(outcomes: Known, target: str) -> Alarm | None:
    """An alarm when outcomes are of a class that the model does not know, or no numbers."""
    share = outcomes.strange / max(outcomes.strange + outcomes.truth.size, 1)
    if share < _STRANGE:
        return None
    evidence = f"`{target}`: {share:.1%} of the outcomes, such as `{outcomes.example}`, are none the model can answer"
    return Alarm("unseen", target, "strange_share", share, evidence)


def harm(outcomes: Known, manifest: Manifest, alpha: float) -> Alarm | None:
    """An alarm when the primary metric is worse than promised, beyond the uncertainty of both measurements.

    The whole 95 % interval must lie on the bad side of the whole held-out one, and chance must explain the difference
    with a probability below `alpha` (both measurements taken as normal, with the widths of their intervals). None too
    when there are too few outcomes to say.
    """
    evaluation, name = _judged(outcomes, manifest), manifest.evaluation.primary
    if evaluation is None or name not in evaluation.metrics:  # these outcomes have no such metric, as mape of a zero
        return None
    now, promised = evaluation.metrics[name], manifest.evaluation.metrics[name]
    if not _worse(now, promised) or _chance(now, promised) > alpha:
        return None
    evidence = (
        f"{name} is {_interval(now)} on {outcomes.truth.size:,} predictions with known outcome, "
        f"{_interval(promised)} on held-out rows"
    )
    return Alarm("performance", None, name, now.value, evidence)


def mature(rows: pl.DataFrame, now: datetime, maturity: float) -> pl.DataFrame:
    """The predictions whose outcomes are due: those older than `maturity` seconds.

    Of younger ones only those outcomes are known that come early, which are no fair sample: a fraud is found before
    its absence is.
    """
    return rows.filter(rows["at"] <= now - timedelta(seconds=maturity))


def whole(rows: pl.DataFrame, reference: Profile, signature: Signature) -> pl.DataFrame:
    """The predictions without those that were asked in times when most of an input was gone that used to be there.

    What was answered then says nothing about the model, only about the fault. A time is an hour in which at least
    `_HOURLY` rows were answered.
    """
    import polars as pl

    if rows.is_empty():
        return rows
    asked = inputs(rows, signature)
    usually = [name for name in asked.columns if _missing(reference, name) < _USUALLY]
    gone = asked.select(pl.max_horizontal(pl.col(usually).is_null())).to_series() if usually else None
    if gone is None or not gone.any():
        return rows
    times = pl.DataFrame({"hour": rows["at"].dt.truncate("1h"), "gone": gone})
    share, many = pl.col("gone").mean().over("hour"), pl.len().over("hour") >= _HOURLY
    broken = times.select((share > _USUALLY) & many).to_series()
    return rows.filter(~broken)


def newest_window(due: pl.DataFrame, outcomes: Known, window: float) -> Known:
    """The outcomes of the last `window` seconds of predictions that are due; of at least the newest `_TELLING`."""
    if due.is_empty() or not outcomes.truth.size:
        return outcomes
    start = due["at"][-1] - timedelta(seconds=window)
    recent = outcomes.since(start)
    if recent.truth.size >= _TELLING:
        return recent
    first = max(outcomes.truth.size - _TELLING, 0)
    return Known(outcomes.rows[first:], outcomes.truth[first:], 0, outcomes.reported[first:])


def performance(due: pl.DataFrame, recent: Known, manifest: Manifest) -> Performance | None:
    """Every metric of the newest window, with its interval, against what the package promised."""
    import polars as pl

    if due.is_empty():
        return None
    start = recent.rows["at"][0] if recent.truth.size else due["at"][-1]
    evaluation = _judged(recent, manifest)
    metrics = evaluation.metrics if evaluation else {}
    return Performance(
        start.isoformat(),
        due["at"][-1].isoformat(),
        due.filter(pl.col("at") >= start).height,
        recent.truth.size,
        metrics,
        {name: one for name, one in manifest.evaluation.metrics.items() if name in metrics},
    )


def _missing(reference: Profile, name: str) -> float:
    known = reference.columns[name]
    return known.missing / max(known.rows, 1)


def _judged(outcomes: Known, manifest: Manifest) -> Evaluation | None:
    """How good the answers were; None when there are too few outcomes to say."""
    if not _enough(outcomes.truth, manifest.signature):
        return None
    paid = manifest.evaluation.costs
    said = answer(outcomes.rows, manifest.signature)
    costs = None if paid is None else np.array(paid.matrix)
    return judge(outcomes.truth, said, manifest.signature, threshold=manifest.threshold, costs=costs)


def _enough(truth: np.ndarray, signature: Signature) -> bool:
    if truth.size < MINIMUM_ROWS:
        return False
    if signature.task == "regression":
        return True
    return bool((np.bincount(truth) >= _OF_A_CLASS).sum() >= 2)


def _worse(now: Metric, promised: Metric) -> bool:
    return now.high < promised.low if promised.higher_is_better else now.low > promised.high


def _chance(now: Metric, promised: Metric) -> float:
    """p-value, one-sided, of the distance between two measurements."""
    from scipy.special import ndtr

    error = float(np.hypot(now.high - now.low, promised.high - promised.low)) / (2 * 1.96)
    return float(ndtr(-abs(now.value - promised.value) / error)) if error else 0.0


def _interval(metric: Metric) -> str:
    return f"{metric.value:.4g} ({metric.low:.4g} to {metric.high:.4g})"
