"""Which cleaning steps exist: one name and one line for each; `ingest` does what they say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from millrace.errors import ProjectFileError, nearest

CLEANING: Mapping[str, str] = MappingProxyType(
    {
        "trim": "cut spaces around texts: `trim: all`, or a list of columns",
        "fill": "put a value where there is none: `fill: {income: 0}`",
        "clip": "bring numbers between two bounds: `clip: {age: [0, 120]}`",
        "replace": "put one value for another: `replace: {city: {NYC: New York}}`",
        "map": "put values by a table: `map: {plan: {values: {b: basic}}}`, or by a file: `map: {plan: plans.csv}`",
        "case": "write texts in one case, lower, upper or title: `case: {city: lower}`",
        "normalize": "give texts one Unicode form, NFC, NFKC, NFD or NFKD: `normalize: {name: NFC}`",
        "substitute": "replace what a regular expression finds: `substitute: {phone: {'[^0-9]': ''}}`",
        "drop_duplicates": "keep the first of rows that agree in these columns: `drop_duplicates: customer_id`",
    }
)


def check_step(step: Mapping[str, object]) -> str:
    """Which cleaning step a mapping with one key asks for. Raises `ProjectFileError`.

    Examples
    --------
    >>> check_step({"trim": "all"})
    'trim'
    """
    unknown = [name for name in step if name not in CLEANING]
    if unknown:
        raise ProjectFileError(
            f"`{unknown[0]}` is not a cleaning step.",
            code="config.unknown-key",
            allowed=CLEANING,
            nearest=nearest(unknown[0], CLEANING),
        )
    if len(step) != 1:
        raise ProjectFileError(
            f"A cleaning step has one name; this one has {len(step)}.",
            code="config.value",
            allowed=CLEANING,
            next_step="start a new entry (`- `) for each step",
        )
    return next(iter(step))
