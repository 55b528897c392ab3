"""Indicators of a log made by hand, and when they alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from millrace.monitor.kpis import Log, alarms, indicators, nothing
from millrace.records.signature import Field, Signature

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
DAY = 86400.0
SIGNATURE = Signature("binary", "ill", (Field("size", "number"),), classes=("no", "yes"), positive="yes")
BOUNDS = [0.01, 0.05, 0.1]
NOBODY = pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "label": pl.String, "probabilities": pl.List(pl.Float32)})


def counted(*rows: tuple[float, int, int, list[int]]) -> pl.DataFrame:
    """Counts, each (hours before the end, requests, failed, latencies)."""
    return pl.DataFrame(
        {
            "at": [END - timedelta(hours=before) for before, *_ in rows],
            "requests": [row[1] for row in rows],
            "failed": [row[2] for row in rows],
            "latencies": [row[3] for row in rows],
            "bounds": [BOUNDS] * len(rows),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def answered(*, positive: int, rows: int, lost: int = 0, hours: float = 24) -> pl.DataFrame:
    """Answers evenly over the last `hours`; the positive ones, and those without a number, evenly among them."""
    part = [(place * positive) % rows < positive for place in range(rows)]
    odd = [(place * lost) % rows < lost for place in range(rows)]
    return pl.DataFrame(
        {
            "at": [END - timedelta(hours=hours * place / rows) for place in range(rows)],
            "label": ["yes" if one else "no" for one in part],
            "probabilities": [[float("nan"), 0.5] if one else [0.5, 0.5] for one in odd],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "probabilities": pl.List(pl.Float32)},
    )


def look(kpis: dict[str, str], *, predictions: pl.DataFrame = NOBODY, service: pl.DataFrame | None = None):
    log = Log(predictions, nothing() if service is None else service, SIGNATURE, START, END)
    return indicators(kpis, log, DAY)


def test_a_rate_of_errors_is_counted_with_its_interval() -> None:
    (one,) = look({"error_rate": "< 1%"}, service=counted((3, 900, 27, [900, 0, 0, 0]), (1, 100, 13, [100, 0, 0, 0])))
    assert (one.value, one.events, one.alarmed) == (0.04, 1000, True)
    # Wilson (1927) of 40 in 1000: 0.041760 ± 0.012249
    assert (one.low, one.high) == (pytest.approx(0.02951, abs=1e-5), pytest.approx(0.05401, abs=1e-5))
    assert one.burns[0].long == pytest.approx(4.0)
    (alarm,) = alarms([one])
    assert (alarm.kind, alarm.statistic, alarm.value) == ("kpi", "error_rate", 0.04)
    assert "error_rate is 4.00% (from 2.95% to 5.40%) in 1,000 events, and should be < 1%" in alarm.evidence


def test_one_failure_of_twenty_may_be_chance() -> None:
    (one,) = look({"error_rate": "< 1%"}, service=counted((1, 20, 1, [20, 0, 0, 0])))
    assert one.value == 0.05
    assert not one.alarmed


def test_what_is_over_is_not_told_any_more() -> None:
    (one,) = look(
        {"error_rate": "< 1%"}, service=counted((5, 1000, 300, [1000, 0, 0, 0]), (0.01, 500, 0, [500, 0, 0, 0]))
    )
    assert one.value == 0.2
    assert not one.alarmed
    assert list(alarms([one])) == []


def test_an_outage_of_minutes_is_told_though_the_day_is_within_its_budget() -> None:
    calm = counted((10, 100_000, 0, [100_000, 0, 0, 0]), (0.05, 500, 400, [500, 0, 0, 0]))
    (one,) = look({"error_rate": "< 1%"}, service=calm)
    assert one.value is not None
    assert one.value < 0.01
    assert [burn.alarmed for burn in one.burns] == [False, True, True]
    assert one.burns[2].long == pytest.approx(80.0)


def test_a_latency_is_a_quantile_of_the_histogram() -> None:
    # 0…10 ms: 90, 10…50 ms: 10; the 95th of 100 lies half way from 10 to 50
    (one,) = look({"p95_latency_ms": "< 50"}, service=counted((1, 100, 0, [90, 10, 0, 0])))
    assert one.value == pytest.approx(30.0)
    assert one.burns[0].long == 0.0


def test_too_many_slow_requests_burn_the_budget_of_a_latency() -> None:
    # 40 of 1000 took longer than 50 ms where 10 may
    (one,) = look({"p99_latency_ms": "< 50"}, service=counted((1, 1000, 0, [0, 960, 40, 0])))
    assert one.burns[0].long == pytest.approx(4.0)
    assert one.alarmed


def test_what_took_longer_than_the_last_bucket_is_slow() -> None:
    (one,) = look({"p99_latency_ms": "< 5000"}, service=counted((1, 1000, 0, [0, 0, 0, 1000])))
    assert one.value == pytest.approx(100.0)
    assert one.alarmed


def test_throughput_counts_the_time_up_to_now_so_a_server_that_stopped_is_seen() -> None:
    (one,) = look({"throughput": "> 0.01"}, predictions=answered(positive=0, rows=8640))
    assert one.value == pytest.approx(0.1)
    assert not one.alarmed
    (silent,) = look({"throughput": "> 0.01"})
    assert (silent.value, silent.alarmed) == (0.0, True)


def test_throughput_is_not_judged_right_after_the_release() -> None:
    log = Log(NOBODY, nothing(), SIGNATURE, END - timedelta(minutes=5), END)
    (one,) = indicators({"throughput": "> 5"}, log, DAY)
    assert not one.alarmed


@pytest.mark.parametrize(("positive", "alarmed"), [(200, False), (50, True), (600, True)])
def test_the_positive_rate_alarms_on_both_sides(positive: int, alarmed: bool) -> None:
    (one,) = look({"positive_rate": "10% to 30%"}, predictions=answered(positive=positive, rows=1000))
    assert one.value == positive / 1000
    assert one.alarmed == alarmed


def test_answers_that_are_no_numbers_are_counted() -> None:
    (one,) = look({"null_answers": "< 2%"}, predictions=answered(positive=0, rows=1000, lost=100))
    assert (one.value, one.alarmed) == (0.1, True)


def test_without_events_nothing_is_known_and_nothing_alarms() -> None:
    found = look({"error_rate": "< 1%", "p99_latency_ms": "< 50", "null_answers": "< 2%", "positive_rate": "< 50%"})
    assert [(one.value, one.events, one.alarmed) for one in found] == [(None, 0, False)] * 4
