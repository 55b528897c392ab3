from datetime import date

import polars as pl

from millrace.explore import details
from millrace.explore.columns import as_value, summarise
from millrace.explore.texts import texts


def test_outliers_are_told_with_where_the_others_lie():
    """Quartiles 25 and 75 of 0…100: the fences lie at -125 and 225."""
    frame = pl.DataFrame({"v": [float(i) for i in range(101)] * 9 + [900.0]})
    html = details.outliers(frame, summarise(frame))
    assert "-125 to 22" in html
    assert "<td>900</td>" in html
    assert details.outliers(frame.head(101), summarise(frame.head(101))) == ""


def test_texts_are_told_by_length_words_and_shape():
    found = texts(pl.Series("t", ["Red car 12", "red bus 7", "  ", None]))
    assert (found.shortest, found.middle, found.longest, found.empty) == (2, 9, 10, 1)
    assert found.words[0] == ("red", 2 / 3)
    assert ("A A 9", 2 / 3) in found.shapes


def test_few_categories_are_no_texts():
    frame = pl.DataFrame({"few": ["a", "b"] * 20, "many": [f"id-{i}" for i in range(40)]})
    html = details.written(frame, summarise(frame))
    assert "many" in html
    assert "few" not in html


def test_dates_are_told_with_their_longest_gap_and_weekday():
    days = [date(2026, 5, 4), date(2026, 5, 11), date(2026, 5, 18), date(2026, 6, 19)]
    frame = pl.DataFrame({"day": days})
    html = details.dated(frame, summarise(frame))
    assert "2026-05-04 to 2026-06-19" in html
    assert "32 days after 2026-05-18" in html
    assert "Monday (75%)" in html


def test_the_most_frequent_duplicates_are_shown():
    frame = pl.DataFrame({"a": [1, 1, 1, 2, 2, 3], "b": ["<x>", "<x>", "<x>", "y", "y", None]})
    html = details.duplicates(frame, 3)
    assert html.index("3 times") < html.index("2 times")
    assert "&lt;x&gt;" in html
    assert "2 rows are there more than once" in html


def test_a_date_is_written_as_one():
    (column,) = summarise(pl.DataFrame({"day": [date(2026, 1, 2)]}))
    assert as_value(column, column.low) == "2026-01-02"
