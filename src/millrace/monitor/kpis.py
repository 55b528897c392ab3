"""What a service is held to, against what it did: each indicator with its uncertainty, and how fast its budget burns.

An indicator with a budget (99 of 100 requests within 50 ms leave 1 %) burns at a rate of 1 when exactly that share is
bad. It alarms when the rate is too high both in a long window, beyond chance, and still in a short one of a twelfth of
it, so that an outage is told within minutes and one that is over is not (Site Reliability Workbook, 2018, chapter 5:
14.4 in an hour, 6 in six hours). Without a budget, an indicator alarms when it is out of bounds in both windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from millrace.config.kpis import Kpi, parse_kpi
from millrace.evaluate.intervals import Z, wilson
from millrace.records.monitoring import Alarm, Burn, Indicator
from millrace.records.signature import Signature

if TYPE_CHECKING:
    import polars as pl

#: Long windows in seconds, and the rate from which a burning budget alarms in them; the look's own window has rate 1.
_FAST = ((6 * 3600.0, 6.0), (3600.0, 14.4))
#: A short window is this part of its long one.
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """What one window holds of one indicator: its value and bounds, and of how many events which share was bad."""

    value: float
    low: float
    high: float
    events: int
    bad: float = 0.0


@dataclass(frozen=True, slots=True)
class Log:
    """What was served of one package up to `end`, and since when it could have been: `predictions` and `service`."""

    predictions: pl.DataFrame
    service: pl.DataFrame
    signature: Signature
    start: datetime
    end: datetime

    def last(self, seconds: float) -> Log:
        """The part of it that lies in the last `seconds`."""
        import polars as pl

        start = max(self.start, self.end - timedelta(seconds=seconds))
        inside = pl.col("at").is_between(start, self.end)
        return Log(self.predictions.filter(inside), self.service.filter(inside), self.signature, start, self.end)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds()


def nothing() -> pl.DataFrame:
    """The counts of no server."""
    import polars as pl

    lists = {"latencies": pl.List(pl.Int64), "bounds": pl.List(pl.Float64)}
    return pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "requests": pl.Int64, "failed": pl.Int64, **lists})


def indicators(kpis: Mapping[str, str], log: Log, window: float) -> tuple[Indicator, ...]:
    """Every indicator of the project file in the last `window` seconds, with its burn rates."""
    return tuple(_indicator(parse_kpi(name, text), log, window) for name, text in kpis.items())


def alarms(found: Sequence[Indicator]) -> Iterator[Alarm]:
    """An alarm for each indicator that is not what it should be."""
    for one in found:
        if one.alarmed and one.value is not None:
            burning = next(burn for burn in one.burns if burn.alarmed)
            size = f"{one.name} is {_said(one)} in {one.events:,} events, and should be {one.bound}"
            how = f"; the budget burns {burning.long:.3g} times too fast" if one.budgeted else ""
            yield Alarm("kpi", None, one.name, one.value, f"{size}{how} (over {_time(burning.seconds)}, and still)")


def _indicator(kpi: Kpi, log: Log, window: float) -> Indicator:
    seen = _see(kpi, log.last(window))
    limits = [(window, 1.0)]
    if kpi.budget is not None:
        limits += [(long, limit) for long, limit in _FAST if long < window]
    burns = tuple(_burn(kpi, log, long, limit) for long, limit in limits)
    return Indicator(
        kpi.name,
        kpi.text,
        _known(seen.value),
        _known(seen.low),
        _known(seen.high),
        seen.events,
        burns,
        alarmed=any(burn.alarmed for burn in burns),
        budgeted=kpi.budget is not None,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _burn(kpi: Kpi, log: Log, seconds: float, limit: float) -> Burn:
    long, short = _see(kpi, log.last(seconds)), _see(kpi, log.last(seconds / _SHORT))
    if kpi.budget is None:
        lasting = log.seconds * _SHORT >= seconds
        surely = lasting and (long.high <= kpi.low or long.low >= kpi.high)
        still = short.value <= kpi.low or short.value >= kpi.high
        return Burn(seconds, limit, float(surely), float(still), alarmed=surely and still)
    rates = [seen.bad / max(seen.events, 1) / kpi.budget for seen in (long, short)]
    surely = wilson(long.bad, long.events)[0] > limit * kpi.budget
    return Burn(seconds, limit, rates[0], rates[1], alarmed=surely and rates[1] > limit)


def _see(kpi: Kpi, log: Log) -> Seen:
    if kpi.quantile is not None:
        return _latency(kpi, kpi.quantile, log.service)
    if kpi.name == "error_rate":
        return _share(int(log.service["failed"].sum()), int(log.service["requests"].sum()))
    if kpi.name == "throughput":
        return _rate(log.predictions.height, log.seconds)
    if kpi.name == "null_answers":
        return _share(_without_answer(log.predictions), log.predictions.height)
    if log.signature.positive is None or log.predictions.is_empty():
        return _share(0, 0)
    return _share(int((log.predictions["label"] == log.signature.positive).sum()), log.predictions.height)


def _share(bad: float, events: int) -> Seen:
    low, high = wilson(bad, events)
    return Seen(bad / events if events else float("nan"), low, high, events, bad)


def _rate(rows: int, seconds: float) -> Seen:
    """Rows per second, with the bounds of a Poisson count by its square root, which is symmetric and never negative."""
    root, half, seconds = math.sqrt(rows), Z / 2, max(seconds, 1.0)
    low, high = (max(root - half, 0.0) ** 2, (root + half) ** 2)
    return Seen(rows / seconds, low / seconds, high / seconds, rows)


def _without_answer(predictions: pl.DataFrame) -> int:
    import polars as pl

    if "value" in predictions.columns:
        return predictions.filter(~pl.col("value").is_finite().fill_null(value=False)).height
    if "probabilities" not in predictions.columns:
        return 0
    finite = pl.col("probabilities").list.eval(pl.element().is_finite()).list.all() & pl.col("label").is_not_null()
    return predictions.filter(~finite.fill_null(value=False)).height


def _latency(kpi: Kpi, quantile: float, service: pl.DataFrame) -> Seen:
    """A quantile of the time to answer in ms, and how many requests took longer than allowed.

    Within a bucket of the histogram, requests are taken as evenly spread; those beyond the last one as just there.
    """
    counts, bounds = _histogram(service)
    events = int(counts.sum())
    if not events:
        return Seen(float("nan"), 0.0, float("inf"), 0)
    below = np.concatenate(([0.0], np.cumsum(counts[:-1])))
    edges = np.concatenate(([0.0], bounds)) * 1000
    low, high = wilson(quantile * events, events)
    value, least, most = (float(np.interp(share * events, below, edges)) for share in (quantile, low, high))
    within = float(np.interp(kpi.high, edges, below)) if kpi.high < edges[-1] else below[-1]
    return Seen(value, least, most, events, float(events - within))


def _histogram(service: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Counts int64 ``[buckets + 1]`` and bounds float64 ``[buckets]``, of the rows with the newest rows' bounds."""
    if service.is_empty():
        return np.zeros(1, dtype=np.int64), np.zeros(0)
    bounds = service["bounds"][-1].to_list()
    alike = [
        row
        for row, own in zip(service["latencies"].to_list(), service["bounds"].to_list(), strict=True)
        if own == bounds
    ]
    return np.sum(alike, axis=0), np.asarray(bounds)


def _said(one: Indicator) -> str:
    if one.name in {"error_rate", "null_answers", "positive_rate"}:
        return f"{one.value:.2%} (from {one.low:.2%} to {one.high:.2%})"
    return f"{one.value:.4g} (from {one.low:.4g} to {one.high:.4g})"


def _time(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
