import re

import polars as pl

from millrace.explore.report import Changed, explore


def silent(_):
    pass


def report(frame, target=None, changed=None):
    return explore(frame, title="trees & more", target=target, changed=changed, tell=silent)


def forest(rows=400):
    height = [float(i % 37) for i in range(rows)]
    return pl.DataFrame(
        {
            "kind": ["oak" if h > 20 else "elm" for h in height],
            "height": height,
            "<b>": [f"{i % 5}" for i in range(rows)],
            "same": [1] * rows,
            "tag": [f"t{i}" for i in range(rows)],
        }
    )


def test_the_page_needs_nothing_from_anywhere_and_escapes_what_is_found():
    html, _ = report(forest(), "kind")
    assert html.startswith("<!doctype html>")
    assert "trees &amp; more" in html
    assert "<b>" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert html.count("<svg") >= 3


def test_warnings_say_what_a_careful_reader_would():
    _, said = report(forest(), "kind")
    assert "`same` always has the same value." in said
    assert "`tag` is different in every row, as identifiers are." in said


def test_a_column_that_tells_the_target_is_named():
    frame = forest().with_columns(leak=pl.col("kind").replace({"oak": "x", "elm": "y"}))
    _, said = report(frame, "kind")
    assert said[0].startswith("`leak` alone almost tells `kind`")


def test_what_changed_names_the_column():
    before, after = forest(), forest().with_columns(pl.col("height") + 15)
    html, _ = report(after, "kind", Changed(before, after))
    assert "What changed" in html
    assert "1 of 5 columns drifted" in html or "`height`" in html


def test_repeated_rows_are_counted():
    frame = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "y"]})
    assert "1 of 3 rows repeat another in every column." in report(frame)[1]


def test_every_section_is_there_where_there_is_something_to_tell():
    frame = forest().with_columns(
        born=pl.date(2026, 1, 1) + pl.duration(days=pl.int_range(400) % 90),
        size=pl.when(pl.int_range(400) % 9 == 0).then(None).otherwise(pl.int_range(400) * 1.5),
        far=pl.when(pl.int_range(400) == 7).then(9e6).otherwise(pl.int_range(400) * 1.0),
    )
    html, _ = report(pl.concat([frame, frame.head(1)]), "kind")
    for name in (
        "missing",
        "outliers",
        "texts",
        "dates",
        "duplicates",
        "checks",
        "together",
        "distributions",
        "columns",
    ):
        assert f'<section aria-labelledby="{name}">' in html
    assert "Spearman" in html
    assert "days since 1970" not in html


def test_every_id_is_there_once():
    html, _ = report(forest().with_columns(pl.Series("a b", range(400)), pl.Series("a-b", range(400)) * 2.5), "kind")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_a_file_unlike_the_others_is_named():
    files = {f"{name}.csv": forest().with_columns(pl.col("height") + 60 * (name == "c")) for name in "abc"}
    html, _ = explore(forest(), title="t", target=None, changed=None, tell=silent, files=files)
    row = html[html.index("c.csv") :]
    assert "<code>height</code>" in row[: row.index("</tr>")]
