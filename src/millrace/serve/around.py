"""What surrounds an answer, for those who ask for it with `?conformal=true`: sets, intervals, expected costs."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from millrace.errors import RequestError
from millrace.records.fit import Answer
from millrace.records.package import Manifest


def asked_for(query: str) -> dict[str, bool]:
    """What a query string asks for beside the answers. Raises `RequestError` for another word than true and false.

    Examples
    --------
    >>> asked_for("conformal=true&explain=0&x=1")
    {'conformal': True, 'explain': False}
    """
    told = parse_qs(query, keep_blank_values=True)
    return {name: _is_true(name, told.get(name, ["false"])[-1].lower()) for name in ("conformal", "explain")}


def _is_true(name: str, given: str) -> bool:
    if given not in {"true", "1", "false", "0"}:
        raise RequestError(f"`{name}` is `{given}`.", code=f"request.{name}", allowed=["true", "false"])
    return given in {"true", "1"}


def demand(manifest: Manifest) -> None:
    """Raise `RequestError` where the package knows nothing of what surrounds its answers."""
    if manifest.conformal is None and manifest.evaluation.costs is None:
        raise RequestError(
            "This package has no sets, intervals or costs: its project says `conformal: none`.",
            code="request.conformal",
            allowed=["a request without `conformal`"],
        )


def surroundings(answer: Answer, classes: Sequence[str]) -> list[dict[str, object]]:
    """For each row what is to be added to its answer."""
    rows = len(answer.label if answer.label is not None else answer.value)  # type: ignore[arg-type]
    found: list[dict[str, object]] = [{} for _ in range(rows)]
    if answer.inside is not None:
        for one, row in zip(found, answer.inside.tolist(), strict=True):
            one["set"] = [name for name, inside in zip(classes, row, strict=True) if inside]
    if answer.costs is not None:
        for one, row in zip(found, answer.costs.tolist(), strict=True):
            one["expected_costs"] = dict(zip(classes, row, strict=True))
    if answer.lower is not None and answer.upper is not None:
        for one, low, high in zip(found, answer.lower.tolist(), answer.upper.tolist(), strict=True):
            one["lower"], one["upper"] = low, high
    return found
