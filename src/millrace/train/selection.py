"""Which columns tell most of the target, each by itself: how much of its variance lies between groups of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from millrace.records.fit import Member
from millrace.records.signature import Field, Signature
from millrace.train.encode import numbers, texts

if TYPE_CHECKING:
    from millrace.records.encoding import Encoding
    from millrace.train.recipes import Recipe

#: A number's values are grouped by rank into at most so many groups of at least so many rows; so are categories, the
#: rarest together.
_GROUPS, _ROWS_PER_GROUP = 12, 10
#: More rows than this tell nothing more of a column.
_ROWS = 20_000
#: A note names so many columns.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recipe that sees the `count` columns that tell most of the target; and every text, and the row's `moment`.

    Without `numbers` it is a recipe that reads none, and only categories are chosen from.
    """

    recipe: Recipe
    count: int
    moment: str | None = None
    numbers: bool = True

    def __call__(self, frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Encoding, ...]:
        """The recipe's encodings of the chosen columns."""
        return self.recipe(frame, self.fields(frame, fields, goals), goals)

    def fields(self, frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> tuple[Field, ...]:
        """The chosen columns, in their order."""
        rivals = [
            field
            for field in fields
            if field.type != "text" and field.name != self.moment and (self.numbers or not field.numeric)
        ]
        if len(rivals) <= self.count:
            return tuple(fields)
        worth = told(frame, rivals, goals)
        left = {rivals[place].name for place in np.argsort(-worth, kind="stable")[self.count :]}
        return tuple(field for field in fields if field.name not in left)


def told(frame: pl.DataFrame, fields: Sequence[Field], goals: np.ndarray) -> np.ndarray:
    """How much of the variance of `goals` each column explains, float64 ``[fields]``, at most 1; by chance about 0.

    Numbers are grouped by rank, categories by value, what is missing is a group of its own. The share of variance
    between groups is corrected for their number (epsilon squared; Kelley, 1935); of classes, it is that of their 0/1
    columns together (Goodman & Kruskal's tau, 1954). `goals` is float64 ``[rows, outputs]``.

    Examples
    --------
    >>> frame = pl.DataFrame({"plan": ["a", "b"] * 10, "day": [1, 1, 2, 2] * 5})
    >>> fields = [Field("plan", "category", categories=("a", "b")), Field("day", "integer")]
    >>> told(frame, fields, np.array([[0.0], [1.0]] * 10)).round(2).tolist()
    [1.0, -0.06]
    """
    every = -(-frame.height // _ROWS)
    frame, goals = frame.gather_every(every), goals[::every]
    most = int(np.clip(frame.height // _ROWS_PER_GROUP, 2, _GROUPS))
    centred = goals - goals.mean(axis=0)
    total = float((centred**2).sum())
    if total == 0:
        return np.zeros(len(fields))
    return np.array([_share(_groups(frame, field, most), centred, total) for field in fields])


def _share(groups: np.ndarray, centred: np.ndarray, total: float) -> float:
    counts = np.bincount(groups)
    sums = np.column_stack([np.bincount(groups, column) for column in centred.T])
    full = counts > 0
    between = float((sums[full] ** 2 / counts[full, None]).sum())
    freedom = len(groups) - int(full.sum())
    return 1 - (1 - between / total) * (len(groups) - 1) / freedom if freedom > 0 else 0.0


def _groups(frame: pl.DataFrame, field: Field, most: int) -> np.ndarray:
    """The group of each row; 0 is what is missing."""
    if not field.numeric:
        known = {"": 0} | {category: place for place, category in enumerate(field.categories[:most], start=1)}
        found = texts(frame, field.name).replace_strict(known, default=len(known), return_dtype=pl.Int32)
        return found.to_numpy()
    values = numbers(frame, field.name)
    missing = np.isnan(values)
    ordered = np.sort(values[~missing])
    if not len(ordered):
        return np.zeros(len(values), np.int64)
    edges = np.unique(ordered)[:-1]
    if len(edges) >= most:
        places = np.linspace(0, len(ordered) - 1, most + 1).round().astype(np.int64)
        edges = np.unique(np.minimum(ordered[places[1:-1]], edges[-1]))
    return np.where(missing, 0, 1 + np.searchsorted(edges, values, "left"))


def unused(members: Sequence[Member], signature: Signature) -> tuple[str, ...]:
    """A note that names the columns which no member sees; none where every column is seen."""
    seen = {column for member in members for encoding in member.encodings for column in encoding.columns}
    left = [field.name for field in signature.inputs if field.name not in seen]
    if not left:
        return ()
    names = ", ".join(f"`{name}`" for name in left[:_NAMED])
    more = f" and {len(left) - _NAMED:,} more" if len(left) > _NAMED else ""
    every = len(signature.inputs)
    return (f"The model uses {every - len(left):,} of {every:,} columns, those that tell most; not {names}{more}.",)
