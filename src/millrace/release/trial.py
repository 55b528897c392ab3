"""How what is tried does beside the champion: from the log and the outcomes to a verdict that holds at every look.

A challenger is compared by askers: each counts once, with the first of its predictions whose outcome was reported, so
that an asker who comes often does not count as many. A shadow answers what the champion answers, so the two are
compared request by request.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from millrace.errors import ReleaseError
from millrace.evaluate.sequences import Interval, Moments, difference, mean, needed
from millrace.records.signature import Signature
from millrace.records.traffic import Challenger, Outcome, Shadow, Side, Standing, Trial
from millrace.release.traffic import champion_of
from millrace.release.traffic import outcome_of as parsed
from millrace.store import prediction_log, traffic
from millrace.store.integrity import read_manifest
from millrace.store.log_entries import SHADOWED
from millrace.store.objects import Store

if TYPE_CHECKING:
    import polars as pl

#: A rate has an interval once so many of either kind were seen on either side: fewer tell little of its variance.
RARE = 10
#: Where the intervals are narrowest, in multiples of the least number of askers on one side.
TIGHTEST = 5

Verdict = Literal["better", "worse", "equal", "undecided", "collecting", "over"]


class Compared(NamedTuple):
    """What champion and other saw, and the difference: None while there is too little for an interval."""

    champion: Moments
    other: Moments
    interval: Interval | None
    paired: bool


def standing(store: Store) -> Standing:
    """Who answers now, and how what is tried beside it does, by all that was answered and reported until now.

    Raises `ReleaseError` when there is no champion.
    """
    current = champion_of(store)
    tried = traffic.current(store, current)
    trials: list[Trial] = []
    if tried is not None:
        signature = read_manifest(store.at(f"packages/{current.package}/{current.version}")).signature
        told = prediction_log.feedback(store)
        if tried.challenger is not None:
            asked = prediction_log.predictions(store, datetime.fromisoformat(tried.challenger.since))
            trials.append(challenged(tried.challenger, current.version, asked, told, signature.classes))
        if tried.shadow is not None:
            asked = prediction_log.predictions(store, datetime.fromisoformat(tried.shadow.since))
            trials.append(shadowed(tried.shadow, current.version, asked, told, signature))
    return Standing(current.package, current.version, current.at, tried, tuple(trials))


def of_challenger(standing: Standing) -> Trial:
    """The trial of the challenger. Raises `ReleaseError` when there is none."""
    for trial in standing.trials:
        if trial.role == "challenger":
            return trial
    raise ReleaseError(
        "There is no challenger.",
        where="traffic",
        code="traffic.none",
        next_step="millrace release challenge <version>",
    )


def challenged(
    terms: Challenger, champion: int, predictions: pl.DataFrame, feedback: pl.DataFrame, classes: Sequence[str]
) -> Trial:
    """How a challenger does. `predictions` and `feedback` are the log's, from the beginning of the trial on."""
    import polars as pl

    known = _with_roles(valued(predictions, feedback, terms.outcome, classes))
    asked = known.filter(pl.col("traffic_role").is_in(["champion", "challenger"])).sort("told", "prediction_id")
    first = asked.unique("traffic_unit", keep="first", maintain_order=True)
    worth = {role: first.filter(pl.col("traffic_role") == role)["worth"].to_numpy() for role in _ROLES}
    one, other = (moments(worth[role]) for role in _ROLES)
    interval = None
    if enough(worth["champion"], terms.minimum) and enough(worth["challenger"], terms.minimum):
        interval = difference(one, other, terms.false_verdicts, TIGHTEST * terms.minimum)
    return _trial(terms, champion, Compared(one, other, interval, paired=False))


def shadowed(
    terms: Shadow, champion: int, predictions: pl.DataFrame, feedback: pl.DataFrame, signature: Signature
) -> Trial:
    """How a shadow would do, by the task's own outcome; each answer is compared with the champion's to the same row."""
    import polars as pl

    outcome, classes = parsed("", signature), signature.classes
    predictions = _with_roles(predictions)
    heard = predictions.filter(pl.col("traffic_role") == "shadow")
    heard = heard.with_columns(pl.col("prediction_id").str.strip_suffix(SHADOWED))
    given = predictions.filter(
        pl.col("version") == champion, pl.col("prediction_id").is_in(heard["prediction_id"].implode())
    )
    theirs = valued(heard, feedback, outcome, classes).select("prediction_id", other="worth")
    both = valued(given, feedback, outcome, classes).join(theirs, on="prediction_id")
    gain = (both["other"] - both["worth"]).to_numpy()
    one, other, gained = (moments(values.to_numpy()) for values in (both["worth"], both["other"], pl.Series(gain)))
    defaults = Challenger(terms.version, terms.weight, outcome, "")
    interval = None
    if len(gain) >= defaults.minimum and np.count_nonzero(gain) >= RARE:
        interval = mean(gained, defaults.false_verdicts, TIGHTEST * defaults.minimum)
    return _trial(defaults, champion, Compared(one, other, interval, paired=True))


def valued(predictions: pl.DataFrame, feedback: pl.DataFrame, outcome: Outcome, classes: Sequence[str]) -> pl.DataFrame:
    """The predictions whose outcome is known, with what each is `worth`, and when it was `told` first."""
    import polars as pl

    first = feedback.sort("at").unique("prediction_id", keep="first", maintain_order=True)
    told = first.select("prediction_id", "outcome", told="at")
    known = predictions.join(told, on="prediction_id")
    truth = pl.col("outcome")
    match outcome.name:
        case "accuracy":
            worth = (pl.col("label") == truth).cast(pl.Float64)
        case "outcome" if outcome.of:
            worth = (truth == outcome.of).cast(pl.Float64)
        case "outcome":
            worth = truth.cast(pl.Float64, strict=False)
        case "absolute_error":
            worth = (pl.col("value") - truth.cast(pl.Float64, strict=False)).abs()
        case "squared_error":
            worth = (pl.col("value") - truth.cast(pl.Float64, strict=False)) ** 2
        case "brier":
            worth = _brier(truth.replace_strict(classes, range(len(classes)), default=None, return_dtype=pl.Int64))
    return known.with_columns(worth=worth.cast(pl.Float64)).filter(pl.col("worth").is_finite())


def moments(values: np.ndarray) -> Moments:
    """The moments of some values; zeros for none."""
    if not len(values):
        return Moments(0, 0.0, 0.0)
    return Moments(len(values), float(values.mean()), float(values.var()))


def enough(values: np.ndarray, minimum: int) -> bool:
    """Whether one side saw enough for its variance to be known; see `bench/ab.py` for what comes of it."""
    if len(values) < minimum:
        return False
    lowest = values == values.min()
    rare = min(int(lowest.sum()), int((~lowest).sum())) if set(np.unique(values)) <= {0.0, 1.0} else RARE
    return rare >= RARE


def _brier(truth: pl.Expr) -> pl.Expr:
    """Half the squared distance of the probabilities from the truth: 0 for sure and right, 1 for sure and wrong."""
    import polars as pl

    squares = pl.col("probabilities").list.eval(pl.element() ** 2).list.sum()
    return (squares - 2 * pl.col("probabilities").list.get(truth) + 1) / 2


def _with_roles(predictions: pl.DataFrame) -> pl.DataFrame:
    """The same with the columns of roles, which a log has only once a model was tried."""
    import polars as pl

    missing = [name for name in ("traffic_role", "traffic_unit") if name not in predictions.columns]
    return predictions.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)


_ROLES = ("champion", "challenger")


def _trial(terms: Challenger, champion: int, seen: Compared) -> Trial:
    one, other, interval, paired = seen
    total = int(other.rows if paired else one.rows + other.rows)
    verdict = _verdict(terms, interval, total)
    return Trial(
        role="shadow" if paired else "challenger",
        weight=terms.weight,
        outcome=terms.outcome,
        champion=Side(champion, int(one.rows), float(one.mean) if one.rows else None),
        other=Side(terms.version, int(other.rows), float(other.mean) if other.rows else None),
        difference=float(interval.value) if interval else None,
        low=float(interval.low) if interval else None,
        high=float(interval.high) if interval else None,
        verdict=verdict,
        words=_words(terms, verdict, seen, total),
        more=_more(terms, seen, total) if verdict == "undecided" else None,
    )


def _verdict(terms: Challenger, interval: Interval | None, total: int) -> Verdict:
    if interval is None:
        return "over" if total >= terms.maximum else "collecting"
    if interval.low > 0 or interval.high < 0:
        return "better" if (interval.low > 0) == terms.outcome.higher else "worse"
    if -terms.margin < interval.low and interval.high < terms.margin:
        return "equal"
    return "over" if total >= terms.maximum else "undecided"


def _more(terms: Challenger, seen: Compared, total: int) -> int | None:
    """How many more askers it may take, were the difference that was seen the true one."""
    interval = seen.interval
    if interval is None or not interval.value:
        return None
    tightest = TIGHTEST * terms.minimum
    half = float(interval.high - interval.value)
    # By how much the interval must shrink says by how much the counts must grow, whatever they are counts of.
    now = needed(half, 1.0, terms.false_verdicts, tightest)
    then = needed(abs(float(interval.value)), 1.0, terms.false_verdicts, tightest)
    return max(1, round(total * (then / now - 1)))


_SAYS: dict[Verdict, str] = {
    "better": "is better than",
    "worse": "is worse than",
    "equal": "is as good as",
    "undecided": "may be better or worse than",
    "over": "was neither better nor worse than",
    "collecting": "cannot be compared yet with",
}


def _words(terms: Challenger, verdict: Verdict, seen: Compared, total: int) -> str:
    one, other, interval, paired = seen
    role = "shadow" if paired else "challenger"
    name = f"the rate of {terms.outcome.of}" if terms.outcome.of else terms.outcome.name.replace("_", " ")
    start = f"The {role}, version {terms.version}, {_SAYS[verdict]} the champion"
    if interval is None:
        each = f"{int(other.rows)} requests" if paired else f"{int(one.rows)} and {int(other.rows)} askers"
        return f"{start}: {each} with an outcome; it takes {terms.minimum} each, and {RARE} of each kind."
    sure = f"{100 * (1 - terms.false_verdicts):g} % at every look"
    ends = f"{interval.value:+.3g} ({interval.low:+.3g} to {interval.high:+.3g}, {sure})"
    within = f", so less than {terms.margin:g} apart" if verdict == "equal" else ""
    end = f" after {total} {'requests' if paired else 'askers'}"
    return f"{start}{end}: {name} {ends}{within}."
