"""Where the model does worst: groups of rows, and single rows that it got most wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from millrace.evaluate.measure import judged
from millrace.evaluate.page import Cell, Markup, number, section, table, track
from millrace.evaluate.sections.honesty import spread
from millrace.evaluate.slices import losses_of, weakest
from millrace.records.fit import Fit

_EXAMPLES, _COLUMNS, _LONGEST = 8, 5, 60


def slices(fit: Fit, truth: np.ndarray) -> str:
    """The groups of test rows with surely larger losses than all others."""
    worst = fit.evaluation.weakest or weakest(fit.test_rows, fit.signature, truth, fit.answer)
    if not worst.looked_at:
        return ""
    asked = f"Looked at: {worst.looked_at:,} groups by one or two columns; the loss is the {worst.loss}"
    if not worst.groups:
        note = f"{asked}. None is surely worse than all other rows (5 % over all of them; Holm)."
        return section("Weakest groups", "<span></span>", note=note)
    end = max(one.loss.high for one in worst.groups) * 1.05
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            f"{one.rows:,}",
            spread(one.loss),
            _plus(one.excess.value, one.excess.low, one.excess.high),
            Markup(track(one.loss.value, max(one.loss.low, 0.0), one.loss.high, (0.0, end), worst.mean)),
        )
        for one in worst.groups
    ]
    drawn = table(("rows where", "rows", "loss", "above the others", ""), rows, numbers=frozenset({1, 2, 3}))
    note = f"{asked}, and the tick that of all rows. These are surely worse; intervals hold for all groups at once."
    return section("Weakest groups", drawn, note=note)


def _plus(value: float, low: float, high: float) -> Markup:
    return Markup(f"+{number(value)}<small>+{number(low)} to +{number(high)}</small>")


def examples(fit: Fit, truth: np.ndarray) -> str:
    """The test rows that the model got most wrong."""
    each, _ = losses_of(fit.answer, truth)
    called = judged(truth, fit.answer, fit.signature.task, len(fit.signature.classes), fit.threshold).label
    wrong = each if called is None else np.where(called != truth, each, -1.0)
    worst = [int(i) for i in np.argsort(-wrong, kind="stable")[:_EXAMPLES] if wrong[i] > 0]
    if not worst:
        return ""
    order = sorted(fit.evaluation.importances, key=lambda column: -fit.evaluation.importances[column].value)
    known = set(fit.test_rows.columns)
    shown = [name for name in (order or [f.name for f in fit.signature.inputs]) if name in known][:_COLUMNS]
    rows = [(*_answer(fit, truth, called, i), *_values(fit, shown, i)) for i in worst]
    heads = ("true", "said", "how sure" if fit.answer.value is None else "off by", *shown)
    told = "called wrongly with the most certainty" if fit.answer.value is None else "farthest off"
    note = f"The {len(rows)} test rows that were {told}, with the columns that the model leans on."
    return section("Largest mistakes", table(heads, rows, numbers=frozenset({2})), note=note)


def _answer(fit: Fit, truth: np.ndarray, called: np.ndarray | None, i: int) -> tuple[Cell, Cell, Cell]:
    answer, classes = fit.answer, fit.signature.classes
    if called is None:
        value = float(answer.value[i]) if answer.value is not None else float("nan")
        return number(float(truth[i])), number(value), number(value - float(truth[i]))
    said = int(called[i])
    sure = "" if answer.probabilities is None else f"{float(answer.probabilities[i, said]):.1%}"
    return f"`{classes[int(truth[i])]}`", f"`{classes[said]}`", sure


def _values(fit: Fit, shown: Sequence[str], i: int) -> list[str]:
    texts = ("—" if fit.test_rows[name][i] is None else str(fit.test_rows[name][i]) for name in shown)
    return [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in texts]
