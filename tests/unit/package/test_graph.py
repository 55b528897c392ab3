import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge

from millrace.errors import PackageError
from millrace.package.graph import build
from millrace.records.encoding import LookupEncoding, NumberEncoding
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit, Member
from millrace.records.signature import Field, Signature

AGE, PLAN = Field("age", "number"), Field("plan", "category")
NOTHING = pl.DataFrame()


def made(members, task="regression", classes=(), inputs=(AGE,), threshold=None):
    signature = Signature(task, "y", inputs, classes, classes[-1] if task == "binary" else None)
    return Fit(signature, tuple(members), threshold, Evaluation(task, {}, "", 0), NOTHING, NOTHING, Answer())


def run(fit, **feeds):
    session = onnxruntime.InferenceSession(build(fit), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds), strict=True))


def constant(*counts):
    truth = np.repeat(np.arange(len(counts)), counts)
    return DummyClassifier(strategy="prior").fit(np.zeros((len(truth), 1)), truth)


def line(slope, intercept):
    matrix = np.array([[0.0], [1.0]])
    return Ridge(alpha=0.0).fit(matrix, intercept + slope * matrix[:, 0])


@pytest.mark.parametrize(("threshold", "label"), [(0.25, 1), (float(np.nextafter(np.float32(0.25), 1)), 0)])
def test_a_probability_at_the_threshold_is_the_positive_class(threshold, label):
    fit = made([Member("prior", 1.0, (), constant(3, 1))], "binary", ("no", "yes"), threshold=threshold)
    found = run(fit, numbers=np.array([[1.0], [np.nan]]))
    assert found["label"].tolist() == [label, label]
    assert found["probabilities"].tolist() == [[0.75, 0.25]] * 2


def test_among_equally_probable_classes_the_first_is_the_label():
    fit = made([Member("prior", 1.0, (), constant(1, 2, 2))], "multiclass", ("a", "b", "c"))
    assert run(fit, numbers=np.array([[1.0]]))["label"].tolist() == [1]


def test_members_are_averaged_by_weight():
    members = [Member("prior", 3.0, (), constant(3, 1)), Member("other", 1.0, (), constant(1, 3))]
    fit = made(members, "binary", ("no", "yes"), threshold=0.5)
    assert run(fit, numbers=np.array([[1.0]]))["probabilities"].tolist() == [[0.625, 0.375]]


def test_values_are_averaged_by_weight():
    age = (NumberEncoding("age"),)
    members = [Member("steep", 1.0, age, line(2.0, 1.0)), Member("flat", 3.0, age, line(0.0, 5.0))]
    found = run(made(members), numbers=np.array([[0.0], [10.0]]))["value"]
    np.testing.assert_allclose(found, [4.0, 9.0], rtol=1e-6)


def test_a_model_of_texts_alone_has_one_input():
    lookup = LookupEncoding("plan", ("gold",), ((1.0,),), missing=(0.0,), unseen=(-1.0,))
    fit = made([Member("line", 1.0, (lookup,), line(2.0, 1.0))], inputs=(PLAN,))
    found = run(fit, texts=np.array([["gold"], [""], ["tin"]], dtype=object))["value"]
    np.testing.assert_allclose(found, [3.0, 1.0, -1.0], rtol=1e-6)


def test_no_rows_give_no_answers():
    fit = made([Member("line", 1.0, (NumberEncoding("age", fill=1.0, low=0.0),), line(2.0, 1.0))])
    assert run(fit, numbers=np.zeros((0, 1)))["value"].shape == (0,)


def test_the_graph_can_be_read_by_onnx_runtime_1_23():
    model = onnx.load_from_string(build(made([Member("line", 1.0, (NumberEncoding("age"),), line(2.0, 1.0))])))
    assert model.ir_version <= 11
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 20, "ai.onnx.ml": 5}


@pytest.mark.parametrize("weights", [(), (0.0,), (1.0, -0.5)])
def test_weights_that_make_no_average_are_refused(weights):
    members = [Member("line", weight, (NumberEncoding("age"),), line(2.0, 1.0)) for weight in weights]
    with pytest.raises(PackageError, match="The members' weights are"):
        build(made(members))
