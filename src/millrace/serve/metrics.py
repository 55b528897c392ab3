"""What a server counts, cheap to count on the hot path, shown in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from millrace.records.served import LATENCY_BOUNDS, Served

_SUMS = ("seconds", "rows", "extra_fields", "unseen_categories", "feedback", "failed_switches", "shadow_missed")
_TIMED = frozenset({"/predict", "infer", "invocations"})


class Counters(msgspec.Struct):
    """The counts of one worker; plain numbers, changed by its one event loop.

    Examples
    --------
    >>> a, b = Counters(), Counters()
    >>> a.request("/predict", 200, 0.0003); b.request("/predict", 200, 0.0003)
    >>> total([a, b]).requests
    {'/predict 200': 2}
    """

    requests: dict[str, int] = msgspec.field(default_factory=dict)
    latencies: list[int] = msgspec.field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    seconds: float = 0.0
    rows: int = 0
    extra_fields: int = 0
    unseen_categories: int = 0
    feedback: int = 0
    failed_switches: int = 0
    by_role: dict[str, int] = msgspec.field(default_factory=dict)
    shadow_missed: int = 0

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one request, and the time of one that asked for predictions."""
        key = f"{route} {status}"
        self.requests[key] = self.requests.get(key, 0) + 1
        if route in _TIMED:
            self.latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1
            self.seconds += seconds

    def served(self, at: int) -> Served:
        """What was asked of the model since the start, `at` in µs since 1970."""
        answered = [(key.rsplit(" ", 1), count) for key, count in self.requests.items()]
        timed = [(int(status), count) for (route, status), count in answered if route in _TIMED]
        failed = sum(count for status, count in timed if status >= 500)
        return Served(at, sum(count for _, count in timed), failed, list(self.latencies))


def total(parts: Iterable[Counters]) -> Counters:
    """The sum of several workers' counts."""
    whole = Counters()
    for part in parts:
        for key, count in part.requests.items():
            whole.requests[key] = whole.requests.get(key, 0) + count
        for role, count in part.by_role.items():
            whole.by_role[role] = whole.by_role.get(role, 0) + count
        whole.latencies = [a + b for a, b in zip(whole.latencies, part.latencies, strict=True)]
        for name in (
            "seconds",
            "rows",
            "extra_fields",
            "unseen_categories",
            "feedback",
            "failed_switches",
            "shadow_missed",
        ):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    return whole


class Board:
    """Where the workers of one server leave their counts for each other: a folder with a file per worker."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._own = folder / f"{worker}.json"

    def post(self, counters: Counters) -> None:
        """Leave this worker's counts for the others, in one move."""
        draft = self._own.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(counters))
        draft.replace(self._own)

    def others(self) -> list[Counters]:
        """What the other workers, gone ones too, left last."""
        paths = (path for path in self._folder.glob("*.json") if path != self._own)
        return [msgspec.json.decode(path.read_bytes(), type=Counters) for path in paths]


def exposition(counters: Counters, package: str, version: int) -> bytes:
    """The counts in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Families(counters, package, version))
    return generate_latest(registry)


class _Families:
    def __init__(self, counters: Counters, package: str, version: int) -> None:
        self._counters = counters
        self._package, self._version = package, version

    def collect(self) -> Iterator[Metric]:
        counters = self._counters
        requests = CounterMetricFamily("millrace_requests", "Requests answered.", labels=["route", "status"])
        for key, count in counters.requests.items():
            requests.add_metric(key.rsplit(" ", 1), count)
        yield requests
        cumulative, buckets = 0, []
        for bound, count in zip((*map(str, LATENCY_BOUNDS), "+Inf"), counters.latencies, strict=True):
            cumulative += count
            buckets.append((bound, cumulative))
        yield HistogramMetricFamily(
            "millrace_request_seconds", "Time from request to predictions.", buckets=buckets, sum_value=counters.seconds
        )
        yield CounterMetricFamily("millrace_rows", "Rows predicted.", value=counters.rows)
        yield CounterMetricFamily(
            "millrace_extra_fields", "Fields sent that the model does not know.", value=counters.extra_fields
        )
        yield CounterMetricFamily(
            "millrace_unseen_categories", "Categories not seen in training.", value=counters.unseen_categories
        )
        yield CounterMetricFamily("millrace_feedback", "Outcomes reported.", value=counters.feedback)
        yield CounterMetricFamily(
            "millrace_failed_switches", "Champions that could not be loaded.", value=counters.failed_switches
        )
        yield CounterMetricFamily(
            "millrace_shadow_missed", "Rows that the shadow did not answer.", value=counters.shadow_missed
        )
        roles = CounterMetricFamily("millrace_role_rows", "Rows answered while a model is tried.", labels=["role"])
        for role, count in counters.by_role.items():
            roles.add_metric([role], count)
        yield roles
        served = GaugeMetricFamily("millrace_package", "The package that answers.", labels=["package", "version"])
        served.add_metric([self._package, str(self._version)], 1)
        yield served
