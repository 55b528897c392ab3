"""Encoders of categories, whatever their kind: asked for the row of each category, which then becomes a table.

One-hot, ordinal and target encoders treat each column by itself. So the encoder is asked with one category after the
other in one column, all others staying as they are: what it answers is a table of the graph, and is the encoder's own.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from millrace.package.own.columns import Column, Writing, refuse

#: No table of the graph has more cells.
_CELLS = 1 << 22
_UNSEEN = "\x00never seen"


def encoded(writing: Writing, path: str, step: Any, taken: Sequence[Column]) -> tuple[Column, ...]:
    """What an encoder with `categories_` gives."""
    base = [_first(known, column) for known, column in zip(step.categories_, taken, strict=True)]
    tables = [_table(step, base, place, column) for place, column in enumerate(taken)]
    width = tables[0].rows.shape[1]
    owner = np.zeros(width, np.int64)
    for place, table in enumerate(tables):
        owner[(~_same(table.rows, table.rows[:1])).any(axis=0)] = place
    found: list[Column | None] = [None] * width
    for place, (table, column) in enumerate(zip(tables, taken, strict=True)):
        own = np.flatnonzero(owner == place)
        if not len(own):
            continue
        if len(table.rows) * len(own) > _CELLS:
            raise refuse(path, f"column {column.name} has {len(table.rows)} categories in {len(own)} columns")
        if table.closed:
            writing.caveats.append(
                f"The pipeline refuses values of `{column.name}` that it never saw; the graph takes them for none."
            )
        value = _looked_up(writing, column, table, own)
        for i, output in enumerate(own):
            found[output] = Column(value, i, len(own), text=False, name=f"{path} {output}")
    return tuple(column for column in found if column is not None)


class _Table:
    """What the encoder gives for each known value of one column, then for a missing, then for an unseen one."""

    def __init__(self, keys: list[Any], rows: np.ndarray, *, closed: bool) -> None:
        self.keys, self.rows, self.closed = keys, rows, closed


def _table(step: Any, base: list[Any], place: int, column: Column) -> _Table:
    known = [key for key in step.categories_[place] if not _missing(key) and key != ""]
    rows = [_ask(step, [*base[:place], key, *base[place + 1 :]]) for key in known]
    unseen = _ask_or_none(step, [*base[:place], _unseen(known, column), *base[place + 1 :]])
    gone = [_ask_or_none(step, [*base[:place], key, *base[place + 1 :]]) for key in _absent(step.categories_[place])]
    missing = next((row for row in gone if row is not None), None)
    answered = np.concatenate([row for row in (*rows, missing, unseen) if row is not None])
    nothing = np.where(_same(answered, answered[:1]).all(axis=0), answered[:1], 0.0)
    ends = [nothing if row is None else row for row in (missing, unseen)]
    return _Table(known, np.concatenate([*rows, *ends]), closed=unseen is None)


def _looked_up(writing: Writing, column: Column, table: _Table, own: np.ndarray) -> str:
    nodes = writing.nodes
    raw = writing.matrix([column], column.name)
    flat = nodes.add("Reshape", raw, nodes.constant(np.array([-1], np.int64)))
    missing, unseen = len(table.keys), len(table.keys) + 1
    if column.text:
        codes = nodes.add(
            "LabelEncoder",
            flat,
            domain="ai.onnx.ml",
            keys_strings=[*map(str, table.keys), ""],
            values_int64s=list(range(missing + 1)),
            default_int64=unseen,
        )
    else:
        same = nodes.add("Equal", raw, nodes.constant(np.array([table.keys], np.float64)))
        marks = nodes.add("Cast", same, to=TensorProto.INT64)
        first = nodes.add("ArgMax", marks, axis=1, keepdims=0)
        any_ = nodes.add("ReduceMax", marks, nodes.constant(np.array([1], np.int64)), keepdims=0)
        hit = nodes.add("Cast", any_, to=TensorProto.BOOL)
        none = nodes.add(
            "Where",
            nodes.add("IsNaN", flat),
            nodes.constant(np.array(missing, np.int64)),
            nodes.constant(np.array(unseen, np.int64)),
        )
        codes = nodes.add("Where", hit, first, none)
    return nodes.add("Gather", nodes.constant(np.ascontiguousarray(table.rows[:, own])), codes, axis=0)


def _ask(step: Any, row: list[Any]) -> np.ndarray:
    numeric = all(isinstance(value, int | float | np.number | bool | np.bool_) for value in row)
    asked = np.array([row], dtype=np.float64 if numeric else object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of columns, and categories never seen: both are meant here
        said = step.transform(asked)
    return np.asarray(said.toarray() if hasattr(said, "toarray") else said, np.float64)


def _ask_or_none(step: Any, row: list[Any]) -> np.ndarray | None:
    try:
        return _ask(step, row)
    except (TypeError, ValueError):
        return None


def _first(known: Any, column: Column) -> Any:
    found = [key for key in known if not _missing(key)]
    return found[0] if found else ("" if column.text else math.nan)


def _unseen(known: list[Any], column: Column) -> Any:
    return _UNSEEN if column.text else max([float(key) for key in known], default=0.0) + 1.5


def _absent(known: Any) -> list[Any]:
    """The markers of a missing value, the encoder's own first."""
    own = [key for key in (None, "") if any(key is one or (key == "" and one == "") for one in known)]
    return [*own, math.nan, None]


def _missing(key: Any) -> bool:
    return key is None or (isinstance(key, float | np.floating) and math.isnan(key))


def _same(rows: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.asarray((rows == first) | (np.isnan(rows) & np.isnan(first)))
