"""Forests in a graph answer as scikit-learn does, on rows at, beside and far from their splits."""

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from millrace.package.estimators.forest import split_points
from millrace.package.graph import build
from millrace.records.encoding import NumberEncoding
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit, Member
from millrace.records.signature import Field, Signature

FIELDS = tuple(Field(name, "number") for name in "abc")
CLASSES = {0: (), 2: ("no", "yes"), 3: ("red", "green", "blue")}


def rows(missing):
    random = np.random.default_rng(5)
    matrix = random.normal(size=(300, 3))
    score = matrix[:, 0] + matrix[:, 1] ** 2 + random.normal(size=300) / 4
    matrix[random.random(matrix.shape) < missing] = np.nan
    return matrix.astype(np.float32), score


def ask(estimator, matrix, classes):
    task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    member = Member("forest", 1.0, tuple(NumberEncoding(name) for name in "abc"), estimator)
    signature = Signature(task, "y", FIELDS, classes, classes[-1] if task == "binary" else None)
    nothing = pl.DataFrame()
    fit = Fit(signature, (member,), 0.5, Evaluation(task, {}, "", 0), nothing, nothing, Answer())
    session = onnxruntime.InferenceSession(build(fit), providers=["CPUExecutionProvider"])
    return session.run(["probabilities" if classes else "value"], {"numbers": matrix.astype(np.float64)})[0]


def hard(matrix, estimator):
    """Rows at each split and its float32 neighbours, and with everything missing."""
    near = []
    for feature, points in split_points(estimator).items():
        close = np.array(points[:40], dtype=np.float32)
        for values in (close, np.nextafter(close, np.float32(-9)), np.nextafter(close, np.float32(9))):
            block = matrix[np.arange(len(values)) % len(matrix)].copy()
            block[:, feature] = values
            near.append(block)
    return np.vstack([matrix, *near, np.full((1, 3), np.nan, np.float32)])


@pytest.mark.parametrize("missing", [0.0, 0.1], ids=["no blanks in training", "blanks in training"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_probabilities_are_the_forests_own(kind, classes, missing):
    matrix, score = rows(missing)
    truth = np.digitize(score, [1.0] if classes == 2 else [0.2, 1.5])
    model = kind(n_estimators=9, random_state=0).fit(matrix, truth)
    asked = hard(matrix, model)
    np.testing.assert_allclose(ask(model, asked, CLASSES[classes]), model.predict_proba(asked), rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_values_are_the_forests_own(kind):
    matrix, score = rows(0.1)
    model = kind(n_estimators=9, random_state=0).fit(matrix, score)
    asked = hard(matrix, model)
    np.testing.assert_allclose(ask(model, asked, ()), model.predict(asked), rtol=1e-6)


def test_a_branch_in_which_a_class_never_varies_is_one_leaf():
    # One tree that first parts one end from the other two: two leaves tell that end's class, three each of the others.
    matrix = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32)
    model = RandomForestClassifier(n_estimators=1, bootstrap=False, max_features=None, random_state=0)
    model.fit(matrix, np.arange(3))
    member = Member("forest", 1.0, tuple(NumberEncoding(name) for name in "abc"), model)
    signature = Signature("multiclass", "y", FIELDS, CLASSES[3])
    nothing = pl.DataFrame()
    written = build(Fit(signature, (member,), None, Evaluation("multiclass", {}, "", 0), nothing, nothing, Answer()))
    attributes = [a for node in onnx.load_from_string(written).graph.node for a in node.attribute]
    targets = next(a.ints for a in attributes if a.name == "leaf_targetids")
    assert sorted(list(targets).count(place) for place in range(3)) == [2, 3, 3]
