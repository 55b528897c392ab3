"""Text columns as TF-IDF of their words: split at the spaces, counted, weighted, scaled to length 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from millrace.package.encoders.base import Part
from millrace.package.nodes import Nodes
from millrace.records.encoding import WordsEncoding


def write(
    nodes: Nodes, encodings: Sequence[tuple[int, WordsEncoding]], positions: Mapping[str, int]
) -> tuple[Part, ...]:
    """The columns of each encoding, given with its first place in the matrix; `positions` are those in ``texts``."""
    return tuple(
        Part(_weighted(nodes, encoding, positions[encoding.column]), tuple(range(place, place + encoding.width)))
        for place, encoding in encodings
        if encoding.width
    )


def _weighted(nodes: Nodes, encoding: WordsEncoding, position: int) -> str:
    one = nodes.constant(np.array(1, np.float32))
    counts = _counts(nodes, encoding, position)
    # (1 + ln c) where c > 0: for c = 0 the logarithm of 1 is taken, and the whole multiplied by 0.
    logs = nodes.add("Add", nodes.add("Log", nodes.add("Max", counts, one)), one)
    idf = nodes.constant(np.asarray(encoding.idf, np.float32))
    weighted = nodes.add("Mul", nodes.add("Mul", logs, nodes.add("Min", counts, one)), idf)
    length = nodes.add("ReduceL2", weighted, nodes.constant(np.array([1], np.int64)), keepdims=1)
    smallest = nodes.constant(np.array(np.finfo(np.float32).tiny, np.float32))
    return nodes.add("Div", weighted, nodes.add("Max", length, smallest))


def _counts(nodes: Nodes, encoding: WordsEncoding, position: int) -> str:
    """How often each word and pair occurs, float32 ``[rows, width]``."""
    column = nodes.add("Gather", "texts", nodes.constant(np.array(position, np.int64)), axis=1)
    words, _ = nodes.add_many("StringSplit", column, outputs=2, delimiter=" ")
    singles = [i for i, term in enumerate(encoding.vocabulary) if " " not in term]
    pairs = [i for i, term in enumerate(encoding.vocabulary) if " " in term]
    pool = [word for i in [*singles, *pairs] for word in encoding.vocabulary[i].split(" ")]
    return nodes.add(
        "TfIdfVectorizer",
        words,
        mode="TF",
        min_gram_length=1,
        max_gram_length=2 if pairs else 1,
        max_skip_count=0,
        ngram_counts=[0, len(singles)] if pairs else [0],
        ngram_indexes=[*singles, *pairs],
        pool_strings=pool,
    )
