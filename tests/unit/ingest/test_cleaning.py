from __future__ import annotations

import tempfile

import polars as pl
import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.compiling import compile_rules
from millrace.ingest.keys import Keys
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import settings

FRAME = pl.DataFrame({"id": [1, 2, 3], "charge": [None, 250.0, -5.0], "plan": [" basic", "pro ", None]})


def clean(*steps, frame=FRAME, known=None, **sections):
    rules = compile_rules("s", settings(clean=list(steps), **sections), frame.schema)
    return rules.split(frame, 1, None if known is None else keys_of(known))


def keys_of(rows):
    """The keys of a table that has these rows."""
    table = Table(Store(tempfile.mkdtemp()), "tables/s")
    placed = rows.with_columns(pl.lit("a.csv").alias("_origin"), pl.int_range(1, pl.len() + 1).alias("_row"))
    return Keys().of(table.append(table.snapshot(), placed, number=1 << 32))


def test_steps_run_in_the_order_written():
    assert clean({"fill": {"charge": 300}}, {"clip": {"charge": [0, 200]}}).kept["charge"].to_list() == [
        200.0,
        200.0,
        0.0,
    ]
    assert clean({"clip": {"charge": [0, 200]}}, {"fill": {"charge": 300}}).kept["charge"].to_list() == [
        300.0,
        200.0,
        0.0,
    ]


def test_trim_touches_the_named_columns_alone():
    frame = pl.DataFrame({"a": [" x "], "b": [" x "]})
    assert clean({"trim": ["a"]}, frame=frame).kept.row(0)[:2] == ("x", " x ")


def test_an_open_side_of_clip_does_not_bound():
    assert clean({"clip": {"charge": [None, 100]}}).kept["charge"].to_list() == [None, 100.0, -5.0]


def test_replace_changes_whole_values_and_leaves_the_others():
    kept = clean({"trim": "all"}, {"replace": {"plan": {"basic": "starter"}, "id": {3: 30}}}).kept
    assert kept["plan"].to_list() == ["starter", "pro", None]
    assert kept["id"].to_list() == [1, 2, 30]


def test_duplicates_keep_the_first_and_are_counted():
    frame = pl.DataFrame({"id": [1, 1, 2], "tenure": [5, 6, 7]})
    split = clean({"drop_duplicates": "key"}, frame=frame, key="id")
    assert (split.kept["tenure"].to_list(), split.duplicate) == ([5, 7], 1)


def test_a_good_row_never_gives_way_to_a_refused_one():
    frame = pl.DataFrame({"id": [1, 1], "tenure": [-1, 4]})
    split = clean({"drop_duplicates": "id"}, frame=frame, checks={"positive": "tenure >= 0"})
    assert (split.kept["tenure"].to_list(), split.refused.height, split.duplicate) == ([4], 1, 0)


def test_rows_without_a_key_are_not_duplicates_of_each_other():
    frame = pl.DataFrame({"id": [None, None, 1]}, schema={"id": pl.Int64})
    assert clean({"drop_duplicates": "id"}, frame=frame, known=frame).kept["id"].to_list() == [None, None]


def test_whole_rows_are_the_same_when_their_missing_values_are():
    frame = pl.DataFrame({"id": [None, None, 1], "x": ["a", "a", "b"]}, schema={"id": pl.Int64, "x": pl.String})
    assert clean({"drop_duplicates": "all"}, frame=frame).kept["x"].to_list() == ["a", "b"]
    assert clean({"drop_duplicates": "all"}, frame=frame, known=frame).duplicate == 3


def test_rows_already_in_the_table_are_duplicates():
    known = pl.DataFrame({"id": [2, 9], "charge": [0.0, 0.0], "plan": ["x", "y"]})
    assert clean({"drop_duplicates": ["id"]}, known=known).kept["id"].to_list() == [1, 3]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"fill": {"chrge": 0}}, "`chrge` is not a column"),
        ({"fill": {"charge": "abc"}}, "'abc' is no value of a Float64 column"),
        ({"fill": 0}, "`fill` takes columns and values"),
        ({"clip": {"charge": 5}}, "`clip` cannot bound `charge`"),
        ({"clip": {"plan": ["a", "b"]}}, "`clip` cannot bound `plan`"),
        ({"replace": {"plan": "x"}}, "`replace` takes old and new values"),
        ({"drop_duplicates": "key"}, "needs the source's `key`"),
        ({"trim": 5}, "5 names no columns"),
    ],
)
def test_a_step_that_means_nothing_is_refused(step, said):
    with pytest.raises(ProjectFileError, match=said):
        clean(step)
