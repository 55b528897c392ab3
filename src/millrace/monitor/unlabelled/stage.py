"""From served rows without truth to what can be said of them: an estimate, a test, and what both rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from millrace.config.false_alarms import parse_false_alarms
from millrace.config.schema import MonitorSettings
from millrace.monitor import look
from millrace.monitor.spending import WITHOUT_LABELS
from millrace.monitor.unlabelled.estimate import Band, estimate, weights
from millrace.monitor.unlabelled.features import MOST_ROWS, matrix, outside
from millrace.monitor.unlabelled.harmful import HARM, Ranker, Rise, ranker, rise
from millrace.monitor.unlabelled.held import LEAST, Held, part
from millrace.records.evaluation import Metric
from millrace.records.monitoring import Alarm, Decision, Unlabelled
from millrace.records.package import Manifest
from millrace.records.profile import Profile

if TYPE_CHECKING:
    import polars as pl

#: From this share of rows on that lie outside what the model knows, an estimate would be a guess.
_TOO_FAR = 0.2


def without_labels(
    settings: MonitorSettings, manifest: Manifest, reference: Profile, rows: pl.DataFrame, held: Held
) -> Unlabelled | None:
    """What can be said of the newest window of `rows`, all that the package answered in order, without their truth.

    None when there are too few rows on either side. The alarm keeps its part of `settings.false_alarms`, however often
    one looks: see `millrace.monitor.unlabelled.harmful`.
    """
    recent = look.newest(rows, settings.window)
    if recent.height < look.MINIMUM_ROWS or len(held.truth) < LEAST:
        return None
    held, signature = held.some(MOST_ROWS), manifest.signature
    known = matrix(held.rows, signature, reference, held.answer)
    inputs, said = look.inputs(rows, signature), look.answer(rows, signature)
    told = ranker(known, held)
    flags = told.flags(matrix(inputs, signature, reference, said))
    risen = rise(flags, told.high, _every(settings, rows), recent.height)
    # Of many rows some tell as much; the newest window is the end of all rows, or all of them.
    kept = _some(rows.height, recent.height)
    plain = matrix(inputs[kept], signature, reference)
    far = float(outside(inputs[kept], signature, reference).mean())
    plain_held = matrix(held.rows, signature, reference)
    weight = weights(plain_held, plain)
    band = estimate(manifest, held, weight, part(said, kept), plain_held, plain) if far <= _TOO_FAR else None
    return _told(manifest, held, told, risen, band, far, recent.height)


def besides(decision: Decision, found: Unlabelled | None) -> Decision:
    """The decision with what was found; an alarm of harm asks for a retraining where nothing asks for more."""
    told = alarm(found) if found is not None else None
    decision = replace(decision, unlabelled=found)
    if told is None:
        return decision
    decision = replace(decision, alarms=(*decision.alarms, told))
    if decision.decision == "keep" or {one.kind for one in decision.alarms} == {"harm", "kpi"}:
        return replace(decision, decision="retrain", reason=f"{told.evidence}.")
    return decision


def alarm(found: Unlabelled) -> Alarm | None:
    """The alarm of the test without labels."""
    if not found.alarmed:
        return None
    estimated = ""
    if found.value is not None and found.promised is not None:
        estimated = f"; {found.metric} is estimated at {found.value:.4g} ({found.low:.4g} to {found.high:.4g})"
        estimated += f", and was {found.promised.value:.4g} on held-out rows"
    evidence = (
        f"{found.flagged:.1%} of the answers are likely far off ({found.flagged_low:.1%} to {found.flagged_high:.1%}), "
        f"{found.usual:.1%} were of held-out rows{estimated}; no outcome was needed to say so"
    )
    return Alarm("harm", None, "likely_wrong_share", found.flagged, evidence)


def _every(settings: MonitorSettings, rows: pl.DataFrame) -> float:
    """How many rows are served, at the present rate, until one false alarm of this test is allowed."""
    span: float = max((rows["at"][-1] - rows["at"][0]).total_seconds(), 1.0)
    return rows.height / span / (parse_false_alarms(settings.false_alarms) * WITHOUT_LABELS)


def _some(rows: int, recent: int) -> np.ndarray:
    places = np.arange(rows - recent, rows)
    if recent <= MOST_ROWS:
        return places
    kept: np.ndarray = np.sort(np.random.default_rng(0).choice(places, MOST_ROWS, replace=False))
    return kept


def _told(
    manifest: Manifest, held: Held, told: Ranker, risen: Rise, band: Band | None, far: float, rows: int
) -> Unlabelled:
    name = band.metric if band else manifest.evaluation.primary
    promised: Metric | None = manifest.evaluation.metrics.get(name)
    return Unlabelled(
        metric=name,
        value=band.value if band else None,
        low=band.low if band else None,
        high=band.high if band else None,
        promised=promised,
        flagged=risen.share,
        flagged_low=risen.low,
        flagged_high=risen.high,
        usual=told.usual,
        alarmed=risen.alarmed and told.ranks and risen.low > told.usual + HARM / 2,
        outside=far,
        rows=rows,
        assumptions=tuple(_assumptions(held, told, band, far)),
    )


def _assumptions(held: Held, told: Ranker, band: Band | None, far: float) -> list[str]:
    said = [
        "the truth depends on the inputs as it did: a rule that changed is not seen without outcomes",
        f"{far:.1%} of the rows hold a value that the model was never trained on; of those nothing is known",
        f"compared with {len(held.truth):,} {held.of}"
        + (f", which tell as much as {band.worth:,.0f} rows like the served ones" if band else ""),
        f"of answers that look so {1 - told.false:.0%} had a large error on those rows, and "
        f"{told.power:.0%} of large errors looked so",
    ]
    if band is None:
        said.append("no estimate: the served rows lie too far from those whose truth is known")
    if not told.ranks:
        said.append("no alarm can come of it: where the model errs cannot be told from the inputs")
    return said
