"""Rules and dashboards ask only for what a server exposes, and Prometheus takes them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from millrace.monitor.prometheus import alert_rules, dashboard
from millrace.serve.metrics import Counters, exposition

KPIS = {
    "p99_latency_ms": "< 50",
    "p95_latency_ms": "< 30",
    "error_rate": "< 1%",
    "throughput": "5 to 1000",
    "null_answers": "< 2%",
    "positive_rate": "10% to 30%",
}


def rules(kpis: dict[str, str]) -> list[dict]:
    (group,) = YAML(typ="safe").load(alert_rules("churn", kpis))["groups"]
    return group["rules"]


def exposed() -> dict[str, set[str]]:
    """Each series of a server with the names of its labels, and the bounds of its buckets."""
    counters = Counters()
    counters.request("/predict", 200, 0.001)
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition(counters, "churn", 1).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update((*sample.labels, *sample.labels.values()))
    return found


def queries() -> list[str]:
    panels = json.loads(dashboard("churn", KPIS))["panels"]
    return [rule["expr"] for rule in rules(KPIS)] + [one["expr"] for panel in panels for one in panel["targets"]]


def test_only_what_a_server_exposes_is_asked_for() -> None:
    series = exposed()
    for query in queries():
        asked = re.findall(r"(millrace_\w+)\{([^}]*)\}", query)
        assert asked
        for name, labels in asked:
            assert name in series, query
            assert set(re.findall(r"(\w+)=", labels)) <= series[name], query
            assert set(re.findall(r'le="([^"]+)"', labels)) <= series[name], query


def test_a_budget_burns_over_two_windows_and_pages_before_it_is_a_ticket() -> None:
    found = [rule for rule in rules({"error_rate": "< 1%"}) if rule["alert"] == "MillraceErrorRate"]
    limits = [re.findall(r"\[(\w+)\][^\[]*?> ([\d.]+)", rule["expr"].replace(" and ", "\n")) for rule in found]
    assert [[limit for _, limit in sides] for sides in limits] == [["0.144"] * 2, ["0.06"] * 2, ["0.01"] * 2]
    assert [rule["labels"]["severity"] for rule in found] == ["page", "page", "ticket"]
    assert ["[1h]" in rule["expr"] and "[5m]" in rule["expr"] for rule in found] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "bound"), [("< 50", "0.05"), ("< 30", "0.05"), ("< 1000", "1.0"), ("< 10000", "10.0")]
)
def test_a_latency_is_read_from_the_first_bucket_that_is_not_below_it(text: str, bound: str) -> None:
    expressions = [rule["expr"] for rule in rules({"p99_latency_ms": text}) if rule["alert"] == "MillraceP99LatencyMs"]
    assert len(expressions) == 3
    assert all(f'le="{bound}"' in expression for expression in expressions)


def test_throughput_is_held_on_each_side_that_is_named() -> None:
    both, low = (rules({"throughput": text})[-1]["expr"] for text in ("5 to 1000", "> 5"))
    assert (both.count(" <= 5"), both.count(" >= 1000"), both.count(" or ")) == (2, 2, 1)
    assert (low.count(" <= 5"), low.count(" >= "), low.count(" or ")) == (2, 0, 0)


def test_a_server_that_is_gone_is_told_whatever_the_project_file_says() -> None:
    assert [rule["alert"] for rule in rules({})] == ["MillraceAbsent", "MillraceSwitchFailed"]


def test_the_dashboard_shows_what_the_service_is_held_to() -> None:
    panels = {panel["title"]: panel for panel in json.loads(dashboard("churn", KPIS))["panels"]}
    limits = {title: panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for title, panel in panels.items()}
    lines = {title: steps[-1]["value"] for title, steps in limits.items()}
    assert (lines["Time to answer"], lines["Errors"], lines["Requests"]) == (0.03, 0.01, None)
    assert len({panel["id"] for panel in panels.values()}) == len(panels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_takes_the_rules_and_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    asked = [{"record": f"panel:{at}", "expr": query} for at, query in enumerate(queries())]
    text = json.dumps({"groups": [{"name": "panels", "rules": asked}]}).replace("$__rate_interval", "5m")
    panels = tmp_path / "panels.yaml"
    panels.write_text(text, encoding="utf-8")
    path.write_text(alert_rules("churn", KPIS), encoding="utf-8")
    said = subprocess.run(["promtool", "check", "rules", path, panels], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "12 rules found" in said.stdout
    assert "duplicate" not in said.stdout
