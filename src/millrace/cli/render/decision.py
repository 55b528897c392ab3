"""A decision of monitoring: what to do, and on what evidence."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, hint, number, table, verdict
from millrace.monitor.message import picture
from millrace.records.monitoring import Decision, Performance, Unlabelled

#: What a decision calls for.
_NEXT = {
    "fix": "mend what the evidence names, then millrace monitor",
    "retrain": "millrace retrain",
    "roll back": "millrace release rollback",
}


def decision(record: Decision) -> RenderableType:
    """Draw the decision with its evidence, and what it calls for."""
    if record.decision not in _NEXT:
        return evidence(record)
    return Group(evidence(record), Text(), hint(_NEXT[record.decision]))


def evidence(record: Decision) -> RenderableType:
    """Draw the decision, its alarms, and the columns that moved most."""
    parts: list[RenderableType] = [verdict(record.decision == "keep", f"{record.decision}: {record.reason}")]
    about = f"{record.package} {record.version} · " if record.package else ""
    parts.append(Text(f"  {about}{record.rows:,} predictions looked at{f' · {record.at}' if record.at else ''}", "dim"))
    if (seen := picture(record)) is not None:
        parts += [Text(), Text(seen.drawn())]
    if record.alarms:
        drawn = table("alarm", "column", "statistic", "value", "evidence", numbers=["value"])
        for alarm in record.alarms:
            row = (alarm.kind, alarm.column or "-", alarm.statistic, number(alarm.value), alarm.evidence)
            add(drawn, *row, style="yellow")
        parts += [Text(), drawn]
    if record.kpis:
        parts += [Text(), _kpis(record)]
    if record.performance is not None:
        parts += [Text(), _performance(record.performance)]
    if record.unlabelled is not None:
        parts += [Text(), _unlabelled(record.unlabelled)]
    if record.columns:
        parts += [Text(), _columns(record)]
    parts += [Text(f"  not told yet: {one.channel}: {one.error}", "red") for one in record.deliveries if one.error]
    return Group(*parts)


def _kpis(record: Decision) -> RenderableType:
    drawn = table("indicator", "should be", "is", "from", "to", "burn rate", numbers=["is", "from", "to", "burn rate"])
    for one in record.kpis:
        fastest = f"{max(burn.long for burn in one.burns):.3g}" if one.budgeted else "-"
        row = (one.name, one.bound, number(one.value), number(one.low), number(one.high), fastest)
        add(drawn, *row, style="bold yellow" if one.alarmed else "")
    return drawn


def _performance(record: Performance) -> RenderableType:
    titles = ("metric", "is", "from", "to", "held out", "from", "to")
    drawn = table(*titles, numbers=titles[1:])
    for name, one in record.metrics.items():
        promised = record.promised.get(name)
        own = (one.value, one.low, one.high)
        theirs = (promised.value, promised.low, promised.high) if promised else (None, None, None)
        add(drawn, name, *(number(value) for value in (*own, *theirs)))
    known = f"{record.outcomes:,} outcomes known of {record.predictions:,} predictions"
    drawn.caption = f"{known} from {record.start[:16]} to {record.end[:16]}"
    return drawn


def _unlabelled(record: Unlabelled) -> RenderableType:
    lines = ["Before outcomes are known:"]
    if record.value is not None:
        band = f"{number(record.low)} to {number(record.high)}"
        held = f", {number(record.promised.value)} on held-out rows" if record.promised else ""
        lines.append(f"  {record.metric} is estimated at {number(record.value)} ({band}){held}")
    lines.append(
        f"  {record.flagged:.1%} of the answers are likely far off, as {record.usual:.1%} of held-out rows were"
    )
    return Text("\n".join([*lines, *(f"  · {one}" for one in record.assumptions)]), "dim")


def _columns(record: Decision, most: int = 10) -> RenderableType:
    drawn = table("column", "effect", "statistic", "value", "p", numbers=["effect", "value", "p"])
    moved = sorted(record.columns.values(), key=lambda column: (not column.alarmed, -column.effect))
    for column in moved[:most]:
        row = (column.column, number(column.effect), column.statistic, number(column.value), f"{column.p_value:.2g}")
        add(drawn, *row, style="bold yellow" if column.alarmed else "")
    if len(moved) > most:
        drawn.caption = f"and {len(moved) - most} more columns that moved less"
    return drawn
