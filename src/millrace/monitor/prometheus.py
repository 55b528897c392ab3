"""What a project file asks for, as Prometheus alert rules and a Grafana dashboard over what its servers expose.

Budgets burn over two windows each, as the Site Reliability Workbook (2018, chapter 5) has it: told at once when a day's
worth goes in minutes, and as a ticket when it only just goes too fast.
"""

from __future__ import annotations

import io
import json
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from millrace.config.kpis import Kpi, parse_kpi
from millrace.records.served import LATENCY_BOUNDS

#: Long window, short window, burn rate from which it alarms, and how urgent that is.
_BURNS = (("1h", "5m", 14.4, "page"), ("6h", "30m", 6.0, "page"), ("3d", "6h", 1.0, "ticket"))
_ASKED = 'route=~"/predict|infer|invocations"'
_QUANTILES = (0.5, 0.95, 0.99)


def alert_rules(project: str, kpis: Mapping[str, str]) -> str:
    """A file of Prometheus alert rules (YAML) for the servers of `project`.

    Indicators that no server exposes, as only the prediction log tells them, have no rule.

    Examples
    --------
    >>> print(alert_rules("churn", {}).splitlines()[1])
    - name: millrace-churn
    """
    from ruamel.yaml import YAML

    rules = [*_always(project)]
    for name, text in kpis.items():
        rules += _rules(project, parse_kpi(name, text))
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 4096
    yaml.dump({"groups": [{"name": f"millrace-{project}", "rules": rules}]}, out)
    return out.getvalue()


def dashboard(project: str, kpis: Mapping[str, str]) -> str:
    """A Grafana dashboard (JSON, to be imported) of the servers of `project`, with what they are held to as lines.

    Examples
    --------
    >>> json.loads(dashboard("churn", {}))["title"]
    'Millrace: churn'
    """
    held = {name: parse_kpi(name, text) for name, text in kpis.items()}
    drawn = [_panel(place, *panel) for place, panel in enumerate(_panels(project, held))]
    content = {
        "uid": f"millrace-{project}"[:40],
        "title": f"Millrace: {project}",
        "tags": ["millrace"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": drawn,
    }
    return json.dumps(content, indent=2) + "\n"


def _rate(project: str, metric: str, window: str, labels: str = "", by: str = "") -> str:
    """Per second, over the servers that answer with this project's package."""
    own = f'max by (job, instance) (millrace_package{{package="{project}"}})'
    return f"sum{by}(rate({metric}{{{labels}}}[{window}]) * on (job, instance) group_left () {own})"


def _always(project: str) -> Iterator[dict[str, Any]]:
    absent = f'absent(millrace_package{{package="{project}"}})'
    yield _rule(project, "Absent", absent, "page", "No server answers.") | {"for": "5m"}
    failed = f"{_rate(project, 'millrace_failed_switches_total', '15m')} > 0"
    yield _rule(project, "SwitchFailed", failed, "ticket", "A champion could not be loaded; the one before it answers.")


def _rules(project: str, kpi: Kpi) -> Iterator[dict[str, Any]]:
    what = "".join(part.capitalize() for part in kpi.name.split("_"))
    summary = f"{kpi.name} should be {kpi.text}"
    if kpi.name == "throughput":
        bounds = [(sign, bound) for sign, bound in (("<=", kpi.low), (">=", kpi.high)) if math.isfinite(bound)]
        rates = [_rate(project, "millrace_rows_total", window) for window in ("1h", "5m")]
        broken = [" and ".join(f"{rate} {sign} {bound:g}" for rate in rates) for sign, bound in bounds]
        yield _rule(project, what, " or ".join(broken), "page", summary)
        return
    if kpi.budget is None or kpi.name == "null_answers":
        return
    for long, short, burn, severity in _BURNS:
        sides = [f"{_bad(project, kpi, window)} > {burn * kpi.budget:g}" for window in (long, short)]
        rule = _rule(project, what, " and ".join(sides), severity, f"{summary}; its budget burns over {burn:g} times")
        yield rule | {"labels": rule["labels"] | {"window": long}}


def _bad(project: str, kpi: Kpi, window: str) -> str:
    """The share of bad requests; of a latency, those above the first bound of a bucket that is not below it."""
    if kpi.quantile is None:
        failed = _rate(project, "millrace_requests_total", window, f'{_ASKED}, status=~"5.."')
        return f"({failed} / {_rate(project, 'millrace_requests_total', window, _ASKED)})"
    bound = LATENCY_BOUNDS[bisect_left(LATENCY_BOUNDS, kpi.high / 1000)]
    quick = _rate(project, "millrace_request_seconds_bucket", window, f'le="{bound}"')
    return f"(1 - {quick} / {_rate(project, 'millrace_request_seconds_count', window)})"


def _rule(project: str, what: str, expression: str, severity: str, summary: str) -> dict[str, Any]:
    return {
        "alert": f"Millrace{what}",
        "expr": expression,
        "labels": {"severity": severity, "project": project},
        "annotations": {"summary": f"{project}: {summary}", "description": "Look with `millrace monitor`."},
    }


#: A panel: title, unit, queries by legend, and the value that is not to be passed.
_Panel = tuple[str, str, dict[str, str], float | None]


def _panels(project: str, held: Mapping[str, Kpi]) -> Iterator[_Panel]:
    window = "$__rate_interval"
    buckets = _rate(project, "millrace_request_seconds_bucket", window, by=" by (le) ")
    quantiles = {f"p{quantile * 100:g}": f"histogram_quantile({quantile}, {buckets})" for quantile in _QUANTILES}
    slowest = [kpi.high / 1000 for kpi in held.values() if kpi.quantile is not None]
    requests = _rate(project, "millrace_requests_total", window, _ASKED, " by (status) ")
    failed = _rate(project, "millrace_requests_total", window, f'{_ASKED}, status=~"5.."')
    errors = f"({failed} or vector(0)) / {_rate(project, 'millrace_requests_total', window, _ASKED)}"
    rows = {"rows": _rate(project, "millrace_rows_total", window)}
    odd = {
        "fields the model does not know": _rate(project, "millrace_extra_fields_total", window),
        "categories not seen in training": _rate(project, "millrace_unseen_categories_total", window),
    }
    yield "Time to answer", "s", quantiles, min(slowest, default=None)
    yield "Errors", "percentunit", {"errors": errors}, held["error_rate"].high if "error_rate" in held else None
    yield "Rows predicted", "cps", rows, None
    yield "Requests", "reqps", {"{{status}}": requests}, None
    yield "Odd inputs", "cps", odd, None
    yield "Outcomes reported", "cps", {"outcomes": _rate(project, "millrace_feedback_total", window)}, None
    served = f'max by (version) (millrace_package{{package="{project}"}})'
    yield "Version that answers", "none", {"version {{version}}": served}, None


def _panel(place: int, title: str, unit: str, queries: Mapping[str, str], limit: float | None) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if limit is not None:
        steps.append({"color": "red", "value": limit})
    custom = {"thresholdsStyle": {"mode": "line" if limit is not None else "off"}}
    targets = [
        {"refId": chr(ord("A") + at), "datasource": source, "expr": query, "legendFormat": legend}
        for at, (legend, query) in enumerate(queries.items())
    ]
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
        "fieldConfig": {
            "defaults": {"unit": unit, "custom": custom, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": targets,
    }
