"""Text columns as rows of tables: one string look-up for many columns, then whole numbers only.

Strings are the slow part of a graph, so each text is looked up once, whatever the number of columns and members:
``texts`` → one LabelEncoder over the columns' united categories → a table from united to each column's own codes.
Each member's tables are then laid end to end, and one Gather reads all its columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from millrace.package.encoders.base import Part, columns
from millrace.package.nodes import Nodes
from millrace.records.encoding import LookupEncoding

#: How many entries the table from united to own codes may have; beyond, columns are looked up in several groups.
_TABLE_LIMIT = 1 << 18


class Codes:
    """The texts of every looked-up column as whole numbers: 0 missing, 1…n the column's categories, n + 1 unseen."""

    def __init__(self, nodes: Nodes, encodings: Sequence[LookupEncoding], positions: Mapping[str, int]) -> None:
        self._nodes = nodes
        self._positions = positions
        categories: dict[str, set[str]] = {}
        for encoding in encodings:
            categories.setdefault(encoding.column, set()).update(encoding.categories)
        self.categories = {
            column: {category: code for code, category in enumerate(sorted(categories[column] - {""}), start=1)}
            for column in sorted(categories, key=lambda column: positions[column])
        }
        self.columns = tuple(self.categories)

    def value(self) -> str:
        """The codes, int64 ``[rows, columns]``."""
        groups = [self._group(group) for group in self._groups()]
        return groups[0] if len(groups) == 1 else self._nodes.add("Concat", *groups, axis=1)

    def table(self, encoding: LookupEncoding) -> np.ndarray:
        """What `encoding` gives for each code of its column: float32 ``[codes, width]``."""
        given = dict(zip(encoding.categories, encoding.rows, strict=True))
        rows = [given.get("", encoding.missing)]
        rows += [given.get(category, encoding.unseen) for category in self.categories[encoding.column]]
        return np.array([*rows, encoding.unseen], dtype=np.float32)

    def _groups(self) -> list[list[str]]:
        """The columns in runs whose table from united to own codes stays small."""
        groups: list[list[str]] = []
        united: set[str] = set()
        for column, categories in self.categories.items():
            wider = united | categories.keys()
            if groups and (len(wider) + 2) * (len(groups[-1]) + 1) <= _TABLE_LIMIT:
                groups[-1].append(column)
                united = wider
            else:
                groups.append([column])
                united = set(categories)
        return groups

    def _group(self, group: Sequence[str]) -> str:
        nodes = self._nodes
        texts = columns(nodes, "texts", [self._positions[column] for column in group], len(self._positions))
        united = sorted({category for column in group for category in self.categories[column]})
        codes = nodes.add(
            "LabelEncoder",
            texts,
            domain="ai.onnx.ml",
            keys_strings=["", *united],
            values_int64s=list(range(len(united) + 1)),
            default_int64=len(united) + 1,
        )
        if len(group) == 1:
            return codes
        size = len(united) + 2
        own = [self._own(column, united) for column in group]
        starts = nodes.constant(np.arange(len(group), dtype=np.int64) * size)
        return nodes.add("Gather", nodes.constant(np.concatenate(own)), nodes.add("Add", codes, starts))

    def _own(self, column: str, united: Sequence[str]) -> np.ndarray:
        """The column's own code for each united one."""
        known = self.categories[column]
        unseen = len(known) + 1
        return np.array([0, *(known.get(category, unseen) for category in united), unseen], dtype=np.int64)


def write(nodes: Nodes, encodings: Sequence[tuple[int, LookupEncoding]], codes: Codes) -> tuple[Part, ...]:
    """The columns of `encodings`, each given with its first place in the matrix."""
    tables = [codes.table(encoding) for _, encoding in encodings]
    owners = [codes.columns.index(encoding.column) for _, encoding in encodings for _ in range(encoding.width)]
    cells = [column for table in tables for column in table.T]
    starts = np.cumsum([0, *(len(column) for column in cells)])[:-1]
    own = columns(nodes, codes.value(), owners, len(codes.columns))
    index = nodes.add("Add", own, nodes.constant(starts.astype(np.int64)))
    value = nodes.add("Gather", nodes.constant(np.concatenate(cells)), index)
    places = tuple(place + i for place, encoding in encodings for i in range(encoding.width))
    return (Part(value, places),)


def contributions(
    nodes: Nodes, encodings: Sequence[LookupEncoding], weights: Sequence[np.ndarray], codes: Codes
) -> str:
    """What the columns add to a linear model's scores, float64 ``[rows, scores]``.

    `weights[i]` is float64 ``[width of encoding i, scores]``. A row of a table times weights is a row of another
    table, worked out here once: wide one-hot columns cost as little as narrow ones.
    """
    products = [
        codes.table(encoding).astype(np.float64) @ weight for encoding, weight in zip(encodings, weights, strict=True)
    ]
    starts = np.cumsum([0, *(len(product) for product in products)])[:-1]
    own = columns(
        nodes, codes.value(), [codes.columns.index(encoding.column) for encoding in encodings], len(codes.columns)
    )
    index = nodes.add("Add", own, nodes.constant(starts.astype(np.int64)))
    terms = nodes.add("Gather", nodes.constant(np.concatenate(products)), index)
    return nodes.add("ReduceSum", terms, nodes.constant(np.array([1], np.int64)), keepdims=0)
