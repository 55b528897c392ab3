"""What a service is held to: `p99_latency_ms: "< 50"`, `error_rate: "< 1%"`, `positive_rate: 10% to 30%`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from millrace.errors import ProjectFileError, nearest
from millrace.records.served import LATENCY_BOUNDS

#: What each indicator measures, as editors show it.
KPIS: Mapping[str, str] = MappingProxyType(
    {
        "p50_latency_ms": "half of the requests are answered within it",
        "p95_latency_ms": "95 of 100 requests are answered within it",
        "p99_latency_ms": "99 of 100 requests are answered within it",
        "error_rate": "share of requests that fail by the server's fault (HTTP 5xx)",
        "throughput": "rows predicted per second",
        "null_answers": "share of predictions that hold no finite number",
        "positive_rate": "share of predictions of the positive class",
    }
)
#: Those with a budget of bad events, for which only an upper bound means anything.
_UPPER_ONLY = frozenset(KPIS) - {"throughput", "positive_rate"}
_SHARES = frozenset({"error_rate", "null_answers", "positive_rate"})
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)"


@dataclass(frozen=True, slots=True)
class Kpi:
    """An indicator that stays above `low` and below `high`, as it is written in `text`."""

    name: str
    text: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def budget(self) -> float | None:
        """The share of events that may be bad; None when the indicator is no matter of good and bad events.

        Examples
        --------
        >>> parse_kpi("error_rate", "< 1%").budget
        0.01
        >>> parse_kpi("p99_latency_ms", "< 50").budget
        0.01
        """
        if self.name not in _UPPER_ONLY:
            return None
        return self.high if self.quantile is None else round(1 - self.quantile, 6)

    @property
    def quantile(self) -> float | None:
        """Of a latency, which quantile it is, from 0 to 1."""
        return int(self.name[1:3]) / 100 if self.name.endswith("_latency_ms") else None


def parse_kpi(name: str, text: str) -> Kpi:
    """What an indicator is held to. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_kpi("throughput", "> 5")
    Kpi(name='throughput', text='> 5', low=5.0, high=inf)
    >>> parse_kpi("positive_rate", "10% to 30%").low
    0.1
    """
    if name not in KPIS:
        raise ProjectFileError(
            f"`{name}` is no indicator.", code="config.value", allowed=list(KPIS), nearest=nearest(name, KPIS)
        )
    low, high = _bounds(name, text)
    if not low < high or (name in _SHARES and not (high > 0 and low < 1)):
        raise _refusal(name, f"Nothing can be `{text}`.")
    if name in _UPPER_ONLY and (math.isfinite(low) or high <= 0):
        raise _refusal(name, f"`{name}` needs an upper bound alone, above 0.")
    if name.endswith("_latency_ms") and high > LATENCY_BOUNDS[-1] * 1000:
        raise _refusal(name, f"`{text}` is longer than a server tells latencies apart ({LATENCY_BOUNDS[-1]:g} s).")
    if name in _SHARES and math.isfinite(high) and high > 1:
        raise _refusal(name, f"`{text}` is more than all.")
    return Kpi(name, " ".join(text.split()), low, high)


def check_kpis(kpis: Mapping[str, str]) -> None:
    """Read every one of them. Raises `ProjectFileError`."""
    for name, text in kpis.items():
        parse_kpi(name, text)


def _bounds(name: str, text: str) -> tuple[float, float]:
    if match := re.fullmatch(rf"\s*([<>])=?\s*{_NUMBER}\s*", text):
        value = _value(match[2], match[3])
        return (-math.inf, value) if match[1] == "<" else (value, math.inf)
    if match := re.fullmatch(rf"\s*{_NUMBER}\s+to\s+{_NUMBER}\s*", text):
        return _value(match[1], match[2]), _value(match[3], match[4])
    raise _refusal(name, f"`{text}` is no bound for `{name}`.")


def _value(number: str, percent: str) -> float:
    return float(number) / (100 if percent else 1)


def _refusal(name: str, seen: str) -> ProjectFileError:
    value = "1%" if name in _SHARES else "50"
    allowed = [f"< {value}"] if name in _UPPER_ONLY else [f"< {value}", f"> {value}", "<low> to <high>"]
    return ProjectFileError(seen, code="config.value", allowed=allowed)
