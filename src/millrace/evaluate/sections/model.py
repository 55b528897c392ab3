"""What the model leans on, and which candidates it was chosen from."""

from __future__ import annotations

from millrace.evaluate.charts import behaviour as charts
from millrace.evaluate.dependence import dependences
from millrace.evaluate.page import Markup, aligned, figures, items, number, section, table, track, words
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Fit

_IMPORTANCES = 20
#: The dependence on so many columns is drawn.
_ALONG = 5


def importances(evaluation: Evaluation) -> str:
    """Which columns the model leans on."""
    ranked = sorted(evaluation.importances.items(), key=lambda item: -item[1].value)
    shown = ranked[:_IMPORTANCES]
    if not shown:
        return ""
    ends = (min(0.0, *(m.low for _, m in shown)), max(m.high for _, m in shown))
    largest = max(abs(end) for end in ends)
    rows = [
        (
            f"`{name}`",
            aligned(m.value, largest),
            f"{aligned(m.low, largest)} to {aligned(m.high, largest)}",
            Markup(track(m.value, m.low, m.high, ends, 0.0)),
        )
        for name, m in shown
    ]
    drawn = table(("column", "loss", "95 % interval", ""), rows, numbers=frozenset({1, 2}))
    note = f"How much `{evaluation.primary}` loses when a column is shuffled. Columns that tell the same seem less."
    if len(ranked) > len(shown):
        note += f" The first {len(shown)} of {len(ranked)} columns."
    return section("What the model leans on", drawn, note=note)


def behaviour(fit: Fit) -> str:
    """What the model says along the columns it leans on most, and what more rows would bring."""
    ranked = sorted(fit.evaluation.importances.items(), key=lambda item: -item[1].value)
    drawn = [charts.dependence(one, i) for i, one in enumerate(dependences(fit, [name for name, _ in ranked[:_ALONG]]))]
    if len(fit.learning) > 1:
        drawn.append(charts.learning(fit.learning, fit.evaluation.primary))
    return section("How the model behaves", figures(drawn))


def ladder(fit: Fit) -> str:
    """How each candidate did on the way to this model."""
    name = fit.evaluation.primary
    rungs = [(rung, one.metrics[name]) for rung, one in fit.ladder.items() if name in one.metrics]
    if not rungs:
        return ""
    low, high = min(m.low for _, m in rungs), max(m.high for _, m in rungs)
    margin = (high - low) * 0.05 or 0.5
    ends = (low - margin, high + margin)
    rows = [
        (rung, number(m.value), f"{number(m.low)} to {number(m.high)}", Markup(track(m.value, m.low, m.high, ends)))
        for rung, m in rungs
    ]
    drawn = table(("model", name, "95 % interval", ""), rows, numbers=frozenset({1, 2}))
    return section("The ladder of models", drawn, note="How each candidate did, with its 95 % interval.")


def notes(fit: Fit) -> str:
    """What training wants a reader to know."""
    return section("Notes", items([words(note) for note in fit.notes]))
