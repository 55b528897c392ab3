"""What the model says on average when one column is set to each of its values (partial dependence; Friedman, 2001)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.evaluate.groups import as_numbers, written
from millrace.records.fit import Answer, Fit
from millrace.records.signature import Field

_ROWS, _POINTS, _CATEGORIES = 200, 15, 8
#: Lines of so many classes can be told apart.
_CLASSES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """One column: the places it was set to, and for each class shown (or the value) mean and 95 % bounds over rows.

    `places` are numbers, or names of categories; `mean`, `low` and `high` float64 ``[places, of]``, `of` names them,
    `said` is what they are.
    """

    field: Field
    places: tuple[float, ...] | tuple[str, ...]
    of: tuple[str, ...]
    said: str
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def dependences(fit: Fit, names: list[str]) -> tuple[Dependence, ...]:
    """The dependence on each of the columns, over at most 200 test rows; none where the fit cannot be asked."""
    fields = {field.name: field for field in fit.signature.inputs}
    if fit.reference is None or fit.test_rows.is_empty():
        return ()
    rows = fit.test_rows.gather_every(max(1, fit.test_rows.height // _ROWS)).head(_ROWS)
    found = [_one(fit, fit.reference, rows, fields[name]) for name in names if fields[name].type != "text"]
    return tuple(one for one in found if one is not None)


def _one(fit: Fit, ask: Callable[[pl.DataFrame], Answer], rows: pl.DataFrame, field: Field) -> Dependence | None:
    values = _places(fit.test_rows[field.name], field)
    if len(values) < 2:
        return None
    kind = rows.schema[field.name]
    answer = ask(pl.concat([rows.with_columns(pl.lit(value).cast(kind).alias(field.name)) for value in values]))
    shown, names, quantity = _shown(fit, answer)
    said = shown.reshape(len(values), rows.height, -1).astype(np.float64)
    mean = said.mean(axis=1)
    reach = 1.96 * said.std(axis=1) / rows.height**0.5
    if field.numeric and field.type != "boolean":
        places: tuple[float, ...] | tuple[str, ...] = tuple(as_numbers(values, field).tolist())
    else:
        places = tuple(str(value).lower() if field.type == "boolean" else str(value) for value in values)
    return Dependence(field, places, names, quantity, mean, mean - reach, mean + reach)


def _places(series: pl.Series, field: Field) -> pl.Series:
    """Values of the column, spread evenly over its rows; the commonest of categories."""
    known = series.drop_nulls()
    if not field.numeric or field.type == "boolean":
        return known.value_counts(sort=True)[series.name].head(_CATEGORIES)
    numbers = known.filter(pl.Series(np.isfinite(as_numbers(known, field)), dtype=pl.Boolean)).sort()
    if numbers.is_empty():
        return numbers
    at = np.unique(np.linspace(0.02, 0.98, _POINTS) * (len(numbers) - 1)).round().astype(int)
    return numbers.gather(at).unique(maintain_order=True)


def _shown(fit: Fit, answer: Answer) -> tuple[np.ndarray, tuple[str, ...], str]:
    """What is drawn of an answer: the value, the positive's probability, or those of the largest classes; its name."""
    classes = fit.signature.classes
    if answer.probabilities is None:
        assert answer.value is not None
        return answer.value, (fit.signature.target,), f"predicted {fit.signature.target}"
    if len(classes) == 2:
        return answer.probabilities[:, 1], (classes[1],), f"probability of {classes[1]}"
    sizes = np.bincount(fit.truth(), minlength=len(classes))
    chosen = np.sort(np.argsort(-sizes, kind="stable")[:_CLASSES])
    return answer.probabilities[:, chosen], tuple(classes[i] for i in chosen), "probability"


def label(place: float | str, field: Field) -> str:
    """A place as people write it."""
    return place if isinstance(place, str) else written(place, field)
