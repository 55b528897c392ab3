"""What a project file says that columns become, laid over what a family of models would choose by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from millrace.config.features import ColumnFeatures, FeatureSettings
from millrace.errors import TrainingError, nearest
from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding
from millrace.records.signature import Field
from millrace.train import recipes
from millrace.train.encode import numbers, powered

#: Yeo-Johnson's power is at most so far from 1, and so far from 0 and 2, where it is a logarithm.
_FARTHEST, _NEAREST = 4.0, 1e-6
_SCALING = (recipes.for_linear, recipes.for_texts)


@dataclass(frozen=True, slots=True)
class Shaped:
    """A recipe, and what is wished of columns beside it; wishes of `columns` go before those of `every` one."""

    recipe: recipes.Recipe
    every: ColumnFeatures
    columns: tuple[tuple[str, ColumnFeatures], ...]

    def __call__(self, frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
        """The recipe's encodings of these training rows, as wished."""
        wishes, known = dict(self.columns), {field.name: field for field in fields}
        scales = self.recipe in _SCALING
        return tuple(
            _wished(frame, known[one.column], one, wishes.get(one.column, self.every), goals, scales)
            for one in self.recipe(frame, fields, goals)
        )


def shaped(recipe: recipes.Recipe, wishes: FeatureSettings) -> recipes.Recipe:
    """The recipe with what the project file wishes; the recipe itself where it wishes nothing."""
    every = ColumnFeatures.model_validate(wishes.model_dump(exclude={"columns"}))
    if every == ColumnFeatures() and not wishes.columns:
        return recipe
    return Shaped(recipe, every, tuple(sorted(wishes.columns.items())))


def check_wishes(fields: Sequence[Field], wishes: FeatureSettings) -> None:
    """Refuse wishes for columns that the model does not see, and those that a column's type cannot have."""
    known = {field.name: field for field in fields}
    for name, one in wishes.columns.items():
        if name not in known:
            raise _refused(name, f"The model sees no column `{name}`.", tuple(known), nearest(name, known))
        stated = one.model_fields_set & ({"encode"} if known[name].numeric else {"scale", "clip", "missing"})
        if stated:
            kind = "a number" if known[name].numeric else f"a {known[name].type}"
            seen = f"`{name}` is {kind}, which has no `{min(stated)}`."
            raise _refused(name, seen, ("scale", "clip", "missing") if known[name].numeric else ("encode",), None)


def _refused(name: str, seen: str, allowed: tuple[str, ...], guess: str | None) -> TrainingError:
    return TrainingError(
        seen, where=f"model.features.columns.{name}", code="train.features", allowed=allowed, nearest=guess
    )


def _wished(
    frame: pl.DataFrame, field: Field, found: Encoding, wish: ColumnFeatures, goals: np.ndarray, scales: bool
) -> Encoding:
    if isinstance(found, NumberEncoding):
        return _number(frame, found, wish, scales)
    if not isinstance(found, LookupEncoding):
        return found
    if wish.encode == "one_hot":
        return recipes.one_hot(frame, field)
    if wish.encode == "target":
        return recipes.target_mean(frame, field, goals, standardise=scales)
    return _ordinal(field) if wish.encode == "ordinal" else found


def _ordinal(field: Field) -> LookupEncoding:
    """The rank by frequency, from 0 for the rarest to 1; what is missing or was never seen lies below."""
    ranks = np.linspace(1, 0, len(field.categories)).tolist()
    return LookupEncoding(field.name, field.categories, tuple((rank,) for rank in ranks), (-1.0,), (-0.5,))


def _number(frame: pl.DataFrame, found: NumberEncoding, wish: ColumnFeatures, scales: bool) -> NumberEncoding:
    values = numbers(frame, found.column)
    known = values[np.isfinite(values)]
    if not len(known):
        return found
    if wish.clip != "auto":
        low, high = np.quantile(known, [wish.clip, 1 - wish.clip])
        found = replace(found, low=float(low), high=float(high))
    if wish.missing != "auto":
        fill = float(np.median(known)) if found.fill is None else found.fill
        found = replace(found, indicator=wish.missing == "indicator", fill=fill)
    rescaled = wish.scale not in ("auto", "none") or wish.clip != "auto"
    if not scales or (wish.scale == "auto" and not rescaled):
        return found
    fill = 0.0 if found.fill is None else found.fill
    return _scaled(np.where(np.isnan(values), fill, np.clip(values, found.low, found.high)), found, wish.scale)


def _scaled(values: np.ndarray, found: NumberEncoding, scale: str) -> NumberEncoding:
    """By standard deviation, by quartiles, by standard deviation after a power, or not at all."""
    if scale == "none":
        return replace(found, center=0.0, factor=1.0)
    if scale == "robust":
        low, middle, high = (float(cut) for cut in np.quantile(values, [0.25, 0.5, 0.75]))
        return replace(found, center=middle, factor=1 / (high - low) if high > low else 1.0)
    if scale == "power" and np.ptp(values) > 0:
        found = replace(found, power=_power(values))
        values = powered(values, found.power or 1.0)
    spread = float(values.std())
    return replace(found, center=float(values.mean()), factor=1 / spread if spread > 0 else 0.0)


def _power(values: np.ndarray) -> float:
    """The power after which values are most like a normal distribution (maximum likelihood)."""
    from scipy.stats import yeojohnson_normmax

    found = float(np.clip(yeojohnson_normmax(values), 1 - _FARTHEST, 1 + _FARTHEST))
    for end in (0.0, 2.0):
        if abs(found - end) < _NEAREST:
            return end + _NEAREST
    return found
