from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from millrace.serve.metrics import Board, Counters, exposition, total


def test_the_text_is_what_prometheus_reads() -> None:
    counters = Counters(rows=3)
    counters.request("/predict", 200, 0.0003)
    counters.request("/predict", 422, 0.7)
    counters.request("healthz", 200, 9.0)
    families = text_string_to_metric_families(exposition(counters, "churn", 3).decode())
    samples = {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }
    assert samples["millrace_requests_total", ("/predict", "422")] == 1
    assert samples["millrace_rows_total", ()] == 3
    assert samples["millrace_package", ("churn", "3")] == 1
    # only predictions are timed; 0.3 ms lies in (0.25 ms, 0.5 ms]
    assert samples["millrace_request_seconds_bucket", ("0.00025",)] == 0
    assert samples["millrace_request_seconds_bucket", ("0.0005",)] == 1
    assert samples["millrace_request_seconds_bucket", ("+Inf",)] == 2
    assert samples["millrace_request_seconds_count", ()] == 2


def test_workers_find_each_others_counts_and_not_their_own(tmp_path: Path) -> None:
    first, second = Board(tmp_path, "1"), Board(tmp_path, "2")
    first.post(Counters(rows=2, requests={"/predict 200": 2}))
    second.post(Counters(rows=5, requests={"/predict 200": 4, "docs 200": 1}))
    whole = total([Counters(rows=3, requests={"/predict 200": 3}), *first.others()])
    assert (whole.rows, whole.requests) == (8, {"/predict 200": 7, "docs 200": 1})
