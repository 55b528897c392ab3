"""LightGBM's corners, on float32 matrices whose columns enter the graph as they are."""

import lightgbm
import numpy as np
import onnxruntime
import polars as pl
import pytest

from millrace.errors import PackageError
from millrace.package.estimators.lightgbm import split_points
from millrace.package.graph import build
from millrace.records.encoding import NumberEncoding
from millrace.records.evaluation import Evaluation
from millrace.records.fit import Answer, Fit, Member
from millrace.records.signature import Field, Signature

FIELDS = tuple(Field(name, "number") for name in "abc")
NOTHING = pl.DataFrame()


def rows(missing=0.1, count=400):
    random = np.random.default_rng(3)
    matrix = np.column_stack([random.integers(0, 30, count), random.normal(size=(count, 2)) * [1, 1e5]])
    matrix[:, 1:][random.random((count, 2)) < missing] = np.nan
    score = np.isin(matrix[:, 0], [2, 3, 11, 17, 29]) * 2 + np.nan_to_num(matrix[:, 1]) + random.normal(size=count)
    return matrix.astype(np.float32), score


def ask(estimator, matrix, classes=()):
    task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    member = Member("boosted", 1.0, tuple(NumberEncoding(name) for name in "abc"), estimator)
    signature = Signature(task, "y", FIELDS, classes, classes[-1] if task == "binary" else None)
    fit = Fit(signature, (member,), 0.5, Evaluation(task, {}, "", 0), NOTHING, NOTHING, Answer())
    session = onnxruntime.InferenceSession(build(fit), providers=["CPUExecutionProvider"])
    return session.run(["probabilities" if classes else "value"], {"numbers": matrix.astype(np.float64)})[0]


def hard(matrix):
    """Rows with everything missing, zeros of both signs, infinities, and categories never seen."""
    extra = [[np.nan] * 3, [0, -0.0, 0], [3, -1e-36, np.inf], [99, 0, -np.inf], [-1, np.nan, 0], [2, 1, np.nan]]
    return np.vstack([matrix, np.array(extra, np.float32)])


def classifier(**settings):
    return lightgbm.LGBMClassifier(
        n_estimators=15, num_leaves=8, min_child_samples=5, verbosity=-1, n_jobs=1, **settings
    )


@pytest.mark.parametrize("missing", [0.0, 0.1], ids=["no blanks in training", "blanks in training"])
def test_missing_values_take_the_branch_they_take_in_lightgbm(missing):
    matrix, score = rows(missing)
    model = classifier().fit(matrix, (score > 1).astype(int))
    np.testing.assert_array_equal(ask(model, hard(matrix), ("no", "yes")), expected(model, matrix))


def test_infinities_stay_apart_from_what_is_missing():
    matrix, _ = rows(0.3)
    model = classifier().fit(matrix, np.isnan(matrix[:, 2]).astype(int))
    np.testing.assert_array_equal(ask(model, hard(matrix), ("no", "yes")), expected(model, matrix))


def expected(model, matrix):
    return model.predict_proba(hard(matrix)).astype(np.float32)


def test_categorical_splits_are_kept():
    matrix, score = rows()
    model = classifier(min_data_per_group=5, cat_smooth=1, cat_l2=0, max_cat_to_onehot=1)
    model.fit(matrix, (score > 1).astype(int), categorical_feature=[0])
    assert "cat_threshold" in model.booster_.model_to_string()
    np.testing.assert_array_equal(ask(model, hard(matrix), ("no", "yes")), expected(model, matrix))


def test_three_classes_share_the_trees_by_turns():
    matrix, score = rows()
    model = classifier().fit(matrix, np.digitize(score, [0.5, 2]))
    np.testing.assert_allclose(ask(model, hard(matrix), ("a", "b", "c")), expected(model, matrix), atol=1e-7)


def test_trees_without_a_split_are_constants():
    matrix, score = rows(count=60)
    model = lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=50, verbosity=-1, n_jobs=1).fit(matrix, score)
    np.testing.assert_allclose(ask(model, matrix), np.full(60, score.mean()), rtol=1e-5)


def test_early_stopping_keeps_the_best_trees_only():
    matrix, score = rows()
    model = lightgbm.LGBMRegressor(n_estimators=300, learning_rate=0.3, verbosity=-1, n_jobs=1)
    model.fit(
        matrix[:200],
        score[:200],
        eval_X=(matrix[200:],),
        eval_y=(score[200:],),
        callbacks=[lightgbm.early_stopping(5, verbose=False)],
    )
    assert model.best_iteration_ < 100
    np.testing.assert_allclose(ask(model, hard(matrix)), model.predict(hard(matrix)), rtol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "poisson"},
        {"objective": "mae"},
        {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1},
        {"boosting_type": "dart"},
        {"extra_trees": True},
    ],
    ids=str,
)
def test_objectives_and_kinds_of_boosting(settings):
    matrix, score = rows()
    model = lightgbm.LGBMRegressor(n_estimators=12, verbosity=-1, n_jobs=1, random_state=1, **settings)
    model.fit(matrix, np.abs(score))
    np.testing.assert_allclose(ask(model, hard(matrix)), model.predict(hard(matrix)), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"linear_tree": True}, "its leaves are linear models"),
        ({"reg_sqrt": True}, "its objective is 'regression sqrt'"),
        ({"zero_as_missing": True}, "it treats zero as missing"),
    ],
)
def test_what_a_graph_cannot_say_is_refused(settings, reason):
    matrix, score = rows()
    model = lightgbm.LGBMRegressor(n_estimators=12, verbosity=-1, n_jobs=1, **settings).fit(matrix, score)
    with pytest.raises(PackageError, match=f"LGBMRegressor cannot be exported: {reason}"):
        ask(model, matrix)


def test_a_classifier_that_never_saw_a_class_is_refused():
    matrix, score = rows()
    model = classifier().fit(matrix, (score > 1).astype(int) + 1)
    with pytest.raises(PackageError, match="its classes are"):
        ask(model, matrix, ("no", "yes"))


def test_a_value_that_lightgbm_takes_for_zero_goes_where_zero_goes():
    # Columns around zero get splits at the edges of what counts as zero; a value right on the lower edge is zero too.
    edge = np.float32(1.0000000180025095e-35)
    matrix = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    model = lightgbm.LGBMClassifier(n_estimators=60, num_leaves=31, min_child_samples=5, verbosity=-1, n_jobs=1)
    model.fit(matrix, (matrix.sum(axis=1) > 0).astype(int))
    assert any(-float(edge) in points for points in split_points(model).values())
    around = [-edge, np.nextafter(-edge, np.float32(-1)), np.nextafter(-edge, np.float32(1)), 0.0, edge]
    asked = np.array([[a, b, c] for a in around for b in (-1.0, *around, 1.0) for c in (0.3, *around)], np.float32)
    np.testing.assert_array_equal(ask(model, asked, ("no", "yes")), model.predict_proba(asked).astype(np.float32))
