"""A bare ONNX model becomes a package that answers as the model does, or is refused with what does not fit."""

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

import millrace as mr
from millrace.errors import PackageError, UsageError
from millrace.package.own.described import described
from millrace.records.signature import Field, Signature

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(120, 3)).astype(np.float32)
NAMES = ("age", "calls", "income")
ROWS = pl.DataFrame(dict(zip(NAMES, X.astype(np.float64).T, strict=True)))
NUMBERS = tuple(Field(name, "number") for name in NAMES)
BINARY = Signature("binary", "churn", NUMBERS, ("no", "yes"), "yes")
TRUTH = np.where(X.sum(axis=1) > 0, "yes", "no")


@pytest.fixture(scope="module")
def classifier():
    return LogisticRegression().fit(X, TRUTH)


def saved(model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def adopted(path, signature, tmp_path, **words):
    return mr.package.adopt(path, signature, name="churn", store=str(tmp_path / "store"), **words)


@pytest.mark.parametrize("zipmap", [True, False])
def test_an_exported_classifier_answers_in_a_package_as_it_did_before(zipmap, classifier, tmp_path):
    model = to_onnx(classifier, X[:1], options={"zipmap": zipmap}, target_opset=17)
    package = adopted(saved(model, tmp_path), BINARY, tmp_path, sample=ROWS.with_columns(churn=pl.Series(TRUTH)))
    answers = package.predict(ROWS)
    np.testing.assert_allclose(answers["p_yes"], classifier.predict_proba(X)[:, 1], atol=1e-5)
    assert answers["label"].to_list() == classifier.predict(X).tolist()
    assert package.manifest.evaluation.metrics["roc_auc"].value > 0.95
    assert package.profile is not None
    assert package.manifest.lineage["imported from"]["producer"] == "skl2onnx"


def mixed() -> onnx.ModelProto:
    """One input per column, a text among them: value = age + (plan = gold) + calls."""
    nodes = [
        helper.make_node("LabelEncoder", ["plan"], ["code"], domain="ai.onnx.ml", keys_strings=["gold"],
                         values_floats=[1.0], default_float=0.0),
        helper.make_node("Cast", ["calls"], ["called"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["age", "code", "called"], ["sum"]),
    ]  # fmt: skip
    inputs = [
        helper.make_tensor_value_info(name, kind, ["n", 1])
        for name, kind in (("age", TensorProto.FLOAT), ("plan", TensorProto.STRING), ("calls", TensorProto.INT64))
    ]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 1])])
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


MIXED = Signature(
    "regression",
    "cost",
    (Field("calls", "integer"), Field("plan", "category", categories=("gold", "basic")), Field("age", "number")),
)


def test_inputs_may_be_named_like_the_fields_in_any_order(tmp_path):
    package = adopted(saved(mixed(), tmp_path), MIXED, tmp_path)
    assert package.predict({"age": [1.5], "plan": ["gold"], "calls": [3]})["value"].to_list() == [5.5]
    required = {field.name: field.required for field in package.signature.inputs}
    assert required == {"age": False, "plan": False, "calls": True}  # a whole number cannot say that it is missing


def logit_model() -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.ones((3, 1), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 1])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_scores_are_no_probabilities_until_it_is_said(tmp_path):
    path = saved(logit_model(), tmp_path)
    with pytest.raises(UsageError, match="no probabilities: they reach from"):
        adopted(path, BINARY, tmp_path, sample=ROWS)
    package = adopted(path, BINARY, tmp_path, sample=ROWS, logits=True)
    expected = 1 / (1 + np.exp(-X.sum(axis=1, dtype=np.float64)))
    np.testing.assert_allclose(package.predict(ROWS)["p_yes"], expected, atol=1e-5)


def test_classes_in_another_order_than_the_graphs_are_refused(classifier, tmp_path):
    path = saved(to_onnx(classifier, X[:1], target_opset=17), tmp_path)
    other = Signature("binary", "churn", NUMBERS, ("yes", "no"), "no")
    with pytest.raises(UsageError, match="The graph's classes are no, yes; the signature's are yes, no"):
        adopted(path, other, tmp_path)


@pytest.mark.parametrize(
    ("signature", "words", "expected"),
    [
        (Signature("regression", "y", NUMBERS[:2]), {}, "The graph takes x float"),
        (Signature("multiclass", "y", NUMBERS, ("a", "b", "c")), {}, "of which none can be 3 probabilities a row"),
        (Signature("regression", "y", NUMBERS), {"output": "zz"}, "no output zz"),
    ],
    ids=["inputs", "classes", "output"],
)
def test_what_does_not_fit_is_said(signature, words, expected, tmp_path):
    with pytest.raises(UsageError, match=expected):
        adopted(saved(logit_model(), tmp_path), signature, tmp_path, **words)


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return model


def strange(model):
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    model.graph.node[0].domain = "com.example"
    return model


def old(model):
    model.opset_import[0].version = 9
    return model


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [(external, "tensors in other files"), (strange, "operators of com.example"), (old, "opset 9")],
)
def test_a_graph_that_a_package_cannot_hold_is_refused(spoil, expected, tmp_path):
    with pytest.raises(PackageError, match=expected):
        adopted(saved(spoil(logit_model()), tmp_path), BINARY, tmp_path)
    assert not (tmp_path / "store").exists()


def test_bytes_that_are_no_model_are_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(PackageError, match="This is no ONNX model"):
        adopted(tmp_path / "model.onnx", BINARY, tmp_path)


def test_a_graph_with_a_graph_inside_keeps_its_inputs(tmp_path):
    """An If whose branches read the outer input by name."""
    branch = []
    for operator in ("Add", "Mul"):
        made = helper.make_tensor_value_info(f"{operator}o", TensorProto.FLOAT, ["n", 3])
        node = helper.make_node(operator, ["x", "x"], [made.name])
        branch.append(helper.make_graph([node], operator, [], [made]))
    nodes = [
        helper.make_node("If", ["c"], ["twice"], then_branch=branch[0], else_branch=branch[1]),
        helper.make_node("ReduceMean", ["twice"], ["y"], axes=[1], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(np.array(True), "c")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    package = adopted(saved(model, tmp_path), Signature("regression", "y", NUMBERS), tmp_path, sample=ROWS)
    np.testing.assert_allclose(package.predict(ROWS)["value"], 2 * X.mean(axis=1), rtol=1e-4, atol=1e-6)


def test_the_package_graph_is_the_models_own_to_the_last_digit(tmp_path):
    model = to_onnx(LinearRegression().fit(X, X.sum(axis=1)), X[:1], target_opset=17)
    package = adopted(saved(model, tmp_path), Signature("regression", "y", NUMBERS), tmp_path, sample=ROWS)
    said = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": X})[0].ravel()
    assert package.predict(ROWS)["value"].to_numpy().tolist() == said.tolist()


def test_a_signature_is_read_from_yaml(tmp_path):
    file = tmp_path / "signature.yaml"
    file.write_text(
        "task: binary\ntarget: churn\ninputs: {age: number, calls: {type: integer, required: true}}\n"
        "classes: ['no', 'yes']\n"
    )
    found = described(file)
    assert found.classes == ("no", "yes")
    assert found.inputs == (Field("age", "number"), Field("calls", "integer", required=True))
    file.write_text("task: binary\ntarget: churn\ninputs: {age: numbr}\nclasses: [a, b]\n")
    with pytest.raises(UsageError, match=r"The signature cannot be read: .*numbr"):
        described(file)
    file.write_text("task: binary\ntarget: churn\ninputs: {age: number}\nclasses: [a]\n")
    with pytest.raises(UsageError, match="`classes` names 1 for the task binary"):
        described(file)
