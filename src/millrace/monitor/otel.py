"""What a look found, told to OpenTelemetry: gauges over OTLP (HTTP), so that any collector keeps and draws them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from millrace.errors import MissingExtraError
from millrace.records.monitoring import Decision

#: Seconds that a collector may take; a look does not wait longer for it.
_PATIENCE = 5.0


class Gauge(NamedTuple):
    """One number with what it is about."""

    name: str
    value: float
    about: Mapping[str, str | int]


def gauges(decision: Decision) -> Iterator[Gauge]:
    """Every number of a decision that is worth a line in a chart.

    Examples
    --------
    >>> [(one.name, one.value, dict(one.about)) for one in gauges(Decision("keep", "", package="churn", version=3))]
    [('millrace.decision', 1.0, {'package': 'churn', 'version': 3, 'decision': 'keep'})]
    """
    of: dict[str, str | int] = {"package": decision.package, "version": decision.version}
    yield Gauge("millrace.decision", 1.0, of | {"decision": decision.decision})
    for kind in sorted({alarm.kind for alarm in decision.alarms}):
        alarms = sum(alarm.kind == kind for alarm in decision.alarms)
        yield Gauge("millrace.alarms", float(alarms), of | {"kind": kind})
    for column in decision.columns.values():
        yield Gauge("millrace.drift.effect", column.effect, of | {"column": column.column})
    for kpi in decision.kpis:
        if kpi.value is not None:
            yield Gauge("millrace.kpi", kpi.value, of | {"kpi": kpi.name})
    measured = decision.performance.metrics if decision.performance else {}
    for name, metric in measured.items():
        for bound, value in (("value", metric.value), ("low", metric.low), ("high", metric.high)):
            yield Gauge("millrace.performance", value, of | {"metric": name, "bound": bound})
    found = decision.unlabelled
    if found is not None:
        yield Gauge("millrace.likely_wrong", found.flagged, of)
        for bound, estimated in (("value", found.value), ("low", found.low), ("high", found.high)):
            if estimated is not None:
                yield Gauge("millrace.estimate", estimated, of | {"metric": found.metric, "bound": bound})


def export(decision: Decision, project: str, endpoint: str) -> bool:
    """Tell the collector at `endpoint`, such as ``http://localhost:4318``; whether it took it.

    One that does not answer is told of in the log, and never fails a look. Raises `MissingExtraError` without the
    library.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
        from opentelemetry.sdk.resources import Resource
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "`monitor.otel` needs the library opentelemetry.",
            where="monitor.otel",
            next_step="pip install 'millrace[otel]'",
        ) from error
    reader = InMemoryMetricReader()
    resource = Resource({"service.name": "millrace", "millrace.project": project})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter("millrace")
    for one in gauges(decision):
        meter.create_gauge(one.name).set(one.value, dict(one.about))
    collected = reader.get_metrics_data()
    exporter = OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics", timeout=_PATIENCE)
    try:
        taken = collected is not None and exporter.export(collected) is MetricExportResult.SUCCESS
    finally:
        exporter.shutdown()
        provider.shutdown()
    if not taken:
        logging.getLogger("millrace.monitor").warning("OpenTelemetry at %s did not take what a look found", endpoint)
    return taken
