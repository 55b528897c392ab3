"""Durations and shares as people write them."""

import pytest

from millrace.config.units import fraction, seconds
from millrace.errors import ProjectFileError


@pytest.mark.parametrize(
    ("text", "lasts"),
    [("5 min", 300), ("1.5 h", 5400), ("90", 90), ("2 Weeks", 1209600), ("10s", 10), (".5 day", 43200), (7, 7)],
)
def test_a_duration_is_a_number_of_seconds(text, lasts):
    assert seconds(text) == lasts


@pytest.mark.parametrize("text", ["soon", "5 parsecs", "1.2.3 min", "-1 min", "", True, None, [5]], ids=repr)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ProjectFileError, match=r"duration|unit of time"):
        seconds(text)


@pytest.mark.parametrize(("text", "share"), [("15%", 0.15), ("12.5 %", 0.125), ("0.2", 0.2), (0.3, 0.3)])
def test_a_percentage_is_a_share_of_one(text, share):
    assert fraction(text) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize("text", ["%", "15%%", "a%", "1e", False, None], ids=repr)
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ProjectFileError, match="A share lies between"):
        fraction(text)
