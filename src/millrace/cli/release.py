"""`millrace release`: who is champion, and how that changes."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace.cli.exit_codes import SAID_NO
from millrace.cli.options import DEFAULT, AsJson, ProjectFile, Reason, opened
from millrace.cli.output import show


def group() -> typer.Typer:
    """Give the verbs about releases."""
    app = typer.Typer(name="release", help="Who is champion: recorded, reversible changes.")
    app.command()(promote)
    app.command()(rollback)
    app.command()(history)
    app.command()(challenge)
    app.command()(shadow)
    app.command()(status)
    app.command()(stop)
    app.command()(conclude)
    return app


def promote(
    version: Annotated[int, typer.Argument(min=1, help="The package's version.")],
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a package champion by hand.

    $ millrace release promote 3 --reason "agreed with the fraud team"

    $ millrace release promote 3 --json
    """
    from millrace.cli.render.release import release

    show(opened(project).promote(version, reason), as_json, release)


def rollback(reason: Reason = "", project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Give traffic back to the champion before.

    $ millrace release rollback

    $ millrace release rollback --reason "complaints since noon"
    """
    from millrace.cli.render.release import release

    show(opened(project).rollback(reason), as_json, release)


def history(
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Say what was live then (ISO 8601, UTC), and on what evidence.")
    ] = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List every change of champion, oldest first; or say what was live at a time, who put it there, and why.

    $ millrace release history

    $ millrace release history --at "2026-05-03 14:00"

    $ millrace release history --json
    """
    from millrace.cli.render.release import history as render
    from millrace.cli.render.release import live

    if at:
        show(opened(project).live(at), as_json, live)
        return
    show(opened(project).history(), as_json, render)


def challenge(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    version: Annotated[int, typer.Argument(min=1, help="The package's version.")],
    weight: Annotated[str, typer.Option("--weight", help="The part of the askers whom it answers.")] = "10%",
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome",
            help="By what it is compared: accuracy, brier, absolute_error, squared_error, outcome or outcome=CLASS.",
        ),
    ] = "",
    lower: Annotated[bool, typer.Option("--lower", help="Of the outcome less is better.")] = False,
    sticky: Annotated[str, typer.Option("--sticky", metavar="FIELD", help="The field that says who asks.")] = "",
    minimum: Annotated[int, typer.Option("--minimum", min=20, help="Askers on each side before a verdict.")] = 200,
    maximum: Annotated[int, typer.Option("--maximum", min=40, help="Askers after which it ends.")] = 1_000_000,
    margin: Annotated[float, typer.Option("--margin", min=0, help="A difference that is none.")] = 0.0,
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Let a package answer a part of the traffic, and compare it with the champion.

    Servers follow within a second. `millrace release status` says how it does.

    $ millrace release challenge 4 --weight 10% --sticky customer_id

    $ millrace release challenge 4 --weight 50% --outcome outcome=Yes --lower --margin 0.01
    """
    from millrace.cli.render.traffic import traffic

    record = opened(project).challenge(
        version,
        weight,
        outcome,
        lower=lower,
        sticky=sticky,
        minimum=minimum,
        maximum=maximum,
        margin=margin,
        reason=reason,
    )
    show(record, as_json, traffic)


def shadow(
    version: Annotated[int, typer.Argument(min=1, help="The package's version.")],
    weight: Annotated[str, typer.Option("--weight", help="The part of the requests that it hears.")] = "100%",
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Let a package hear the requests and answer into the log alone.

    $ millrace release shadow 4

    $ millrace release shadow 4 --weight 20%
    """
    from millrace.cli.render.traffic import traffic

    show(opened(project).shadow(version, weight, reason), as_json, traffic)


def status(project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say who answers, and how the challenger and the shadow do; looking often makes no false verdicts.

    $ millrace release status

    $ millrace release status --json
    """
    from millrace.cli.render.traffic import standing

    show(opened(project).standing(), as_json, standing)


def stop(
    what: Annotated[str, typer.Argument(help="challenger, shadow or all.")] = "all",
    reason: Reason = "",
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Give all traffic back to the champion.

    $ millrace release stop

    $ millrace release stop shadow --reason "seen enough"
    """
    from millrace.cli.render.traffic import traffic

    show(opened(project).stop(what, reason), as_json, traffic)


def conclude(reason: Reason = "", project: ProjectFile = DEFAULT, as_json: AsJson = False) -> None:
    """Act on the verdict: promote a challenger that is better, stop one that is not. Ends with 1 while there is none.

    $ millrace release conclude

    $ millrace release conclude --json
    """
    from millrace.cli.render.traffic import concluded

    record = opened(project).conclude(reason)
    show(record, as_json, concluded)
    if record.release is None and record.stopped is None:
        raise typer.Exit(SAID_NO)
