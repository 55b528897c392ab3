"""Values become others by a table; what the table does not list is refused, kept or left out, as the project says."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.errors import DataError, MillraceError, ProjectFileError
from millrace.ingest import mapping
from millrace.ingest.compiling import compile_rules
from millrace.ingest.mapping import with_tables
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest
from millrace.store.tables import Table
from unit.ingest.intake import settings, take

PLANS = pl.DataFrame({"plan": ["b", "p", "x", None], "code": [1, 2, 3, 4]})


def plans(told, frame=PLANS, **sections):
    rules = compile_rules("s", settings(clean=[{"map": {"plan": told}}], **sections), frame.schema)
    return rules.split(frame, 1)


def test_a_value_without_an_entry_sends_its_row_to_quarantine():
    split = plans({"values": {"b": "basic", "p": "pro"}})
    assert split.kept["plan"].to_list() == ["basic", "pro", None]
    assert split.refused.select("_row", "_rules", "_reasons", "_raw").rows() == [
        (3, ["map"], "map: plan has no entry for 'x'", '{"plan":"x","code":3}')
    ]


@pytest.mark.parametrize(("unmapped", "became"), [("keep", "x"), ("null", None), (None, None)])
def test_a_value_without_an_entry_is_kept_or_left_out_where_that_is_said(unmapped, became):
    split = plans({"values": {"b": "basic", "p": "pro"}, "unmapped": unmapped})
    assert split.kept["plan"].to_list() == ["basic", "pro", became, None]
    assert split.refused.is_empty()


def test_a_table_may_swap_values():
    assert plans({"values": {"b": "p", "p": "b"}, "unmapped": "keep"}).kept["plan"].to_list() == ["p", "b", "x", None]


def test_codes_become_words_where_the_column_is_text():
    frame = pl.DataFrame({"plan": [1, 2, 3]})
    kept = plans({"values": {1: "basic", 2: "pro"}}, frame, columns={"plan": {"type": "text"}}).kept
    assert kept["plan"].to_list() == ["basic", "pro"]


def test_the_steps_around_a_map_run_in_the_order_written():
    clean = [{"case": {"plan": "lower"}}, {"map": {"plan": {"values": {"b": "basic"}}}}, {"fill": {"plan": "none"}}]
    frame = pl.DataFrame({"plan": ["B", None]})
    kept = compile_rules("s", settings(clean=clean), frame.schema).split(frame, 1).kept
    assert kept["plan"].to_list() == ["basic", "none"]


def test_each_of_several_maps_refuses_by_itself():
    clean = [{"map": {"plan": {"values": {"b": "basic"}}}}, {"map": {"code": {"values": {1: 10, 2: 20}}}}]
    split = compile_rules("s", settings(clean=clean), PLANS.schema).split(PLANS, 1)
    assert split.kept.rows() == [("basic", 10, 1)]
    assert split.refused["_reasons"].to_list() == [
        "map: plan has no entry for 'p'",
        "map: plan has no entry for 'x'; map: code has no entry for '3'",
        "map: code has no entry for '4'",
    ]
    assert split.refused["_rules"].to_list() == [["map"]] * 3


def test_a_file_holds_the_table(tmp_path):
    (tmp_path / "plans.csv").write_text("short;long;note\nb;basic;1\np;pro;2\n")
    told = with_tables("s", settings(clean=[{"map": {"plan": "plans.csv"}}]), tmp_path)
    assert told.clean == ({"map": {"plan": {"values": {"b": "basic", "p": "pro"}}}},)
    (tmp_path / "plans.csv").write_text("note;long;short\n1;basic;b\n")
    named = {"file": "plans.csv", "key": "short", "value": "long", "unmapped": "keep"}
    told = with_tables("s", settings(clean=[{"map": {"plan": named}}]), tmp_path)
    assert told.clean == ({"map": {"plan": {"values": {"b": "basic"}, "unmapped": "keep"}}},)


def test_codes_in_a_file_keep_their_zeros(tmp_path):
    (tmp_path / "codes.csv").write_text("code,name\n007,James\n")
    (told,) = with_tables("s", settings(clean=[{"map": {"plan": "codes.csv"}}]), tmp_path).clean
    assert told["map"]["plan"]["values"] == {"007": "James"}


def test_a_parquet_file_is_read_as_well(tmp_path):
    pl.DataFrame({"old": [1, 2], "new": ["basic", "pro"]}).write_parquet(tmp_path / "plans.parquet")
    (told,) = with_tables("s", settings(clean=[{"map": {"plan": "plans.parquet"}}]), tmp_path).clean
    assert told["map"]["plan"]["values"] == {"1": "basic", "2": "pro"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\nb\n", "one column"),
        ("a,b\nx,1\nx,2\n", "`x` has several entries"),
        ("a,b\n,1\ny,2\n", "A row of the file has no `a`"),
    ],
)
def test_a_file_that_is_no_table_of_values_is_refused(tmp_path, content, said):
    (tmp_path / "plans.csv").write_text(content)
    with pytest.raises(ProjectFileError, match=said):
        with_tables("s", settings(clean=[{"map": {"plan": "plans.csv"}}]), tmp_path)


def test_a_file_with_more_entries_than_a_rule_has_is_to_be_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(mapping, "MOST", 2)
    (tmp_path / "plans.csv").write_text("a,b\n1,1\n2,2\n3,3\n")
    with pytest.raises(ProjectFileError, match="more than 2 rows") as caught:
        with_tables("s", settings(clean=[{"map": {"plan": "plans.csv"}}]), tmp_path)
    assert caught.value.next_step == "make it a source, and join it in `dataset`"


def test_a_file_that_is_not_there_stops_before_anything_is_read(tmp_path, store):
    (tmp_path / "rows.csv").write_text("plan\nb\n")
    with pytest.raises(MillraceError, match=r"nowhere\.csv"):
        ingest("s", settings(**{"from": "rows.csv"}, clean=[{"map": {"plan": "nowhere.csv"}}]), store, tmp_path, "run")
    assert not list(store.keys("tables"))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"b": "basic"}, "`b` is not a key of a map"),
        ({"values": {}}, "at least one"),
        ({"values": {"b": "basic"}, "unmapped": "quaratine"}, "`quaratine` is no way"),
        ({"values": {None: "basic"}}, "A missing value has no entry"),
        (5, "`map` takes a table or a file"),
    ],
)
def test_a_table_that_means_nothing_is_refused_with_what_would(told, said):
    with pytest.raises(ProjectFileError, match=said):
        plans(told)


def test_values_of_another_type_are_refused_with_what_helps():
    with pytest.raises(ProjectFileError, match="`one` is no value of `code`, whose type is integer") as caught:
        compile_rules("s", settings(clean=[{"map": {"code": {"values": {1: "one"}}}}]), PLANS.schema)
    assert "columns: {code: {type: text}}" in caught.value.next_step


def test_two_entries_for_one_value_of_the_column_are_refused():
    with pytest.raises(ProjectFileError, match="`1` has two entries"):
        compile_rules("s", settings(clean=[{"map": {"code": {"values": {1: 5, "1": 6}}}}]), PLANS.schema)


def test_a_longer_table_lets_the_refused_rows_in(store, tmp_path):
    (tmp_path / "plans.csv").write_text("old,new\nb,basic\np,pro\n")
    (tmp_path / "rows.csv").write_text("plan\nb\nx\n")
    told = settings(**{"from": "rows.csv"}, clean=[{"map": {"plan": "plans.csv"}}])
    done = ingest("s", told, store, tmp_path, "run")
    assert (done.kept, done.quarantined, dict(done.reasons)) == (1, 1, {"map": 1})
    assert replay("s", told, store, "still", base=tmp_path).left == 0
    (tmp_path / "plans.csv").write_text("old,new\nb,basic\np,pro\nx,extra\n")
    assert replay("s", told, store, "later", base=tmp_path).kept == 1
    assert Table(store, "tables/s").read()["plan"].to_list() == ["basic", "extra"]


def test_protected_values_show_protected_in_the_reason(store):
    take(store, [PLANS], clean=[{"map": {"plan": {"values": {"b": "b", "p": "p"}}}}], pii={"plan": "mask"})
    reasons = Table(store, "quarantine/customers").read(bookkeeping=True)["_reasons"].to_list()
    assert reasons == ["map: plan has no entry for '*'"]


def test_a_row_of_the_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "plans.csv").write_text("old,new\nb,basic\np,pro\nx,y,z,z,z\n")
    with pytest.raises(DataError, match="A row cannot be read"):
        with_tables("s", settings(clean=[{"map": {"plan": "plans.csv"}}]), tmp_path)
