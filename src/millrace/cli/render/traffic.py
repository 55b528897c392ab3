"""What is tried beside the champion, and how it does."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.layout import add, hint, number, table, verdict
from millrace.cli.render.release import release
from millrace.records.traffic import Concluded, Standing, Traffic, Trial

_NEXT = {
    "better": "millrace release conclude",
    "worse": "millrace release conclude",
    "equal": "millrace release conclude",
    "over": "millrace release conclude",
    "undecided": "millrace release status",
    "collecting": "millrace release status",
}


def traffic(record: Traffic) -> RenderableType:
    """Draw one change of what is tried."""
    lines: list[RenderableType] = []
    if one := record.challenger:
        judged = f"{one.outcome.name}{f' of {one.outcome.of}' if one.outcome.of else ''}"
        words = f"{record.package} {one.version} answers {_percent(one.weight)} of the askers, compared by {judged}."
        lines.append(verdict(True, words))
    if heard := record.shadow:
        words = f"{record.package} {heard.version} hears {_percent(heard.weight)} of the requests."
        lines.append(verdict(True, words))
    if not lines:
        lines.append(verdict(True, "The champion answers everybody."))
    told = Text(f"  traffic {record.number} · {record.at[:19]} · {record.by} · {record.reason}", style="dim")
    return Group(*lines, told)


def standing(record: Standing) -> RenderableType:
    """Draw who answers, a line for each who is tried, and the verdicts."""
    head = Text(f"{record.package} {record.champion} is champion since {record.since[:10]} {record.since[11:16]} UTC.")
    if record.traffic is None:
        return Group(
            head, Text("Nothing is tried beside it.", style="dim"), hint("millrace release challenge <version>")
        )
    drawn = table("who", "version", "part", "with outcome", "mean", numbers=["version", "part", "with outcome", "mean"])
    for trial in record.trials:
        for role, side in (("champion", trial.champion), (trial.role, trial.other)):
            part = _percent(trial.weight) if role != "champion" else ""
            add(drawn, role, str(side.version), part, f"{side.askers:,}", number(side.mean))
    lines = [line for trial in record.trials for line in _said(trial)]
    return Group(head, drawn, *lines)


def concluded(record: Concluded) -> RenderableType:
    """Draw what was done, after the verdict."""
    done = release(record.release) if record.release else traffic(record.stopped) if record.stopped else None
    words = verdict(record.trial.verdict == "better", record.trial.words)
    return Group(words, done or Text("Nothing was done.", style="dim"))


def _said(trial: Trial) -> list[RenderableType]:
    more = f" About {trial.more:,} more may tell." if trial.more else ""
    return [Text(f"{trial.words}{more}"), *([hint(_NEXT[trial.verdict])] if trial.role == "challenger" else [])]


def _percent(part: float) -> str:
    return f"{100 * part:g} %"
