"""How well the model does: every metric, right and wrong, class by class."""

from __future__ import annotations

from millrace.evaluate.costs import NAME as COST
from millrace.evaluate.metrics import METRICS
from millrace.evaluate.page import Cell, Markup, code, number, section, table, track, words
from millrace.records.evaluation import Evaluation, Metric

#: More classes than this do not fit a page as a matrix.
_MATRIX = 12
_SCORES = {"precision": "precision", "recall": "recall", "specificity": "specificity", "f1": "F1"}
_METRIC_HEADS = (
    '<tr><th scope="col">metric</th><th scope="col" class="number">value</th>'
    '<th scope="col" class="number">95&nbsp;% interval</th><th scope="col" class="number">baseline</th>'
    '<th scope="col"><span class="unseen">on a scale</span></th></tr>'
)


def metrics(evaluation: Evaluation) -> str:
    """Every metric with its interval, beside the trivial model's."""
    told = [name for name in evaluation.metrics if name == evaluation.primary or not _repeats(name)]
    order = sorted(told, key=lambda name: name != evaluation.primary)
    body = "".join(_metric(name, evaluation) for name in order)
    drawn = (
        f'<div class="scroll"><table class="metrics"><thead>{_METRIC_HEADS}</thead><tbody>{body}</tbody></table></div>'
    )
    note = f"{evaluation.advice} The dot is the value, the bar its 95 % interval, the tick the baseline."
    return section("Metrics", drawn, note=note.strip())


def _repeats(name: str) -> bool:
    return name in METRICS and bool(METRICS[name].same_as)


def _metric(name: str, evaluation: Evaluation) -> str:
    metric, baseline = evaluation.metrics[name], evaluation.baseline.get(name)
    tick = None if baseline is None else baseline.value
    low, high = min(metric.low, 0.0), max(1.0, metric.high)
    if not metric.higher_is_better:
        high = max(metric.high, tick or 0.0) * 1.05 or 1.0
    answers = METRICS[name].answers if name in METRICS else "mean cost of a row" if name == COST else ""
    better = "" if metric.higher_is_better else "; lower is better"
    return (
        f'<tr{" class=first" if name == evaluation.primary else ""}><th scope="row">{words(name)}'
        f'<small>{words(answers)}{better}</small></th><td class="number">{number(metric.value)}</td>'
        f'<td class="number bounds">{number(metric.low)} to {number(metric.high)}</td>'
        f'<td class="number base">{"" if tick is None else number(tick)}</td>'
        f'<td class="wide">{track(metric.value, metric.low, metric.high, (low, high), tick)}</td></tr>'
    )


def confusion(evaluation: Evaluation) -> str:
    """Which class was called which."""
    matrix, classes = evaluation.confusion, evaluation.classes
    if not matrix or len(classes) > _MATRIX:
        return ""
    heads = "".join(f'<th scope="col" class="number">{code(name)}</th>' for name in classes)
    body = "".join(
        f'<tr><th scope="row">{code(name)}</th>'
        + "".join(_share(count, sum(row), i == j) for j, count in enumerate(row))
        + "</tr>"
        for i, (name, row) in enumerate(zip(classes, matrix, strict=True))
    )
    corner = '<th class="side" scope="col">actual, called as</th>'
    head = f"<thead><tr>{corner}{heads}</tr></thead>"
    drawn = f'<div class="scroll"><table class="confusion">{head}<tbody>{body}</tbody></table></div>'
    return section(
        "Right and wrong", drawn, note="Rows are what was true, columns what the model said; shares are of the row."
    )


def _share(count: int, total: int, right: bool) -> str:
    share = count / total if total else 0.0
    colour = "--accent" if right else "--second"
    tint = f"background:color-mix(in srgb, var({colour}) {6 + 40 * share:.0f}%, transparent)" if count else ""
    return f'<td style="{tint}">{count:,}<small>{share:.1%}</small></td>'


def per_class(evaluation: Evaluation) -> str:
    """How well each class is found, with intervals."""
    if not evaluation.per_class:
        return ""
    actual = [sum(row) for row in evaluation.confusion]
    rows: list[tuple[Cell, ...]] = [
        (f"`{name}`", *(_spread(one[score]) for score in _SCORES), f"{count:,}")
        for (name, one), count in zip(evaluation.per_class.items(), actual, strict=True)
    ]
    drawn = table(("class", *_SCORES.values(), "rows"), rows, numbers=frozenset(range(1, 6)))
    return section("Class by class", drawn, note="Each class against the rest, with 95 % intervals.")


def _spread(metric: Metric) -> Markup:
    return Markup(f"{metric.value:.3f}<small>{metric.low:.3f} to {metric.high:.3f}</small>")
