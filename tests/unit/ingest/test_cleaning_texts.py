"""Steps that change texts: one case, one Unicode form, regular expressions."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import ProjectFileError
from millrace.ingest.compiling import compile_rules


def cleaned(text, *steps):
    settings = SourceSettings.model_validate({"from": "a.csv", "clean": list(steps)})
    frame = pl.DataFrame({"name": [text, None], "age": [1, 2]})
    return compile_rules("people", settings, dict(frame.schema)).split(frame, 1).kept["name"].to_list()


@pytest.mark.parametrize(
    ("step", "text", "wanted"),
    [
        ({"case": {"name": "lower"}}, "ÄRA Bo", "ära bo"),
        ({"case": {"name": "upper"}}, "ära", "ÄRA"),
        ({"case": {"name": "title"}}, "new YORK", "New York"),
        ({"normalize": {"name": "NFC"}}, "e\u0301", "\u00e9"),
        ({"normalize": {"name": "NFKC"}}, "\ufb01n", "fin"),
        ({"substitute": {"name": {"[^0-9]": ""}}}, "+49 (30) 1", "49301"),
        ({"substitute": {"name": {"(\\w+), (\\w+)": "$2 $1"}}}, "Doe, Ann", "Ann Doe"),
        ({"substitute": {"name": {"a": "b", "b": "c"}}}, "ab", "cc"),
    ],
    ids=["lower", "upper", "title", "composed", "compatible", "digits", "groups", "in-order"],
)
def test_a_text_is_changed_and_nothing_stays_nothing(step, text, wanted):
    assert cleaned(text, step) == [wanted, None]


def test_steps_run_in_the_order_written():
    assert cleaned("A", {"case": {"name": "lower"}}, {"substitute": {"name": {"A": "x"}}}) == ["a", None]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"case": {"name": "lowr"}}, "'lowr' is not known here"),
        ({"normalize": {"name": "NFX"}}, "'NFX' is not known here"),
        ({"substitute": {"name": {"(": ""}}}, r"`\(` is not a regular expression"),
        ({"substitute": {"name": "x"}}, "takes patterns"),
        ({"case": {"age": "lower"}}, "`age` is Int64, and this step is for texts"),
    ],
)
def test_a_step_that_means_nothing_is_named(step, said):
    with pytest.raises(ProjectFileError, match=said):
        cleaned("a", step)
