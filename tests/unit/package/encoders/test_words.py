"""The graph's words are the trainer's words, whatever the text."""

import numpy as np
import onnxruntime
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from millrace.inference.words import plain_words
from millrace.package.encoders import words
from millrace.package.nodes import Nodes
from millrace.records.encoding import WordsEncoding
from millrace.train.words import words_matrix

PAIRS = WordsEncoding("title", ("été", "oil", "oil rises", "rises", "straße"), (1.5, 1.0, 2.0, 3.0, 0.5))
SINGLES = WordsEncoding("title", ("oil", "rises"), (1.0, 3.0))


def session(encoding):
    nodes = Nodes()
    (part,) = words.write(nodes, [(0, encoding)], {"other": 0, "title": 1})
    assert part.places == tuple(range(encoding.width))
    nodes.name(part.value, "answer")
    taken = [helper.make_tensor_value_info("texts", TensorProto.STRING, ["rows", 2])]
    given_ = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["rows", encoding.width])]
    return onnxruntime.InferenceSession(nodes.model(taken, given_).SerializeToString())


@pytest.mark.parametrize("encoding", [PAIRS, SINGLES], ids=["pairs", "single words"])
@settings(max_examples=60)
@given(data=st.data())
def test_the_graph_gives_what_training_saw(encoding, data):
    word = st.sampled_from(["oil", "OIL", "rises", "été", "STRASSE", "Straße", "never seen", "3.5%"]) | st.text(
        max_size=5
    )
    texts = data.draw(st.lists(st.lists(word, max_size=8).map(" ".join), min_size=1, max_size=4))
    fed = np.array([["other", plain_words(text)] for text in texts], dtype=object)
    found = session(encoding).run(None, {"texts": fed})[0]
    expected = words_matrix(pl.Series("title", texts), encoding).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_encoding_without_words_gives_no_columns():
    assert words.write(Nodes(), [(0, WordsEncoding("title", (), ()))], {"title": 0}) == ()
