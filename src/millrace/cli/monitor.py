"""`millrace monitor`: whether what is served is still right."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.errors import UsageError


def monitor(
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
    rules: Annotated[bool, typer.Option("--rules", help="Print Prometheus alert rules instead (YAML).")] = False,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Print a Grafana dashboard instead (JSON).")] = False,
) -> None:
    """Look at what was served, and decide: keep, retrain or roll back. Nothing is started.

    Exit code 1: the decision is not to keep.

    $ millrace monitor

    $ millrace monitor --json

    $ millrace monitor --rules > millrace-rules.yaml

    $ millrace monitor --dashboard > millrace-dashboard.json
    """
    if rules and dashboard:
        raise UsageError("`--rules` and `--dashboard` are two files.", where="monitor", next_step="ask for one of them")
    if rules or dashboard:
        from millrace.monitor import prometheus

        asked, write = opened(project).settings, prometheus.alert_rules if rules else prometheus.dashboard
        typer.echo(write(asked.project, asked.monitor.kpis), nl=False)
        return
    from millrace.cli.render.decision import decision

    record = opened(project).monitor()
    show(record, as_json, decision)
    if record.decision != "keep":
        raise typer.Exit(SAID_NO)
