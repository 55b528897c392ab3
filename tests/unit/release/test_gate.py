"""The gate says yes or no, and in a sentence how sure that is."""

from __future__ import annotations

import pytest

from millrace.errors import ProjectFileError
from millrace.records.evaluation import Difference, Evaluation, Metric
from millrace.release.gate import judge_gate

EVALUATION = Evaluation(
    "binary",
    {
        "roc_auc": Metric(0.843, 0.821, 0.865),
        "log_loss": Metric(0.41, 0.38, 0.44, higher_is_better=False),
        "rmse": Metric(48012.3, 46000.0, 50100.4, higher_is_better=False),
    },
    "roc_auc",
    900,
)


def difference(value: float, low: float, high: float, better: bool | None) -> Difference:
    return Difference("roc_auc", value, low, high, better, 1050)


@pytest.mark.parametrize(
    ("condition", "passed", "sentence"),
    [
        ("roc_auc >= 0.80", True, "roc_auc 0.843 (0.821 to 0.865) ≥ 0.80: yes, the whole interval"),
        ("roc_auc >= 83%", True, "roc_auc 0.843 (0.821 to 0.865) ≥ 83%: yes, but the interval reaches 0.821"),
        ("roc_auc > 0.85", False, "roc_auc 0.843 (0.821 to 0.865) > 0.85: no, but the interval reaches 0.865"),
        ("roc_auc>=0.9", False, "roc_auc 0.843 (0.821 to 0.865) ≥ 0.9: no, the whole interval"),
        ("log_loss <= 0.41", True, "log_loss 0.410 (0.380 to 0.440) ≤ 0.41: yes, but the interval reaches 0.440"),
        ("log_loss < 0.41", False, "log_loss 0.410 (0.380 to 0.440) < 0.41: no, but the interval reaches 0.380"),
        ("rmse < 50000", True, "rmse 48,012 (46,000 to 50,100) < 50000: yes, but the interval reaches 50,100"),
    ],
)
def test_bounds(condition: str, passed: bool, sentence: str) -> None:
    verdict = judge_gate((condition,), EVALUATION, None)
    assert (verdict.passed, verdict.reasons) == (passed, (sentence,))


@pytest.mark.parametrize(
    ("conditions", "comparison", "passed", "sentence"),
    [
        (
            ("better than champion",),
            difference(0.021, 0.004, 0.038, True),
            True,
            "better than champion: yes, surely better: roc_auc +0.021 (+0.004 to +0.038) on the same 1,050 rows",
        ),
        (
            ("better than champion",),
            difference(0.01, -0.004, 0.024, None),
            False,
            "better than champion: no, no evidence either way: roc_auc +0.010 (-0.004 to +0.024) "
            "on the same 1,050 rows",
        ),
        (("better than champion",), None, True, "better than champion: yes, there is no champion yet"),
        (
            (),
            difference(-0.01, -0.024, 0.004, None),
            True,
            "not worse than champion: yes, no evidence either way: roc_auc -0.010 (-0.024 to +0.004) "
            "on the same 1,050 rows",
        ),
        (
            (),
            difference(-0.02, -0.03, -0.01, False),
            False,
            "not worse than champion: no, surely worse: roc_auc -0.020 (-0.030 to -0.010) on the same 1,050 rows",
        ),
        ((), None, True, "not worse than champion: yes, there is no champion yet"),
    ],
)
def test_champion(conditions: tuple[str, ...], comparison: Difference | None, passed: bool, sentence: str) -> None:
    verdict = judge_gate(conditions, EVALUATION, comparison)
    assert (verdict.passed, verdict.reasons) == (passed, (sentence,))


@pytest.mark.parametrize(
    ("conditions", "passed"), [(("better than champion",), False), (("not worse than champion",), True), ((), True)]
)
def test_a_champion_that_cannot_be_compared_is_no_evidence(conditions: tuple[str, ...], passed: bool) -> None:
    verdict = judge_gate(conditions, EVALUATION, None, "the champion needs `a`")
    assert verdict.passed is passed
    assert verdict.reasons[0].endswith(f"{'yes' if passed else 'no'}, no evidence either way: the champion needs `a`")


def test_one_no_closes_the_gate_and_every_condition_is_answered() -> None:
    verdict = judge_gate(("roc_auc >= 0.9", "better than champion", "log_loss < 0.5"), EVALUATION, None)
    assert not verdict.passed
    assert [": yes" in reason for reason in verdict.reasons] == [False, True, True]


def test_a_metric_that_is_none() -> None:
    with pytest.raises(ProjectFileError, match="`roc_acu` is not a metric"):
        judge_gate(("roc_acu >= 0.8",), EVALUATION, None)


def test_a_metric_of_another_task_names_the_nearest() -> None:
    with pytest.raises(ProjectFileError, match="`mae` is not measured for a binary model") as caught:
        judge_gate(("mae < 3",), EVALUATION, None)
    assert caught.value.allowed == ("roc_auc", "log_loss", "rmse")


def test_an_unknown_value_never_passes() -> None:
    unknown = Evaluation("binary", {"roc_auc": Metric(float("nan"), float("nan"), float("nan"))}, "roc_auc", 3)
    assert not judge_gate(("roc_auc >= 0.1",), unknown, None).passed
