"""What a project file may say of models, and the words it gets for the rest."""

import pytest
from pydantic import ValidationError

from millrace.config.models import Range, Wanted, parse_models
from millrace.config.schema import ModelSettings
from millrace.errors import ProjectFileError


def test_a_range_may_state_its_scale():
    (found,) = parse_models(
        [{"svm": {"C": {"from": 0.1, "to": 10}, "gamma": {"from": 0.1, "to": 1, "scale": "linear"}}}]
    )
    assert found == Wanted("svm", {"C": Range(0.1, 10.0, True, False), "gamma": Range(0.1, 1.0, False, False)})
    assert not found.fixed


def test_a_model_without_settings_is_searched_where_it_usually_is():
    (found,) = parse_models(["tree"])
    assert found.fixed
    assert found.space() == {"max_depth": Range(2, 12, False, True), "min_samples_leaf": Range(1, 50, True, True)}


@pytest.mark.parametrize(
    ("given", "words", "nearest"),
    [
        (["smv"], "`smv` is not a model", "svm"),
        ([], "`models` names none", None),
        ([{"svm": {"c": 1}}], "`c` is not a setting of `svm`", "C"),
        ([{"svm": {"kernel": "rbff"}}], r"`svm.kernel: rbff` is not known", "rbf"),
        ([{"svm": {"C": -1}}], r"`svm.C: -1` is out of bounds", None),
        ([{"tree": {"max_depth": 2.5}}], r"`tree.max_depth: 2.5` is out of bounds", None),
        ([{"tree": {"max_depth": True}}], r"`tree.max_depth: True` is out of bounds", None),
        ([{"svm": {"C": []}}], r"`svm.C` lists no value", None),
        ([{"svm": {"C": {"from": 3, "to": 1}}}], r"`svm.C` is no range: from 3 to 1", None),
        ([{"svm": {"C": {"from": 3}}}], r"`svm.C` is no range", None),
        ([{"svm": {"kernel": {"from": 1, "to": 2}}}], r"`svm.kernel` is no range", None),
        ([{"svm": 3}], "`svm: 3` gives no settings", None),
        ([{"svm": {}, "tree": {}}], "is no model", None),
    ],
)
def test_what_is_no_model_is_refused(given, words, nearest):
    with pytest.raises(ProjectFileError, match=words) as error:
        parse_models(given)
    assert error.value.nearest == nearest


@pytest.mark.parametrize(
    ("search", "models", "words"),
    [
        ("portfolio", [{"svm": {"C": [1, 2]}}], "`svm` several values, and nothing chooses"),
        ("grid", ["svm"], "it lists none"),
        ("grid", [{"svm": {"C": {"from": 1, "to": 2}}}], "has no end: a setting of `svm` is a range"),
    ],
)
def test_a_search_that_fits_no_space_is_refused(search, models, words):
    with pytest.raises(ValidationError, match=words):
        ModelSettings.model_validate({"predict": "y", "search": search, "models": models})
