"""What a reader has to know before anything else: how good, against what, and whether it may be released."""

from __future__ import annotations

from millrace.evaluate.page import code, items, number, section, words
from millrace.records.evaluation import Difference, Evaluation, Metric
from millrace.records.release import GateVerdict
from millrace.records.signature import Signature


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
            else "always calling the cheapest class"
            if evaluation.costs is not None and evaluation.primary == "cost"
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
    return section("Release", items(said))
