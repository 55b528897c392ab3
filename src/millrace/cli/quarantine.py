"""`millrace quarantine`: what was refused, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show
from millrace.cli.progress import watching

Rule = Annotated[str | None, typer.Option("--rule", help="Only rows that this rule refused.")]
Origin = Annotated[str | None, typer.Option("--origin", help="Only rows of this file: a path, its end, or a glob.")]


def group() -> typer.Typer:
    """Give the verbs of the quarantine."""
    app = typer.Typer(name="quarantine", help="Rows that were refused, with their reasons and origin.")
    app.command("list")(list_rules)
    app.command("show")(show_rows)
    app.command("replay")(replay)
    app.command("export")(export)
    return app


def list_rules(
    source: Annotated[str | None, typer.Argument(help="One source; default: all of them.")] = None,
    by: Annotated[str, typer.Option("--by", help="rule, source, day, load or origin.")] = "rule",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Count the refused rows by rule, each with an example; or by source, day, load or origin, over time.

    $ millrace quarantine list

    $ millrace quarantine list customers --by day

    $ millrace quarantine list --by source --json
    """
    from millrace.cli.render.quarantine import groups, rules

    if by == "rule":
        show(opened(project).quarantine(source), as_json, rules)
    else:
        show(opened(project).refusals(by, source), as_json, groups)


def show_rows(
    source: Annotated[
        str | None, typer.Argument(help="The source whose rows are shown; default: every source.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")] = 20,
    rule: Rule = None,
    origin: Origin = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show refused rows with reason and origin, newest first.

    $ millrace quarantine show

    $ millrace quarantine show customers --rule tenure_positive --limit 100

    $ millrace quarantine show customers --origin "march-*.csv" --json
    """
    from millrace.cli.render.quarantine import rows

    show(opened(project).refused(source, limit, rule=rule, origin=origin).to_dicts(), as_json, rows)


def replay(
    source: Annotated[str, typer.Argument(help="The source whose refused rows are tried again.")],
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Try refused rows again after a rule or type was mended; those that pass go into the table.

    $ millrace quarantine replay customers

    $ millrace quarantine replay customers --json
    """
    from millrace.cli.render.quarantine import replayed

    with watching(as_json) as watch:
        record = opened(project).replay(source, watch)
    show(record, as_json, replayed)


def export(
    source: Annotated[str, typer.Argument(help="The source whose refused rows are written.")],
    to: Annotated[str, typer.Option("--to", help="A file that ends in .csv, .parquet or .ndjson.")],
    rule: Rule = None,
    origin: Origin = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write refused rows with reason and origin into a file.

    $ millrace quarantine export customers --to refused.csv

    $ millrace quarantine export customers --rule tenure_positive --to refused.parquet --json
    """
    from millrace.cli.render.quarantine import exported

    show(opened(project).export_refused(source, to, rule=rule, origin=origin), as_json, exported)
