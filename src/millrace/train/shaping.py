"""What a project file says that columns become, laid over what a family of models would choose by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from millrace.config.features import ColumnFeatures, FeatureSettings
from millrace.errors import TrainingError, nearest
from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding, WordsEncoding
from millrace.records.signature import Field
from millrace.train import recipes
from millrace.train.components import in_components
from millrace.train.encode import read
from millrace.train.scaling import scaled, within_float32
from millrace.train.selection import Chosen

_SCALING = (recipes.for_linear, recipes.for_texts)
_DATES = ("date", "datetime")


@dataclass(frozen=True, slots=True)
class Shaped:
    """A recipe, and what is wished of columns beside it; wishes of `columns` go before those of `every` one."""

    recipe: recipes.Recipe
    every: ColumnFeatures
    columns: tuple[tuple[str, ColumnFeatures], ...]
    pca: str | float = "auto"
    moment: str | None = None

    def __call__(self, frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
        """The recipe's encodings of these training rows, as wished."""
        known = {field.name: field for field in fields}
        scales = self.recipe in _SCALING
        found: list[Encoding] = []
        for one in self._dated(frame, self.recipe(frame, fields, goals), known, scales):
            if isinstance(one, NumberEncoding):
                found.append(_number(frame, one, self._wish(one.column), scales))
            elif isinstance(one, LookupEncoding):
                found.append(self._lookup(frame, known[one.column], one, goals, scales))
            else:
                found.append(one)
        return in_components(frame, found, self.pca) if scales and not isinstance(self.pca, str) else tuple(found)

    def _lookup(
        self, frame: pl.DataFrame, field: Field, found: LookupEncoding, goals: np.ndarray, scales: bool
    ) -> LookupEncoding:
        wish = self._wish(field.name).encode
        if wish == "one_hot":
            return recipes.one_hot(frame, field)
        if wish == "target":
            return recipes.target_mean(frame, field, goals, standardise=scales)
        if wish == "ordinal":
            return _ordinal(field, 0.0 if self.recipe is recipes.for_counts else -1.0)  # counts are not below zero
        return found

    def _wish(self, column: str) -> ColumnFeatures:
        return dict(self.columns).get(column, self.every)

    def _dated(
        self, frame: pl.DataFrame, found: Sequence[Encoding], known: Mapping[str, Field], scales: bool
    ) -> list[Encoding]:
        """With the ages that are wished, instead of others of the same date; of the row's moment nothing but ages."""
        wishes = {name: self._wish(name).age_at for name, field in known.items() if field.type in ("date", "datetime")}
        wished = {name: end for name, end in wishes.items() if end in known and end != name}
        kept = [
            one
            for one in found
            if (len(one.columns) == 1 and one.columns[0] != self.moment)
            or (len(one.columns) > 1 and not wished.keys() & set(one.columns))
        ]
        counted = any(isinstance(one, NumberEncoding) for one in found)  # naive Bayes of words sees no numbers
        ages = [recipes.age(known[name], known[str(end)]) for name, end in wished.items() if counted]
        words = [one for one in kept if isinstance(one, WordsEncoding)]  # every recipe puts words last
        bounded = [self._aged(frame, one, scales) for one in ages]
        return [*kept[: len(kept) - len(words)], *bounded, *words]

    def _aged(self, frame: pl.DataFrame, one: NumberEncoding, scales: bool) -> NumberEncoding:
        if scales:
            return recipes.standardised(frame, one)
        return recipes.bounded(frame, one) if self.recipe is recipes.for_forests else one


def shaped(recipe: recipes.Recipe, wishes: FeatureSettings, moment: str | None = None) -> recipes.Recipe:
    """The recipe with what the project file wishes; the recipe itself where it wishes nothing.

    `moment` is the column that says when a row was: where a wish makes it an input, only ages are counted to it.
    """
    every = ColumnFeatures.model_validate(wishes.model_dump(include=set(ColumnFeatures.model_fields)))
    columns = tuple(sorted(wishes.columns.items()))
    read = recipe is not recipes.for_counts
    if every != ColumnFeatures() or columns or not isinstance(wishes.pca, str):
        recipe = Shaped(recipe, every, columns, wishes.pca, moment)
    return recipe if isinstance(wishes.select, str) else Chosen(recipe, wishes.select, moment, numbers=read)


def check_wishes(fields: Sequence[Field], wishes: FeatureSettings) -> None:
    """Refuse wishes for columns that the model does not see, and those that a column's type cannot have."""
    known = {field.name: field for field in fields}
    for name, one in wishes.columns.items():
        if name not in known:
            raise _refused(f"columns.{name}", f"The model sees no column `{name}`.", tuple(known), nearest(name, known))
        _check_type(known[name], one)
    dates = tuple(field.name for field in fields if field.type in _DATES)
    for name in sorted(wishes.moments - set(dates)):
        seen = f"The model sees no date `{name}` that ages could be counted to."
        raise _refused("age_at", seen, dates, nearest(name, dates))


def _check_type(field: Field, wish: ColumnFeatures) -> None:
    allowed: tuple[str, ...] = ("scale", "clip", "missing") if field.numeric else ("encode",)
    if field.type in _DATES:
        allowed = (*allowed, "age_at")
    if field.type == "text":
        allowed = ()
    if stated := wish.model_fields_set - set(allowed):
        kind = "a number" if field.numeric and field.type not in _DATES else f"a {field.type}"
        raise _refused(f"columns.{field.name}", f"`{field.name}` is {kind}, which has no `{min(stated)}`.", allowed)


def _refused(where: str, seen: str, allowed: tuple[str, ...], guess: str | None = None) -> TrainingError:
    return TrainingError(seen, where=f"model.features.{where}", code="train.features", allowed=allowed, nearest=guess)


def _ordinal(field: Field, lowest: float = -1.0) -> LookupEncoding:
    """The rank by frequency, one to two above `lowest`; what was never seen lies halfway, what is missing at it."""
    ranks = np.linspace(lowest + 2, lowest + 1, len(field.categories)).tolist()
    rows = tuple((rank,) for rank in ranks)
    return LookupEncoding(field.name, field.categories, rows, missing=(lowest,), unseen=(lowest + 0.5,))


def _number(frame: pl.DataFrame, found: NumberEncoding, wish: ColumnFeatures, scales: bool) -> NumberEncoding:
    values = read(frame, found)
    known = values[np.isfinite(values)]
    if not len(known):
        return found
    if wish.clip != "auto":
        low, high = np.quantile(known, [wish.clip, 1 - wish.clip])
        low, high = within_float32(low, high)
        found = replace(found, low=low, high=high)
    if wish.missing != "auto":
        fill = float(np.median(known)) if found.fill is None else found.fill
        found = replace(found, indicator=wish.missing == "indicator", fill=fill)
    if not scales or (wish.scale == "auto" and wish.clip == "auto"):
        return found
    fill = 0.0 if found.fill is None else found.fill
    filled = np.where(np.isnan(values), fill, np.clip(values, found.low, found.high))
    return scaled(filled, found, wish.scale)
