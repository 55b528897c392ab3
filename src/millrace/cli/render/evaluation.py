"""An evaluation: every metric with its interval, beside the simplest model's."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, number, table
from millrace.records.evaluation import Evaluation


def evaluation(record: Evaluation) -> RenderableType:
    """Draw the metrics, the deciding one first."""
    columns = ["metric", "value", "95 % interval", "better is", *(["baseline"] if record.baseline else [])]
    drawn = table(*columns, numbers=["value", "95 % interval", "baseline"], title="Evaluation")
    for name in sorted(record.metrics, key=lambda name: name != record.primary):
        metric = record.metrics[name]
        style = "bold green" if name == record.primary else ""
        row = [name, number(metric.value), f"{number(metric.low)} … {number(metric.high)}"]
        row.append("higher" if metric.higher_is_better else "lower")
        if record.baseline:
            row.append(number(record.baseline[name].value) if name in record.baseline else "-")
        add(drawn, *row, style=style)
    parts: list[RenderableType] = [drawn, Text(_facts(record), style="dim")]
    if record.advice:
        parts.append(Text(record.advice))
    return Group(*parts)


def _facts(record: Evaluation) -> str:
    facts = [record.task, f"{record.rows:,} rows the model never saw"]
    if record.positive is not None:
        facts.append(f"looks for {record.positive}")
    if record.threshold is not None:
        facts.append(f"threshold {number(record.threshold)}")
    return " · ".join(facts)
