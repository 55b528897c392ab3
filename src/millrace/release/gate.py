"""Whether a package may become champion: each condition of the project file, answered in a sentence."""

from __future__ import annotations

from millrace.config.gate import BETTER, NOT_WORSE, Bound, parse_condition
from millrace.errors import ProjectFileError, nearest
from millrace.records.evaluation import Difference, Evaluation, Metric
from millrace.records.release import GateVerdict

_SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}


def judge_gate(
    conditions: tuple[str, ...], evaluation: Evaluation, comparison: Difference | None, apart: str = ""
) -> GateVerdict:
    """Whether all `conditions` hold, with a sentence for each.

    A bound holds when the metric's value does; the sentence says whether its whole interval does too. ``better than
    champion`` holds beyond doubt alone, or when there is no champion yet (`comparison` is None). Without conditions,
    a package may be released unless it is worse than the champion beyond doubt. Where `apart` says why the two cannot
    be compared, there is no evidence either way.
    Raises `ProjectFileError` for a condition that means nothing, or a metric that was not measured.

    Examples
    --------
    >>> evaluation = Evaluation("binary", {"roc_auc": Metric(0.843, 0.821, 0.865)}, "roc_auc", 900)
    >>> judge_gate(("roc_auc >= 0.80",), evaluation, None)
    GateVerdict(passed=True, reasons=('roc_auc 0.843 (0.821 to 0.865) ≥ 0.80: yes, the whole interval',))
    """
    answers = [_answer(condition, evaluation, comparison, apart) for condition in conditions]
    if not conditions:
        answers.append(_champion(NOT_WORSE, comparison, apart, doubt=True))
    return GateVerdict(all(holds for holds, _ in answers), tuple(sentence for _, sentence in answers))


def _answer(condition: str, evaluation: Evaluation, comparison: Difference | None, apart: str) -> tuple[bool, str]:
    meaning = parse_condition(condition)
    if not isinstance(meaning, Bound):
        return _champion(BETTER if meaning.better else NOT_WORSE, comparison, apart, doubt=not meaning.better)
    if meaning.metric not in evaluation.metrics:
        raise ProjectFileError(
            f"`{meaning.metric}` is not measured for a {evaluation.task} model, so `{condition}` cannot be judged.",
            where="model.gate",
            code="config.value",
            allowed=evaluation.metrics,
            nearest=nearest(meaning.metric, evaluation.metrics),
        )
    metric = evaluation.metrics[meaning.metric]
    limit = condition.split(meaning.operator, 1)[1].strip()
    measured = f"{meaning.metric} {_short(metric.value)} ({_short(metric.low)} to {_short(metric.high)})"
    holds = meaning.holds(metric.value)
    return holds, f"{measured} {_SIGNS[meaning.operator]} {limit}: {_sureness(meaning, metric, holds)}"


def _sureness(bound: Bound, metric: Metric, holds: bool) -> str:
    doubtful = [end for end in (metric.low, metric.high) if bound.holds(end) != holds]
    word = "yes" if holds else "no"
    if not doubtful:
        return f"{word}, the whole interval"
    return f"{word}, but the interval reaches {_short(doubtful[0])}"


def _champion(rule: str, comparison: Difference | None, apart: str, *, doubt: bool) -> tuple[bool, str]:
    if apart:
        return doubt, f"{rule}: {'yes' if doubt else 'no'}, no evidence either way: {apart}"
    if comparison is None:
        return True, f"{rule}: yes, there is no champion yet"
    holds = comparison.better is True or (doubt and comparison.better is None)
    because = {True: "surely better", None: "no evidence either way", False: "surely worse"}[comparison.better]
    interval = f"{_signed(comparison.low)} to {_signed(comparison.high)}"
    return holds, (
        f"{rule}: {'yes' if holds else 'no'}, {because}: {comparison.metric} {_signed(comparison.value)} "
        f"({interval}) on the same {comparison.rows:,} rows"
    )


def _signed(number: float) -> str:
    return ("+" if number >= 0 else "-") + _short(abs(number))


def _short(number: float) -> str:
    """Three decimals where numbers are near one, fewer where they are large."""
    return f"{number:,.{3 if abs(number) < 10 else 1 if abs(number) < 1000 else 0}f}"
