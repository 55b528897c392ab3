"""TF-IDF of words, worked by hand."""

import numpy as np
import polars as pl

from millrace.records.encoding import LookupEncoding, WordsEncoding
from millrace.records.signature import Field
from millrace.train.columns import describe
from millrace.train.encode import encode
from millrace.train.recipes import for_texts, learned
from millrace.train.words import learn_words, words_matrix

OIL = WordsEncoding("title", ("oil", "oil rises", "rises"), (1.0, 2.0, 3.0))


def test_words_and_pairs_that_two_texts_share_are_learned() -> None:
    texts = pl.Series("title", ["Oil rises", "oil RISES again", "again, oil!"])
    found = learn_words(texts)
    assert found.vocabulary == ("again", "oil", "oil rises", "rises")
    # ln(4 / 3) + 1 for what two of three texts have, ln(4 / 4) + 1 for what all have.
    np.testing.assert_allclose(found.idf, [1.287682, 1.0, 1.287682, 1.287682], atol=1e-6)


def test_counts_are_damped_weighted_and_scaled_to_length_one() -> None:
    # "oil" twice: (1 + ln 2) * 1; "oil rises" once: 2; "rises" once: 3; the length is the root of 2.8667 + 4 + 9.
    found = words_matrix(pl.Series("title", ["Oil, oil rises fast"]), OIL).toarray()
    np.testing.assert_allclose(found, [[0.425061, 0.502095, 0.753143]], atol=1e-5)


def test_texts_without_known_words_give_zeros() -> None:
    assert words_matrix(pl.Series("title", ["", "the cup final", "…"]), OIL).nnz == 0


def test_texts_that_share_no_word_have_no_columns() -> None:
    empty = learn_words(pl.Series("title", ["one", "two"]))
    assert (empty.width, words_matrix(pl.Series("title", ["one"]), empty).shape) == (0, (1, 0))


def test_words_stand_behind_the_other_columns() -> None:
    frame = pl.DataFrame(
        {"title": ["oil rises", "oil falls"] * 10, "place": [f"p{i}" for i in range(20)]}
    ).with_columns(pl.col("title") + " in a place called " + pl.col("place"))
    fields = describe(frame, [Field("title", "text"), Field("place", "category")])
    goals = np.array([[1.0], [0.0]] * 10)
    encodings, matrix = learned(frame, fields, goals, for_texts)
    assert [type(encoding) for encoding in encodings] == [LookupEncoding, WordsEncoding]
    assert (matrix != encode(frame, encodings)).nnz == 0
    assert matrix.dtype == np.float32


def test_no_row_sees_its_own_target_beside_words() -> None:
    frame = pl.DataFrame({"code": [f"c{i}" for i in range(100)], "title": ["the price of oil rises"] * 100})
    goals = np.array([[1.0], [0.0]] * 50)
    fields = describe(frame, [Field("code", "category"), Field("title", "text")])
    _, matrix = learned(frame, fields, goals, for_texts)
    # The overall mean, standardised to 0, for every code: no part of the rows knows the others' codes.
    assert np.ptp(matrix.toarray()[:, 1]) < 1e-6
