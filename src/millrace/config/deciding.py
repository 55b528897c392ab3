"""How a project file says what mistakes cost, where the threshold lies, and how sure an answer's surroundings are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from millrace.config.gate import metric
from millrace.config.metrics import METRICS
from millrace.config.refusal import must_parse, read_by
from millrace.config.section import Name, Section
from millrace.config.units import PERCENT, fraction
from millrace.errors import ProjectFileError, nearest

MISTAKES = ("false_positive", "false_negative")
_CONDITION = re.compile(r"\s*(\w+)\s*>=\s*([^\s,]+)\s*(?:,\s*maximi[sz]e\s+(\w+)\s*)?")
#: What a floor under one metric usually leaves to be maximised.
_PARTNERS = {"recall": "precision", "precision": "recall", "specificity": "recall"}


@dataclass(frozen=True, slots=True)
class Floor:
    """Of all thresholds at which `metric` is at least `value`, the one where `maximise` is largest."""

    metric: str
    value: float
    maximise: str


def parse_threshold(given: object) -> float | Floor | None:
    """Where the threshold lies: at a number, above a floor, or (None) where the metric or the costs want it.

    Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_threshold("recall >= 0.95")
    Floor(metric='recall', value=0.95, maximise='precision')
    >>> parse_threshold("specificity >= 99%, maximise f1")
    Floor(metric='specificity', value=0.99, maximise='f1')
    >>> parse_threshold(0.3), parse_threshold("auto")
    (0.3, None)
    """
    if given == "auto":
        return None
    if isinstance(given, int | float) and not isinstance(given, bool):
        if 0 < given < 1:
            return float(given)
        raise _no_threshold(given)
    match = _CONDITION.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise _no_threshold(given)
    floored, value, maximised = match.groups()
    return Floor(metric(floored), _share(value), metric(maximised or _PARTNERS.get(floored, "f1")))


def _no_threshold(given: object) -> ProjectFileError:
    return ProjectFileError(
        f"`{given}` is no threshold.",
        code="config.value",
        allowed=["auto", "a number between 0 and 1", "a floor such as `recall >= 0.95`", "…, maximise <metric>"],
    )


def _share(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ProjectFileError(f"`{text}` is no floor; it lies above 0 and at most at 1.", code="config.value")
    return value


def check_costs(costs: Mapping[str, Any]) -> None:
    """Refuse what names no costs: `{false_positive: 1, false_negative: 8}`, or by true and called class."""
    if any(name in MISTAKES for name in costs):
        _check_two(costs)
        return
    if not costs:
        raise ProjectFileError("`cost` is empty.", code="config.value", allowed=_ALLOWED)
    for true, row in costs.items():
        if not isinstance(row, Mapping) or not row:
            guess = nearest(str(true), MISTAKES)
            raise ProjectFileError(
                f"`{true}: {row}` is not a cost.", code="config.value", allowed=_ALLOWED, nearest=guess
            )
        for called, cost in row.items():
            _check_amount(f"{true}: {{{called}: {cost}}}", cost)


_ALLOWED = ("{false_positive: 1, false_negative: 8}", "{<true class>: {<called class>: 5}}")


def _check_two(costs: Mapping[str, Any]) -> None:
    for name, cost in costs.items():
        if name not in MISTAKES:
            guess = nearest(name, MISTAKES)
            raise ProjectFileError(f"`{name}` is not a mistake.", code="config.value", allowed=MISTAKES, nearest=guess)
        _check_amount(f"{name}: {cost}", cost)
    for name in MISTAKES:
        if name not in costs:
            raise ProjectFileError(
                f"`cost` lacks `{name}`: only what one mistake costs beside the other means something.",
                code="config.value",
                allowed=_ALLOWED,
            )


def _check_amount(written: str, cost: object) -> None:
    number = isinstance(cost, int | float) and not isinstance(cost, bool) and math.isfinite(cost)
    if not number or cost < 0:  # type: ignore[operator]
        raise ProjectFileError(f"`{written}` is not a cost.", code="config.value", allowed=["a number from 0 up"])


class CostMetric(Section):
    """Call what costs least."""

    cost: Annotated[
        dict[Name, Any],
        must_parse(check_costs),
        WithJsonSchema(
            {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": list(MISTAKES),
                        "properties": {name: {"type": "number", "minimum": 0} for name in MISTAKES},
                    },
                    {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": {"type": "number", "minimum": 0},
                        },
                    },
                ]
            }
        ),
    ] = Field(
        description="{false_positive: 1, false_negative: 8}, or a cost for each true and called class: "
        "{cat: {dog: 5}}; mistakes left out cost 1, in any one currency"
    )


Threshold = Annotated[
    str | float,
    must_parse(parse_threshold),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"const": "auto"},
                {"type": "string", "pattern": rf"^\s*({'|'.join(METRICS)})\s*>="},
            ]
        }
    ),
]
Coverage = Annotated[
    float,
    read_by(fraction),
    Field(ge=0.5, lt=1),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0.5, "exclusiveMaximum": 1}, {"type": "string", "pattern": PERCENT}]}
    ),
]


class ConformalSettings(Section):
    """Sets of classes, or intervals of values, that hold what is true as often as they say."""

    coverage: Coverage = Field(0.9, description="how often the truth is to lie inside, such as 90%")
    by: Literal["rows", "class"] = Field("rows", description="over all rows, or within every class")


Calibrate = Literal["auto", "none", "temperature", "sigmoid", "isotonic"]
