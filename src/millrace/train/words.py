"""Text columns as TF-IDF: which words are worth a column, and the sparse matrix of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from millrace.inference.words import plain_words
from millrace.records.encoding import WordsEncoding

#: Words and pairs that occur in fewer texts than this say too little about other texts.
_FEWEST_TEXTS = 2
MAX_WORDS = 20_000


def learn_words(texts: pl.Series) -> WordsEncoding:
    """The words and pairs of words that several of these texts share, the most frequent first when there are too many.

    `texts` is String without null. The inverse document frequency is smoothed: ln((1 + n) / (1 + df)) + 1.

    Examples
    --------
    >>> learn_words(pl.Series("title", ["Oil rises", "Oil falls", "Cup final"])).vocabulary
    ('oil',)
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        analyzer=_terms, min_df=min(_FEWEST_TEXTS, max(1, len(texts))), max_features=MAX_WORDS, dtype=np.float32
    )
    try:
        counts = counter.fit_transform(_plain(texts))
    except ValueError:  # no word is shared by two texts
        return WordsEncoding(texts.name, (), ())
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32)
    return WordsEncoding(
        texts.name, tuple(str(term) for term in counter.get_feature_names_out()), tuple(float(one) for one in idf)
    )


def words_matrix(texts: pl.Series, encoding: WordsEncoding) -> Any:
    """TF-IDF of these texts, float32 CSR ``[rows, width]``, each row of length 1 or zero."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    if not encoding.vocabulary:
        return csr_matrix((len(texts), 0), dtype=np.float32)
    counter = CountVectorizer(analyzer=_terms, vocabulary=encoding.vocabulary, dtype=np.float32)
    counts = counter.transform(_plain(texts))
    counts.data = (np.float32(1) + np.log(counts.data)) * np.asarray(encoding.idf, dtype=np.float32)[counts.indices]
    return normalize(counts, norm="l2", copy=False)


def _plain(texts: pl.Series) -> list[str]:
    return [plain_words(text) for text in texts.to_list()]


def _terms(plain: str) -> Sequence[str]:
    """The words of a text, then its pairs of neighbouring words."""
    words = plain.split()
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]
