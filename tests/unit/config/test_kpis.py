"""What an indicator may be held to, and the words that refuse the rest."""

from __future__ import annotations

import math

import pytest

from millrace.config.kpis import KPIS, parse_kpi
from millrace.errors import ProjectFileError


@pytest.mark.parametrize(
    ("name", "text", "low", "high", "budget"),
    [
        ("p99_latency_ms", "< 50", -math.inf, 50.0, 0.01),
        ("p95_latency_ms", "<= 20.5", -math.inf, 20.5, 0.05),
        ("error_rate", "<1%", -math.inf, 0.01, 0.01),
        ("null_answers", "< 0.02", -math.inf, 0.02, 0.02),
        ("throughput", "> 5", 5.0, math.inf, None),
        ("positive_rate", "10% to 30%", 0.1, 0.3, None),
    ],
)
def test_a_bound_means_what_it_says(name: str, text: str, low: float, high: float, budget: float | None) -> None:
    kpi = parse_kpi(name, text)
    assert (kpi.low, kpi.high, kpi.budget) == (low, high, budget)


def test_an_unknown_indicator_names_the_nearest_one() -> None:
    with pytest.raises(ProjectFileError, match="Did you mean `error_rate`"):
        parse_kpi("eror_rate", "< 1%")


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("error_rate", "small", "no bound for `error_rate`"),
        ("error_rate", "> 1%", "needs an upper bound"),
        ("error_rate", "1% to 2%", "needs an upper bound alone"),
        ("p99_latency_ms", "< 0", "needs an upper bound alone, above 0"),
        ("p99_latency_ms", "< 10001", "longer than a server tells latencies apart"),
        ("positive_rate", "30% to 10%", "Nothing can be"),
        ("positive_rate", "> 100%", "Nothing can be"),
        ("positive_rate", "< 50", "more than all"),
    ],
)
def test_a_bound_without_sense_is_refused(name: str, text: str, seen: str) -> None:
    with pytest.raises(ProjectFileError, match=seen):
        parse_kpi(name, text)


def test_every_indicator_takes_what_its_error_says_is_allowed() -> None:
    for name in KPIS:
        with pytest.raises(ProjectFileError, match="no bound") as refusal:
            parse_kpi(name, "?")
        for text in refusal.value.allowed:
            parse_kpi(name, text.replace("<low> to <high>", "0.1 to 0.2"))
