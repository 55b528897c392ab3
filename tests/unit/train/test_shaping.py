"""Wishes for columns are followed by every model, as worked by hand or by scikit-learn, and travel in the package."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, RobustScaler

from millrace.config.features import FeatureSettings
from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.package.graph import build
from millrace.package.parity import prove
from millrace.records.encoding import LookupEncoding, NumberEncoding
from millrace.records.signature import Field
from millrace.train.columns import describe
from millrace.train.encode import encode
from millrace.train.recipes import for_counts, for_linear, for_trees
from millrace.train.shaping import check_wishes, shaped
from millrace.train.stage import train

RANDOM = np.random.default_rng(0)
INCOME = pl.DataFrame({"income": np.exp(RANDOM.normal(3, 1, 400))})


def seen(recipe, frame, kind="number", **wishes):
    """The encodings and the matrix of a frame of one column."""
    fields = describe(frame, [Field(frame.columns[0], kind)])
    goals = np.arange(frame.height, dtype=float)[:, None] % 2
    found = shaped(recipe, FeatureSettings.model_validate(wishes))(frame, fields, goals)
    return found, encode(frame, found)


def clipped(frame):
    values = frame["income"].to_numpy()
    return np.clip(values, *np.quantile(values, [0.002, 0.998]))[:, None]


def test_a_power_is_yeo_johnsons_as_scikit_learn_finds_it():
    _, matrix = seen(for_linear, INCOME, scale="power")
    np.testing.assert_allclose(matrix, PowerTransformer().fit_transform(clipped(INCOME)), atol=1e-4)


def test_a_robust_scale_is_scikit_learns():
    _, matrix = seen(for_linear, INCOME, scale="robust")
    np.testing.assert_allclose(matrix, RobustScaler().fit_transform(clipped(INCOME)), atol=1e-5)


def test_without_a_scale_numbers_stay_as_they_are():
    _, matrix = seen(for_linear, INCOME, scale="none")
    np.testing.assert_allclose(matrix, clipped(INCOME), rtol=1e-6)


def test_numbers_end_where_the_stated_share_of_rows_does_for_trees_too():
    frame = pl.DataFrame({"x": [float(value) for value in range(101)]})
    (found,), matrix = seen(for_trees, frame, clip="10%")
    assert (found.low, found.high) == (10.0, 90.0)
    assert matrix[[0, 50, 100], 0].tolist() == [10.0, 50.0, 90.0]


def test_ranks_become_normal_scores_as_scikit_learn_finds_them():
    frame = pl.DataFrame({"income": np.exp(np.random.default_rng(1).normal(3, 1, 4001))})
    (found,), matrix = seen(for_linear, frame, scale="quantile")
    theirs = QuantileTransformer(n_quantiles=4001, output_distribution="normal").fit_transform(clipped(frame))[:, 0]
    inner = np.abs(theirs) < 1.5
    assert len(found.knots) == 33
    np.testing.assert_allclose(matrix[inner, 0] / found.factor + found.center, theirs[inner], atol=0.03)


def many(rows=200):
    random = np.random.default_rng(2)
    sizes = random.normal(size=(rows, 2))
    frame = pl.DataFrame(sizes @ random.normal(size=(2, 6)), schema=[f"x{place}" for place in range(6)])
    return frame, [Field(name, "number") for name in frame.columns], (sizes[:, :1] > 0).astype(float)


@pytest.mark.parametrize(("wish", "width"), [(1, 1), ("95%", 2), (6, 6), ("none", 6)])
def test_components_are_scikit_learns(wish, width):
    frame, fields, goals = many()
    straight = encode(frame, for_linear(frame, fields, goals))
    found = encode(frame, shaped(for_linear, FeatureSettings.model_validate({"pca": wish}))(frame, fields, goals))
    theirs = PCA(width).fit_transform(straight) if width < 6 else straight
    np.testing.assert_allclose(found, theirs, atol=1e-4)
    assert shaped(for_trees, FeatureSettings(pca=1))(frame, fields, goals) == for_trees(frame, fields, goals)


def test_the_columns_that_tell_most_are_chosen():
    random = np.random.default_rng(3)
    frame = pl.DataFrame({f"x{place}": random.normal(size=300) for place in range(8)} | {"plan": ["a", "b", "c"] * 100})
    goals = ((frame["x3"] ** 2 > 1) & (frame["plan"] != "a")).to_numpy().astype(float)[:, None]  # x3 tells by its size
    fields = describe(frame, [Field(name, "category" if name == "plan" else "number") for name in frame.columns])
    found = shaped(for_linear, FeatureSettings(select=2))(frame, fields, goals)
    assert [one.columns for one in found] == [("x3",), ("plan",)]


def test_the_row_itself_says_the_moment_at_which_a_date_is_so_old():
    days = {"born": [date(2020, 1, 1), None], "seen": [datetime(2020, 1, 3, 12), datetime(2021, 1, 1)]}
    fields = [Field("born", "date"), Field("seen", "datetime")]
    frame, goals = pl.DataFrame(days), np.zeros((2, 1))
    np.testing.assert_array_equal(encode(frame, for_trees(frame, fields, goals))[:, -1], [2.5, np.nan])
    wish = FeatureSettings.model_validate({"columns": {"born": {"age_at": "seen"}}})
    found = shaped(for_trees, wish, moment="seen")(frame, fields, goals)
    assert [one.columns for one in found] == [("born",), ("born", "seen")]


def test_missing_numbers_are_flagged_or_only_filled():
    frame = pl.DataFrame({"x": [1.0, None, 3.0, 9.0]})
    assert seen(for_trees, frame, missing="indicator")[1][1].tolist() == [3.0, 1.0]
    assert seen(for_linear, frame, missing="fill")[1].shape == (4, 1)


@pytest.mark.parametrize(("encode_as", "width"), [("one_hot", 3), ("ordinal", 1), ("target", 2)])
def test_categories_become_what_is_wished(encode_as, width):
    frame = pl.DataFrame({"plan": ["a", "a", "a", "b", "b", "c"]})
    (found,), matrix = seen(for_trees, frame, "category", encode=encode_as)
    assert isinstance(found, LookupEncoding)
    assert matrix.shape == (6, width)
    if encode_as == "ordinal":
        assert [row[0] for row in found.rows] == [1.0, 0.5, 0.0]


def test_a_column_goes_before_all():
    fields = [Field("a", "number"), Field("b", "number")]
    frame = pl.DataFrame({"a": [1.0, 2.0, 5.0, 9.0], "b": [1.0, 2.0, 5.0, 9.0]})
    wishes = FeatureSettings.model_validate({"scale": "robust", "columns": {"b": {"scale": "none"}}})
    first, second = shaped(for_linear, wishes)(frame, fields, np.zeros((4, 1)))
    assert isinstance(first, NumberEncoding)
    assert isinstance(second, NumberEncoding)
    assert (first.center, second.center, second.factor) == (3.5, 0.0, 1.0)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"incme": {"scale": "power"}}, "The model sees no column `incme`"),
        ({"income": {"encode": "target"}}, "`income` is a number, which has no `encode`"),
        ({"plan": {"clip": "1%"}}, "`plan` is a category, which has no `clip`"),
        ({"income": {"age_at": "plan"}}, "`income` is a number, which has no `age_at`"),
    ],
)
def test_wishes_that_cannot_be_had_are_refused(columns, words):
    with pytest.raises(TrainingError, match=words):
        check_wishes(
            [Field("income", "number"), Field("plan", "category")], FeatureSettings.model_validate({"columns": columns})
        )


def test_wishes_travel_in_the_package():
    rows = 240
    frame = pl.DataFrame(
        {
            "income": [
                None if gone else value
                for value, gone in zip(np.exp(RANDOM.normal(3, 1, rows)), RANDOM.random(rows) < 0.1, strict=True)
            ],
            "plan": RANDOM.choice(["a", "b", "c"], rows),
            "city": RANDOM.choice([f"city {n}" for n in range(40)], rows),
        }
    )
    frame = frame.with_columns(y=(pl.col("income").fill_null(20).log() + (pl.col("plan") == "a") > 3).cast(pl.Int64))
    for wishes in (
        {"scale": "power", "encode": "target", "missing": "indicator"},
        {"pca": 1, "select": 2, "scale": "quantile"},
        {"clip": "5%", "encode": "ordinal", "columns": {"income": {"scale": "robust", "missing": "fill"}}},
    ):
        settings = {"predict": "y", "budget": "3 trials", "models": ["linear", "tree", "neighbors"], "features": wishes}
        fit = train(frame, ModelSettings.model_validate(settings))
        assert prove(build(fit), fit).difference < 1e-5
        assert any("columns, those that tell most; not" in note for note in fit.notes) == ("select" in wishes)


@pytest.mark.parametrize("wishes", [{"select": 1}, {"encode": "ordinal"}, {"select": 1, "encode": "ordinal"}])
def test_what_counts_chooses_among_categories_and_gets_nothing_below_zero(wishes):
    frame = pl.DataFrame({"x": range(8), "plan": [None, "a", "b", "a", "a", "a", "c", "b"]})
    fields = describe(frame, [Field("x", "integer"), Field("plan", "category")])
    goals = np.arange(8.0)[:, None] > 3
    found = shaped(for_counts, FeatureSettings.model_validate(wishes))(frame, fields, goals.astype(float))
    assert [one.column for one in found] == ["plan"]
    assert encode(frame, found).min() == 0
