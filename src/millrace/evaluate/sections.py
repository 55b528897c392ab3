"""The parts of a report, each from the record that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from millrace.evaluate import cells as c
from millrace.evaluate.metrics import METRICS
from millrace.evaluate.page import Markup, code, number, section, table, track, words
from millrace.records.evaluation import Difference, Evaluation, Metric
from millrace.records.fit import Fit
from millrace.records.ingestion import Ingested
from millrace.records.release import GateVerdict
from millrace.records.signature import Field, Signature

#: More classes than this do not fit a page as a matrix.
_MATRIX = 12
_IMPORTANCES = 20
_METRIC_HEADS = (
    '<tr><th scope="col">metric</th><th scope="col" class="number">value</th>'
    '<th scope="col" class="number">95&nbsp;% interval</th><th scope="col" class="number">baseline</th>'
    '<th scope="col"><span class="unseen">on a scale</span></th></tr>'
)


def verdict(evaluation: Evaluation, signature: Signature, gate: GateVerdict | None) -> str:
    """What the model does, how well, against what, and whether it may be released: one sentence, in HTML."""
    target = code(signature.target)
    does = {
        "binary": f"tells whether {target} is {code(signature.classes[1])}" if signature.task == "binary" else "",
        "multiclass": f"tells which of {len(signature.classes)} classes {target} is",
        "regression": f"predicts {target}",
    }[signature.task]
    primary = evaluation.metrics[evaluation.primary]
    baseline = evaluation.baseline.get(evaluation.primary)
    text = f"This model {does} with {code(evaluation.primary)} {_spread(primary)}"
    if baseline is not None:
        trivial = (
            "always answering with the mean"
            if signature.task == "regression"
            else "knowing only how often each class occurs"
        )
        text += f", {_against(primary, baseline)} {trivial} ({number(baseline.value)})"
    if gate is not None:
        text += (
            "; it <b class='good'>passed</b> its gate"
            if gate.passed
            else "; it was <b class='bad'>refused</b> by its gate"
        )
    return f'<p class="lead">{text}.</p>'


def _against(metric: Metric, baseline: Metric) -> str:
    up = 1 if metric.higher_is_better else -1
    if min(up * metric.low, up * metric.high) > up * baseline.value:
        return "clearly better than"
    if max(up * metric.low, up * metric.high) < up * baseline.value:
        return "clearly worse than"
    return "not clearly better than"


def _spread(metric: Metric) -> str:
    return f"{number(metric.value)} (95&nbsp;% interval {number(metric.low)} to {number(metric.high)})"


def key_figures(evaluation: Evaluation, gate: GateVerdict | None, comparison: Difference | None) -> str:
    """The numbers that a reader takes along."""
    primary = evaluation.metrics[evaluation.primary]
    tiles = [
        (evaluation.primary, number(primary.value), f"{number(primary.low)} to {number(primary.high)}"),
        ("rows judged", f"{evaluation.rows:,}", "never seen in training"),
    ]
    if evaluation.threshold is not None:
        tiles.append(("threshold", number(evaluation.threshold), f"`{evaluation.positive}` at or above it"))
    if comparison is not None:
        said = {True: "better", False: "worse", None: "no evidence either way"}[comparison.better]
        sign = "+" if comparison.value >= 0 else ""
        tiles.append(("against the champion", f"{sign}{number(comparison.value)}", f"in {comparison.metric}: {said}"))
    if gate is not None:
        tiles.append(
            (
                "gate",
                "passed" if gate.passed else "refused",
                f"{len(gate.reasons)} condition{'s' * (len(gate.reasons) != 1)}",
            )
        )
    body = "".join(
        f"<div><dt>{words(name)}</dt><dd>{words(value)}<small>{words(more)}</small></dd></div>"
        for name, value, more in tiles
    )
    return f'<dl class="key">{body}</dl>'


def release(gate: GateVerdict | None, comparison: Difference | None) -> str:
    """What the gate said, condition by condition."""
    said = [words(reason) for reason in gate.reasons] if gate is not None else []
    if comparison is not None:
        said.append(
            f"Against the champion on the same {comparison.rows:,} rows, {code(comparison.metric)} differs by "
            f"{number(comparison.value)} (95&nbsp;% interval {number(comparison.low)} to {number(comparison.high)})."
        )
    return section("Release", _list(said))


def _list(items: list[str]) -> str:
    return f'<ul class="plain">{"".join(f"<li>{item}</li>" for item in items)}</ul>' if items else ""


def data(ingested: Mapping[str, Ingested], fit: Fit) -> str:
    """Where the rows came from, and what became of each."""
    rows = [
        (f"`{name}`", *(f"{count:,}" for count in (one.read, one.kept, one.quarantined, one.duplicate, one.late)))
        for name, one in ingested.items()
    ]
    columns = ("source", "read", "kept", "quarantined", "duplicate", "late")
    counted = table(columns, rows, numbers=frozenset(range(1, 6))) if rows else ""
    reasons = [
        f"{code(name)}: {count:,} rows refused by {code(rule)}"
        for name, one in ingested.items()
        for rule, count in sorted(one.reasons.items(), key=lambda item: -item[1])
    ]
    split = f"{fit.train_rows.height:,} rows trained the model, {fit.test_rows.height:,} were kept apart to judge it."
    note = f"Every row read is in exactly one place. {split}" if rows else split
    return section("Data", counted or "<span></span>", _list(reasons), note=note)


def metrics(evaluation: Evaluation) -> str:
    """Every metric with its interval, beside the trivial model's."""
    order = sorted(evaluation.metrics, key=lambda name: name != evaluation.primary)
    body = "".join(_metric(name, evaluation) for name in order)
    drawn = (
        f'<div class="scroll"><table class="metrics"><thead>{_METRIC_HEADS}</thead><tbody>{body}</tbody></table></div>'
    )
    note = f"{evaluation.advice} The dot is the value, the bar its 95 % interval, the tick the baseline."
    return section("Metrics", drawn, note=note.strip())


def _metric(name: str, evaluation: Evaluation) -> str:
    metric, baseline = evaluation.metrics[name], evaluation.baseline.get(name)
    tick = None if baseline is None else baseline.value
    low, high = min(metric.low, 0.0), max(1.0, metric.high)
    if not metric.higher_is_better:
        high = max(metric.high, tick or 0.0) * 1.05 or 1.0
    answers = METRICS[name].answers if name in METRICS else ""
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
    """How well each class is found (more than two classes)."""
    if evaluation.task != "multiclass" or not evaluation.confusion:
        return ""
    import numpy as np

    counts = c.cells(np.array(evaluation.confusion))
    scores = zip(c.precisions(counts), c.recalls(counts), c.f1s(counts), counts.actual, strict=True)
    rows = [
        (f"`{name}`", *(f"{score:.3f}" for score in (precision, recall, f1)), f"{actual:,.0f}")
        for name, (precision, recall, f1, actual) in zip(evaluation.classes, scores, strict=True)
    ]
    drawn = table(("class", "precision", "recall", "F1", "rows"), rows, numbers=frozenset(range(1, 5)))
    return section("Class by class", drawn)


def importances(evaluation: Evaluation) -> str:
    """Which columns the model leans on."""
    ranked = sorted(evaluation.importances.items(), key=lambda item: -item[1].value)
    shown = ranked[:_IMPORTANCES]
    if not shown:
        return ""
    ends = (min(0.0, *(m.low for _, m in shown)), max(m.high for _, m in shown))
    rows = [
        (
            f"`{name}`",
            number(m.value),
            f"{number(m.low)} to {number(m.high)}",
            Markup(track(m.value, m.low, m.high, ends, 0.0)),
        )
        for name, m in shown
    ]
    drawn = table(("column", "loss", "95 % interval", ""), rows, numbers=frozenset({1, 2}))
    note = f"How much `{evaluation.primary}` loses when a column is shuffled. Columns that tell the same seem less."
    if len(ranked) > len(shown):
        note += f" The first {len(shown)} of {len(ranked)} columns."
    return section("What the model leans on", drawn, note=note)


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
    return section("The ladder of models", drawn, note="How each candidate did; the bar is its 95 % interval.")


def notes(fit: Fit) -> str:
    """What training wants a reader to know."""
    return section("Notes", _list([words(note) for note in fit.notes]))


def columns(signature: Signature) -> str:
    """What the model takes."""
    rows = [
        (f"`{field.name}`", field.type, _seen(field), "" if field.example is None else f"`{field.example}`")
        for field in signature.inputs
    ]
    return section("Columns", table(("column", "type", "seen in training", "example"), rows) if rows else "")


def _seen(field: Field) -> str:
    if field.low is not None and field.high is not None:
        return f"{_amount(field, field.low)} to {_amount(field, field.high)}"
    shown = ", ".join(f"`{name}`" for name in field.categories[:6])
    return shown + (f" and {len(field.categories) - 6:,} more" if len(field.categories) > 6 else "")


def _amount(field: Field, value: float) -> str:
    """A bound in the user's words: a date where the graph sees days or seconds since 1970."""
    if field.type in {"date", "datetime"}:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value * (86400 if field.type == "date" else 1))
        return f"{moment:%Y-%m-%d}" if field.type == "date" else f"{moment:%Y-%m-%d %H:%M}"
    return f"{value:,.0f}" if float(value).is_integer() else number(value)
