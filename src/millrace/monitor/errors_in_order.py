"""What detectors of one value at a time say of a model's errors, fed in the order of the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from millrace.monitor.detectors.registry import detector
from millrace.monitor.look import answer
from millrace.monitor.performance import Known
from millrace.records.monitoring import Alarm
from millrace.records.package import Manifest
from millrace.records.signature import Signature

#: Errors of a regression are divided by so many times their median in the first rows, and cut at 1.
_SCALE = 5.0
_FIRST = 200


def detect(names: Sequence[str], outcomes: Known, manifest: Manifest, window: float) -> tuple[Alarm, ...]:
    """An alarm for each of the detectors `names` that alarmed at a prediction of the newest `window` seconds.

    Each sees all errors since the release, oldest first, in [0, 1]: 1 where a class was called wrongly, or the
    absolute error on a scale that the first rows set. So it answers the same whenever it is asked. Their false alarms
    are their own: they are not part of the budget.
    """
    if not names or not outcomes.truth.size:
        return ()
    values = errors(outcomes, manifest.signature)
    at = outcomes.rows["at"]
    recent = int((at <= at[-1] - timedelta(seconds=window)).sum())
    found = []
    for name in names:
        last = _last_alarm(name, values)
        if last is not None and last >= recent:
            error = float(values[last:].mean())
            before = float(values[: last + 1].mean())
            evidence = (
                f"the detector `{name}` alarmed at the prediction of {at[last]:%Y-%m-%d %H:%M}: "
                f"the mean error is {error:.3g} since then, {before:.3g} before"
            )
            found.append(Alarm("performance", None, name, error, evidence))
    return tuple(found)


def errors(outcomes: Known, signature: Signature) -> np.ndarray:
    """The errors of answers, float64 ``[rows]`` in [0, 1], in the order of the predictions."""
    said = answer(outcomes.rows, signature)
    if said.label is not None:
        wrong: np.ndarray = (said.label != outcomes.truth).astype(np.float64)
        return wrong
    sizes = np.abs(np.asarray(said.value, np.float64) - outcomes.truth)
    usual = float(np.median(sizes[:_FIRST])) or float(sizes.max()) or 1.0
    scaled: np.ndarray = np.minimum(sizes / (_SCALE * usual), 1.0)
    return scaled


def _last_alarm(name: str, values: np.ndarray) -> int | None:
    update, last = detector(name).update, None
    for row, value in enumerate(values.tolist()):
        if update(value):
            last = row
    return last
