"""Which columns moved, far enough to matter and surely enough to say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from millrace.errors import DataError, nearest
from millrace.profile.checks import Finding, findings
from millrace.profile.spread import spread
from millrace.profile.statistics import holm
from millrace.records.monitoring import Alarm, ColumnDrift
from millrace.records.profile import ColumnDependence, ColumnProfile, Profile
from millrace.records.spread import Spread

#: The smallest Le Cam distance worth an alarm. A share that goes from 50 % to 60 %, or a mean that moves by 0.2
#: standard deviations (Cohen's "small" effect), is at 0.1 and must not be missed; half of it leaves room for the
#: sampling noise of 1,000 rows, about 0.02. The usual "moderate" PSI of 0.1 is at 0.16.
MARGIN = 0.05
#: What a longer look found must be seen in the newest rows too, by themselves, with so small a chance: else it is over.
_STILL = 0.05


def drift(
    reference: Profile,
    current: Profile,
    alpha: float,
    dependence: Mapping[str, ColumnDependence] | None = None,
    longer: Profile | None = None,
) -> dict[str, ColumnDrift]:
    """How far each column of `current` is from `reference`, alarmed ones first, then by effect.

    Every column is checked for a changed distribution, a changed share of missing values, values never seen, and
    values out of range. An alarm needs both: an effect of `MARGIN`, and significance such that the chance of any false
    alarm, over all checks of all columns, is below `alpha` (Holm 1979). So a trifle does not become an alarm when
    there are many rows, nor does noise when there are few. With `longer`, the profile of more rows that end with those
    of `current`, every check is made of both, at the same `alpha` together: a small move that few rows do not prove
    is found where it lasts, and forgotten when the newest rows do not show it any more.

    The promise holds for one look at rows drawn independently, or such that each column's rows depend on those before
    as `dependence` says (see `millrace.profile.dependence`). `current` and `longer` must count in the cells of
    `reference`.
    Raises `DataError` when one of them lacks a column of `reference`.
    """
    known = dependence or {}
    looks = (current,) if longer is None else (current, longer)
    found = {
        name: [findings(column, _twin(look, name), known.get(name)) for look in looks]
        for name, column in reference.columns.items()
    }
    p_values = {
        (name, look, finding.kind): finding.p_value
        for name, each in found.items()
        for look, seen in enumerate(each)
        for finding in seen
    }
    fallen = holm(p_values, alpha)

    columns = {}
    for name, each in found.items():
        sure = [
            [one for one in seen if (name, look, one.kind) in fallen and one.effect >= MARGIN]
            for look, seen in enumerate(each)
        ]
        lasting = [] if longer is None else _lasting(sure[1], each[0], longer.columns[name].rows)
        by_kind = {finding.kind: finding for finding in (*lasting, *sure[0])}
        # The picture is of the rows that are the evidence: where the newest alone prove nothing, of all of them.
        shown = current if longer is None or sure[0] else longer
        picture = spread(name, reference.columns[name], shown.columns[name]) if by_kind else None
        columns[name] = _column(name, each[0], tuple(by_kind.values()), picture)
    return dict(sorted(columns.items(), key=lambda item: (not item[1].alarmed, -item[1].effect)))


def _lasting(found: list[Finding], newest: tuple[Finding, ...], rows: int) -> list[Finding]:
    """What a longer look at so many `rows` found, as far as the newest ones show it still."""
    shown = {finding.kind for finding in newest if finding.p_value <= _STILL}
    return [replace(one, sentence=f"{one.sentence}, in {rows:,} rows") for one in found if one.kind in shown]


def _twin(current: Profile, name: str) -> ColumnProfile:
    if name not in current.columns:
        raise DataError(
            f"The current profile has no column `{name}`.",
            where="drift",
            code="data.column",
            allowed=current.columns,
            nearest=nearest(name, current.columns),
        )
    return current.columns[name]


def _column(
    name: str, found: tuple[Finding, ...], alarming: tuple[Finding, ...], picture: Spread | None
) -> ColumnDrift:
    telling = max(alarming, key=lambda finding: finding.effect) if alarming else found[0]
    return ColumnDrift(
        column=name,
        statistic=telling.statistic,
        value=telling.value,
        p_value=telling.p_value,
        effect=telling.effect,
        alarmed=bool(alarming),
        alarms=tuple(_alarm(name, finding) for finding in sorted(alarming, key=lambda finding: -finding.effect)),
        spread=picture,
    )


def _alarm(name: str, finding: Finding) -> Alarm:
    evidence = (
        f"`{name}`: {finding.sentence} (distance {finding.effect:.2f}, alarming from {MARGIN}; "
        f"p = {max(finding.p_value, 1e-300):.1g})"
    )
    return Alarm(finding.kind, name, finding.statistic, finding.value, evidence)
