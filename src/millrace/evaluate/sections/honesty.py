"""Whether probabilities, sets and intervals keep what they promise, and what calls cost."""

from __future__ import annotations

from millrace.evaluate.metrics import METRICS
from millrace.evaluate.page import Cell, Markup, number, section, table, track, words
from millrace.records.fit import Fit
from millrace.records.metric import Metric


def calibration(fit: Fit) -> str:
    """What calibration changed on the test rows."""
    evaluation = fit.evaluation
    if fit.calibration is None or not evaluation.uncalibrated:
        return ""
    rows: list[tuple[Cell, ...]] = [
        (_named(name, METRICS[name].answers), spread(before), spread(evaluation.metrics[name]))
        for name, before in evaluation.uncalibrated.items()
    ]
    drawn = table(("metric", "before", "after"), rows, numbers=frozenset({1, 2}))
    note = f"Probabilities are calibrated by `{fit.calibration.method}`, learned out of fold. Lower is better."
    return section("Calibration", drawn, note=note)


def costs(fit: Fit) -> str:
    """What the model costs beside always calling one class, and the matrix behind it."""
    paid = fit.evaluation.costs
    if paid is None:
        return ""
    everyone = {"this model": paid.mean} | {f"always `{name}`": one for name, one in paid.constant.items()}
    end = max(one.high for one in everyone.values()) * 1.05 or 1.0
    rows: list[tuple[Cell, ...]] = [
        (name, number(one.value), f"{number(one.low)} to {number(one.high)}", _drawn(one, end))
        for name, one in everyone.items()
    ]
    heads = ("who answers", "mean cost of a row", "95 % interval", "")
    classes = fit.signature.classes
    matrix: list[tuple[Cell, ...]] = [
        (f"`{name}`", *(f"{cost:g}" for cost in row)) for name, row in zip(classes, paid.matrix, strict=True)
    ]
    columns, heading = frozenset(range(1, len(classes) + 1)), ("true", *(f"called {name}" for name in classes))
    stated = table(heading, matrix, numbers=columns, caption="What calls cost.")
    note = "The mean cost of a test row, by who answers."
    return section("Costs", table(heads, rows, numbers=frozenset({1, 2})), stated, note=note)


def surroundings(fit: Fit) -> str:
    """How often sets or intervals held the truth, and how large they are."""
    seen = fit.evaluation.surroundings
    if seen is None:
        return ""
    classes = bool(fit.signature.classes)
    rows: list[tuple[Cell, ...]] = [
        (
            _named("truth inside", f"{seen.promised:.0%} promised"),
            spread(seen.covered),
            _drawn(seen.covered, 1.0, seen.promised),
        ),
        (_named("classes in a set" if classes else "width of an interval", "on average"), spread(seen.size), ""),
    ]
    if len(seen.per_class) <= 12:
        rows += [
            (f"inside where `{name}` is true", spread(one), _drawn(one, 1.0, seen.promised))
            for name, one in seen.per_class.items()
        ]
    drawn = table(("on the test rows", "seen", ""), rows, numbers=frozenset({1}))
    kind = "sets of classes" if classes else "intervals"
    note = (
        f"Answers can come with {kind} made to hold the truth in {seen.promised:.0%} of all rows "
        "(`?conformal=true`); the tick is the promise."
    )
    return section("What else may be true", drawn, note=note)


def _named(name: str, more: str) -> Markup:
    return Markup(f"{words(name)}<small>{words(more)}</small>")


def _drawn(metric: Metric, end: float, tick: float | None = None) -> Markup:
    return Markup(track(metric.value, metric.low, metric.high, (0.0, end), tick))


def spread(metric: Metric) -> Markup:
    """A value with its interval under it."""
    return Markup(f"{number(metric.value)}<small>{number(metric.low)} to {number(metric.high)}</small>")
