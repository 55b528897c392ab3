import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from millrace.package.encoders import lookups
from millrace.package.nodes import Nodes
from millrace.records.encoding import LookupEncoding

COLOURS = LookupEncoding("colour", ("red", "blue"), ((1.0,), (2.0,)), missing=(0.0,), unseen=(-1.0,))
SIZES = LookupEncoding("size", ("L", "red"), ((7.0, 70.0), (8.0, 80.0)), missing=(5.0, 50.0), unseen=(6.0, 60.0))
OTHER_COLOURS = LookupEncoding("colour", ("green",), ((3.0,),), missing=(0.5,), unseen=(-3.0,))
TEXTS = np.array([["red", "red"], ["blue", ""], ["", "L"], ["green", "blue"], ["RED", "é"]], dtype=object)


def run(nodes, value, kind):
    output = [helper.make_tensor_value_info("answer", kind, ["rows", None])]
    nodes.name(value, "answer")
    model = nodes.model([helper.make_tensor_value_info("texts", TensorProto.STRING, ["rows", 2])], output)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"texts": TEXTS})[0]


@pytest.mark.parametrize("limit", [1, 1 << 18], ids=["column by column", "all columns at once"])
def test_each_column_has_its_own_categories(monkeypatch, limit):
    monkeypatch.setattr(lookups, "_TABLE_LIMIT", limit)
    nodes = Nodes()
    encodings = [COLOURS, SIZES, OTHER_COLOURS]
    codes = lookups.Codes(nodes, encodings, {"colour": 0, "size": 1})
    (part,) = lookups.write(nodes, [(0, COLOURS), (1, SIZES), (3, OTHER_COLOURS)], codes)
    assert part.places == (0, 1, 2, 3)
    assert run(nodes, part.value, TensorProto.FLOAT).tolist() == [
        [1.0, 8.0, 80.0, -3.0],
        [2.0, 5.0, 50.0, -3.0],
        [0.0, 7.0, 70.0, 0.5],
        [-1.0, 6.0, 60.0, 3.0],
        [-1.0, 6.0, 60.0, -3.0],
    ]


def test_contributions_are_rows_times_weights():
    nodes = Nodes()
    codes = lookups.Codes(nodes, [COLOURS, SIZES], {"colour": 0, "size": 1})
    weights = [np.array([[10.0]]), np.array([[1.0], [0.1]])]
    value = lookups.contributions(nodes, [COLOURS, SIZES], weights, codes)
    assert run(nodes, value, TensorProto.DOUBLE).ravel().tolist() == [26.0, 30.0, 14.0, 2.0, 2.0]


def test_an_empty_category_counts_as_the_missing_value():
    encoding = LookupEncoding("colour", ("", "red"), ((9.0,), (1.0,)), missing=(0.0,), unseen=(-1.0,))
    codes = lookups.Codes(Nodes(), [encoding], {"colour": 0, "size": 1})
    assert codes.table(encoding).ravel().tolist() == [9.0, 1.0, -1.0]
