"""Wishes for columns are followed by every model, as worked by hand or by scikit-learn, and travel in the package."""

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import PowerTransformer, RobustScaler

from millrace.config.features import FeatureSettings
from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError
from millrace.package.graph import build
from millrace.package.parity import prove
from millrace.records.encoding import LookupEncoding, NumberEncoding
from millrace.records.signature import Field
from millrace.train.columns import describe
from millrace.train.encode import encode
from millrace.train.recipes import for_linear, for_trees
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
        {"clip": "5%", "encode": "ordinal", "columns": {"income": {"scale": "robust", "missing": "fill"}}},
    ):
        settings = {"predict": "y", "budget": "3 trials", "models": ["linear", "tree", "neighbors"], "features": wishes}
        fit = train(frame, ModelSettings.model_validate(settings))
        assert prove(build(fit), fit).difference < 1e-5
