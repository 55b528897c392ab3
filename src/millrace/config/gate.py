"""What a condition of release says: `roc_auc >= 0.80`, `better than champion`, `not worse than champion`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from millrace.config.metrics import COST, METRICS
from millrace.errors import ProjectFileError, nearest

BETTER = "better than champion"
NOT_WORSE = "not worse than champion"
OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
)
_BOUND = re.compile(r"\s*(?P<metric>[A-Za-z_]\w*)\s*(?P<operator>>=|<=|>|<)\s*(?P<value>[^\s<>=]+)\s*")


@dataclass(frozen=True, slots=True)
class Bound:
    """A metric on the right side of a number."""

    metric: str
    operator: str
    value: float

    def holds(self, measured: float) -> bool:
        """Whether `measured` is on the right side; NaN never is.

        Examples
        --------
        >>> Bound("rmse", "<", 0.5).holds(0.4)
        True
        """
        return OPERATORS[self.operator](measured, self.value)


@dataclass(frozen=True, slots=True)
class AgainstChampion:
    """The primary metric against the champion's on the same rows: surely better, or merely not surely worse."""

    better: bool


Condition = Bound | AgainstChampion


def parse_condition(text: str) -> Condition:
    """What a condition of release says. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_condition("roc_auc >= 0.80")
    Bound(metric='roc_auc', operator='>=', value=0.8)
    >>> parse_condition("better than champion")
    AgainstChampion(better=True)
    """
    plain = " ".join(text.casefold().split())
    if plain in (BETTER, NOT_WORSE):
        return AgainstChampion(better=plain == BETTER)
    match = _BOUND.fullmatch(text)
    if match is None:
        raise ProjectFileError(
            f"`{text}` is not a condition of release.",
            code="config.value",
            allowed=[f"<metric> {' | '.join(OPERATORS)} <number>", BETTER, NOT_WORSE],
            nearest=nearest(text, [BETTER, NOT_WORSE]),
        )
    name = match["metric"] if match["metric"] == COST else metric(match["metric"])
    return Bound(name, match["operator"], _number(match["value"]))


def metric(name: str) -> str:
    """Give `name` back when it names a metric. Raises `ProjectFileError`."""
    if name not in METRICS:
        guess = nearest(name, METRICS)
        raise ProjectFileError(f"`{name}` is not a metric.", code="config.value", allowed=METRICS, nearest=guess)
    return name


def _number(text: str) -> float:
    """A finite number, or a percentage as a share of one."""
    share = text.endswith("%")
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text.removesuffix("%")):
        raise ProjectFileError(
            f"`{text}` is not a number.",
            code="config.value",
            allowed=["a number such as 0.8", "a percentage such as 80%"],
        )
    return float(text.removesuffix("%")) / (100 if share else 1)
