"""What a section `retrain` needs that other sections of the project file say."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.config.refusal import refused
from millrace.config.rows import parse_rows
from millrace.config.triggers import parse_trigger
from millrace.errors import ProjectFileError


def check_rows(rows: str, time: str | None) -> None:
    """Refuse rows that are chosen by their time where no column, `time`, says it."""
    if parse_rows(rows).kind != "all" and time is None:
        raise refused(
            ProjectFileError(
                f"`{rows}` asks when a row was, and `model.split` names no column that says so.",
                code="config.missing-key",
                next_step="add `split: {time: <column>}` under `model`, or write `rows: all`",
            ),
            at=("retrain", "rows"),
        )


def check_cost(cost: float | None, when: Sequence[str], *, priced: bool) -> None:
    """Refuse the cost of a retraining where mistakes have none (`priced`), or no retraining is scheduled."""
    if cost is None:
        return
    if not priced:
        seen = "`cost` is weighed against what mistakes cost, and `model.metric` does not say it."
        step = "add `metric: {cost: {false_positive: 1, false_negative: 8}}` under `model`"
    elif not any(isinstance(parse_trigger(text), float) for text in when):
        seen = "`cost` is weighed against the loss until the next retraining by schedule, and `when` names none."
        step = "add an interval: when: [drift, harm, 30 days]"
    else:
        return
    raise refused(ProjectFileError(seen, code="config.missing-key", next_step=step), at=("retrain", "cost"))
