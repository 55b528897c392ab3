"""What a look found reaches an OpenTelemetry collector; one that is gone fails no look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `otel` is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from millrace.monitor.otel import export
from millrace.records.metric import Metric
from millrace.records.monitoring import Alarm, ColumnDrift, Decision, Indicator, Performance, Unlabelled

DECISION = Decision(
    "retrain",
    "accuracy fell",
    (Alarm("performance", None, "accuracy", 0.7, ""), Alarm("drift", "age", "ks", 0.3, "")),
    {"age": ColumnDrift("age", "ks", 0.3, 1e-9, 0.25, alarmed=True)},
    package="churn",
    version=3,
    kpis=(
        Indicator("error_rate", "< 1%", 0.002, 0.001, 0.003, 1000, (), alarmed=False, budgeted=True),
        Indicator("throughput", "> 5", None, None, None, 0, (), alarmed=False, budgeted=False),
    ),
    performance=Performance("", "", 500, 400, {"accuracy": Metric(0.7, 0.65, 0.75)}),
    unlabelled=Unlabelled("accuracy", 0.72, 0.7, 0.74, None, 0.3, 0.28, 0.32, 0.2, True, 0.01, 500, ()),
)


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """Where a collector listens, and what it was told."""
    told: list[ExportMetricsServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/metrics"
            told.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()
        thread.join()


def test_a_collector_gets_every_number_of_a_decision(collector) -> None:
    url, told = collector
    assert export(DECISION, "shop", url)
    (request,) = told
    (resource,) = request.resource_metrics
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert named["millrace.project"] == "shop"
    found = set()
    for metric in resource.scope_metrics[0].metrics:
        for point in metric.gauge.data_points:
            about = {one.key: one.value.string_value or one.value.int_value for one in point.attributes}
            assert (about.pop("package"), about.pop("version")) == ("churn", 3)
            found.add((metric.name, point.as_double, *about.values()))
    assert found == {
        ("millrace.decision", 1.0, "retrain"),
        ("millrace.alarms", 1.0, "performance"),
        ("millrace.alarms", 1.0, "drift"),
        ("millrace.drift.effect", 0.25, "age"),
        ("millrace.kpi", 0.002, "error_rate"),
        ("millrace.performance", 0.7, "accuracy", "value"),
        ("millrace.performance", 0.65, "accuracy", "low"),
        ("millrace.performance", 0.75, "accuracy", "high"),
        ("millrace.likely_wrong", 0.3),
        ("millrace.estimate", 0.72, "accuracy", "value"),
        ("millrace.estimate", 0.7, "accuracy", "low"),
        ("millrace.estimate", 0.74, "accuracy", "high"),
    }


def test_a_collector_that_is_gone_fails_no_look(monkeypatch, caplog) -> None:
    monkeypatch.setattr("millrace.monitor.otel._PATIENCE", 0.2)
    assert not export(DECISION, "shop", "http://127.0.0.1:9")
    assert "did not take what a look found" in caplog.text
