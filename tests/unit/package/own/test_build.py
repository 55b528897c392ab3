"""Anybody's fitted pipeline as a package: every step proved, and those that no graph can hold refused by name."""

import subprocess
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import millrace as mr
from millrace.errors import PackageError, ParityError, UsageError

ROWS = 240
_RANDOM = np.random.default_rng(7)
FRAME = pl.DataFrame(
    {
        "age": _RANDOM.normal(40, 12, ROWS),
        "income": [
            None if gone else float(v)
            for gone, v in zip(_RANDOM.random(ROWS) < 0.1, _RANDOM.normal(1e3, 300, ROWS), strict=True)
        ],
        "plan": [("gold", "basic", None)[i] for i in _RANDOM.integers(0, 3, ROWS)],
        "calls": _RANDOM.integers(0, 9, ROWS),
    }
)
SCORE = (
    FRAME["age"].to_numpy() / 20 + FRAME["calls"].to_numpy() + (FRAME["plan"] == "gold").fill_null(False).to_numpy() * 2
)
CHURN = np.where(SCORE + _RANDOM.normal(size=ROWS) > 6, "yes", "no")


@pytest.fixture(autouse=True)
def _names_of_columns_are_nobodys_business():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def columns(encoder=None, scaler=None):
    numbers = make_pipeline(SimpleImputer(add_indicator=True), scaler or StandardScaler())
    encoder = encoder or OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", numbers, ["age", "income", "calls"]), ("texts", encoder, ["plan"])])


def pipeline(last=None, *, encoder=None, scaler=None, middle="passthrough", truth=CHURN):
    steps = [
        ("columns", columns(encoder, scaler)),
        ("middle", middle),
        ("model", LogisticRegression() if last is None else last),
    ]
    return Pipeline(steps).fit(FRAME, truth)


def built(estimator, tmp_path, sample=FRAME, **words):
    return mr.package.build(estimator, sample, name="churn", store=str(tmp_path), **words)


@pytest.mark.parametrize(
    "last",
    [
        LogisticRegression(),
        lightgbm.LGBMClassifier(n_estimators=10, verbosity=-1, n_jobs=1),
        RandomForestClassifier(10),
        DecisionTreeClassifier(),
        GradientBoostingClassifier(n_estimators=10),
        HistGradientBoostingClassifier(max_iter=10),
        GaussianNB(),
        VotingClassifier(
            [("a", LogisticRegression()), ("b", RandomForestClassifier(5))], voting="soft", weights=[1, 3]
        ),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_package_answers_as_the_pipeline_does(last, tmp_path):
    estimator = pipeline(last)
    package = built(estimator, tmp_path)
    answers = package.predict(FRAME)
    np.testing.assert_allclose(answers["p_yes"], estimator.predict_proba(FRAME)[:, 1], atol=1e-5)
    assert (answers["label"].to_numpy() == estimator.predict(FRAME)).mean() == 1
    assert package.manifest.parity < 1e-5


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(),
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(drop="first", handle_unknown="ignore"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=90),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        TargetEncoder(),
        make_pipeline(
            SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder(handle_unknown="ignore")
        ),
    ],
    ids=lambda one: str(one)[:40],
)
def test_categories_never_seen_and_missing_ones_count_as_the_encoder_counts_them(encoder, tmp_path):
    estimator = pipeline(DecisionTreeClassifier(max_depth=5), encoder=encoder)
    package = built(estimator, tmp_path)
    strange = FRAME.head(40).with_columns(plan=pl.Series([None, "", "gold", "platinum"] * 10))
    known = (
        strange.filter(pl.col("plan") != "platinum")
        if "handle_unknown='error'" in str(encoder.get_params())
        else strange
    )
    asked = known.with_columns(pl.col("plan").replace("", None))
    try:
        expected = estimator.predict_proba(asked)[:, 1]
    except ValueError:
        asked = known = known.filter(pl.col("plan") == "gold")
        expected = estimator.predict_proba(asked)[:, 1]
    np.testing.assert_allclose(package.predict(known)["p_yes"], expected, atol=1e-6)


@pytest.mark.parametrize(
    "middle",
    [
        PCA(3),
        PolynomialFeatures(3),
        MinMaxScaler((0.25, 0.5), clip=True),
        MaxAbsScaler(),
        RobustScaler(),
        FunctionTransformer(np.abs),
        FeatureUnion([("a", PCA(2)), ("b", "passthrough")]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_every_preprocessing_step_is_proved(middle, tmp_path):
    estimator = pipeline(middle=middle)
    found = built(estimator, tmp_path).predict(FRAME)["p_yes"]
    np.testing.assert_allclose(found, estimator.predict_proba(FRAME)[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    "last",
    [Ridge(), RandomForestRegressor(5), GradientBoostingRegressor(n_estimators=5),
     HistGradientBoostingRegressor(max_iter=5, loss="poisson")],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_an_array_of_numbers_is_a_sample_too(last, tmp_path):
    numbers = FRAME.select("age", "calls").to_numpy()
    estimator = make_pipeline(StandardScaler(), last).fit(numbers, SCORE)
    package = built(estimator, tmp_path, numbers, target="score", truth=SCORE)
    assert [field.name for field in package.signature.inputs] == ["x0", "x1"]
    asked = pl.DataFrame({"x0": numbers[:, 0], "x1": numbers[:, 1]})
    np.testing.assert_allclose(package.predict(asked)["value"], estimator.predict(numbers), rtol=1e-5)
    assert package.manifest.evaluation.metrics["rmse"].value < 5


def test_a_step_that_no_graph_can_hold_is_named(tmp_path):
    with pytest.raises(
        PackageError, match=r"Step middle cannot be written as a graph: it applies a function of your own"
    ):
        built(pipeline(middle=FunctionTransformer(lambda values: values + 1)), tmp_path)
    with pytest.raises(PackageError, match="gives no probabilities"):
        built(pipeline(SVC()), tmp_path)
    assert not list(tmp_path.rglob("manifest.json"))


def test_a_step_whose_graph_differs_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    estimator = pipeline(DecisionTreeClassifier())
    scaler = estimator[0].named_transformers_["numbers"][1]
    from millrace.package.own import scalers, steps

    def forgetful(writing, path, step, taken):
        return scalers.shrunk(writing, path, step, taken)

    monkeypatch.setattr(steps, "STEPS", {**scalers.STEPS, "sklearn.StandardScaler": forgetful})
    with pytest.raises(ParityError, match=r"It arises in step columns / numbers / standardscaler \(StandardScaler\)"):
        built(estimator, tmp_path)
    assert scaler.mean_[0] != 0
    assert not list(tmp_path.rglob("manifest.json"))


def test_a_difference_at_split_points_alone_is_found(tmp_path):
    """k-nearest-neighbours has no thresholds to read: where it changes is found by asking it."""
    with pytest.raises(ParityError, match=r"probing rows, .* step model \(KNeighborsClassifier\)"):
        built(pipeline(KNeighborsClassifier()), tmp_path)


def test_a_field_without_which_the_estimator_does_not_answer_is_required(tmp_path):
    steps = [("texts", OneHotEncoder(handle_unknown="ignore"), ["plan"]), ("numbers", "passthrough", ["age"])]
    estimator = make_pipeline(ColumnTransformer(steps), LogisticRegression())
    package = built(estimator.fit(FRAME.select("age", "plan"), CHURN), tmp_path)
    assert {field.name: field.required for field in package.signature.inputs} == {"age": True, "plan": False}


def test_the_truth_of_the_sample_makes_an_evaluation_and_its_absence_is_told(tmp_path):
    estimator = pipeline()
    judged = built(estimator, tmp_path, FRAME.with_columns(churn=pl.Series(CHURN)), target="churn")
    assert judged.manifest.evaluation.metrics["roc_auc"].value > 0.9
    assert "says that it never saw these rows" in (Path(str(judged.path)) / "MODEL_CARD.md").read_text()
    unjudged = built(estimator, tmp_path)
    assert unjudged.manifest.version == 2
    assert not unjudged.manifest.evaluation.metrics
    assert "How good it is was not measured" in (Path(str(unjudged.path)) / "MODEL_CARD.md").read_text()


def test_the_class_looked_for_may_be_the_first_and_a_threshold_the_estimators_own(tmp_path):
    estimator = FixedThresholdClassifier(pipeline(), threshold=0.3).fit(FRAME, CHURN)
    package = built(estimator, tmp_path)
    assert package.manifest.threshold == 0.3
    assert package.predict(FRAME)["label"].to_list() == estimator.predict(FRAME).tolist()
    other = built(pipeline(), tmp_path, positive="no")
    assert other.signature.classes == ("yes", "no")
    np.testing.assert_allclose(
        other.predict(FRAME)["p_yes"], built(pipeline(), tmp_path).predict(FRAME)["p_yes"], atol=1e-6
    )


def test_words_that_do_not_fit_are_refused(tmp_path):
    estimator = pipeline()
    with pytest.raises(UsageError, match="`types` names agee, which is no column"):
        built(estimator, tmp_path, types={"agee": "number"})
    with pytest.raises(UsageError, match="`positive` is maybe"):
        built(estimator, tmp_path, positive="maybe")
    with pytest.raises(UsageError, match="The sample has no column plan, which the estimator was fitted on"):
        built(estimator, tmp_path, FRAME.drop("plan"))
    with pytest.raises(UsageError, match="The sample is a list"):
        built(estimator, tmp_path, [{"age": 1}])
    with pytest.raises(UsageError, match="Column age of the sample holds Date"):
        built(estimator, tmp_path, FRAME.with_columns(age=pl.lit("2026-01-01").str.to_date()))


def test_whole_numbers_may_be_declared_numbers(tmp_path):
    package = built(pipeline(), tmp_path, types={"calls": "number"})
    assert {field.name: field.type for field in package.signature.inputs}["calls"] == "number"
    assert package.predict([{"age": 40.0, "calls": 2.5, "plan": "gold"}]).height == 1


def test_the_package_is_asked_without_the_libraries_that_made_it(tmp_path):
    path = built(pipeline(), tmp_path).path
    script = (
        "import sys, millrace as mr; mr.Package.load(sys.argv[1]).predict([{'age': 40.0}]);"
        "sys.exit(bool({'sklearn', 'skl2onnx', 'lightgbm', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 0
