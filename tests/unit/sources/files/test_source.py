import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources import open_source
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.source import FileSource
from millrace.testing.sources import assert_same, read


def opened(folder, pattern="*.csv", schema=None, batch_rows=200_000, **stated):
    return FileSource("s", SourceSettings(**{"from": pattern}, **stated), folder, schema, DelimitedFormat, batch_rows)


def test_new_files_beside_those_done_are_read_and_no_others(tmp_path):
    (tmp_path / "b.csv").write_text("n\n1\n2\n")
    after = read(opened(tmp_path))[-1].position
    (tmp_path / "a.csv").write_text("n\n3\n")
    (tmp_path / "c.csv").write_text("n\n4\n")
    assert [(batch.origin, batch.frame.rows()) for batch in read(opened(tmp_path), after)] == [
        ("a.csv", [(3,)]),
        ("c.csv", [(4,)]),
    ]


@pytest.mark.parametrize(
    ("content", "how"), [("n\n1\n2\n3\n", "grew"), ("n\n1\n", "shrank"), ("n\n1\n9\n", "was rewritten")]
)
def test_a_file_that_changed_after_it_was_ingested_is_an_error(tmp_path, content, how):
    path = tmp_path / "a.csv"
    path.write_text("n\n1\n2\n")
    after = read(opened(tmp_path))[-1].position
    path.write_text(content)
    with pytest.raises(SourceError, match=rf"`a.csv` {how} since(.|\n)*Next: restore the file"):
        read(opened(tmp_path), after)


def test_a_touched_or_copied_file_is_the_same_file(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    after = read(opened(tmp_path))[-1].position
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    assert read(opened(tmp_path), after) == []


def test_a_file_that_arrives_while_others_are_read_is_read_the_next_time(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    (tmp_path / "c.csv").write_text("n\n3\n")
    batches = opened(tmp_path).batches(None)
    first = next(batches)
    (tmp_path / "b.csv").write_text("n\n4\n")
    whole = [first, *batches]
    assert [batch.origin for batch in whole] == ["a.csv", "c.csv"]
    assert [(batch.origin, batch.frame.rows()) for batch in read(opened(tmp_path), whole[-1].position)] == [
        ("b.csv", [(4,)])
    ]


@pytest.mark.parametrize("content", ["n\n1\n2\n3\n", "n\n9\n9\n"], ids=["grows", "is-rewritten"])
def test_of_a_file_that_changes_while_it_is_read_nothing_is_given_and_the_next_time_all(tmp_path, content):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    source = opened(tmp_path)
    assert source.schema() == {"n": "integer"}
    batches = source.batches(None)
    part = next(iter(source.parts(None)))
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(SourceError, match=r"`a.csv` changed while it was read") as raised:
        list(part.read())
    assert raised.value.retryable
    assert list(batches) != []
    assert [batch.frame["n"].to_list() for batch in read(opened(tmp_path))] == [[int(n) for n in content.split()[1:]]]


def test_a_file_under_another_name_is_another_file(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    after = read(opened(tmp_path))[-1].position
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    assert [batch.origin for batch in read(opened(tmp_path), after)] == ["b.csv"]


def test_names_that_differ_only_in_case_are_two_files(tmp_path):
    (tmp_path / "day.csv").write_text("n\n1\n")
    (tmp_path / "DAY.csv").write_text("n\n2\n")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this disk does not tell such names apart")
    assert [(batch.origin, batch.frame.rows()) for batch in read(opened(tmp_path))] == [
        ("DAY.csv", [(2,)]),
        ("day.csv", [(1,)]),
    ]


def test_a_wildcard_means_no_hidden_files(tmp_path):
    for name in ("a.csv", "._a.csv", ".hidden.csv"):
        (tmp_path / name).write_text("n\n1\n")
    assert [batch.origin for batch in read(opened(tmp_path))] == ["a.csv"]
    assert [batch.origin for batch in read(opened(tmp_path, ".h*.csv"))] == [".hidden.csv"]


def test_a_file_that_vanished_half_read_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n3\n")
    (tmp_path / "b.csv").write_text("n\n1\n")
    after = read(opened(tmp_path, batch_rows=2))[0].position
    (tmp_path / "a.csv").unlink()
    with pytest.raises(SourceError, match=r"`a.csv` was read up to record 2 and is gone"):
        read(opened(tmp_path), after)


def test_an_empty_file_that_gets_rows_later_is_read_then(tmp_path):
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.csv").write_text("n\n1\n")
    after = read(opened(tmp_path))[-1].position
    (tmp_path / "a.csv").write_text("n\n7\n")
    assert [batch.frame.rows() for batch in read(opened(tmp_path), after)] == [[(7,)]]


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path):
    (tmp_path / "customers.csv").write_text("n\n1\n")
    settings_ = SourceSettings(**{"from": "custmers.csv"})
    with pytest.raises(SourceError, match=r"Nothing is at `custmers.csv`. Did you mean `customers.csv`\?"):
        open_source("s", settings_, tmp_path).schema()


def test_a_folder_is_an_error_that_says_what_to_write(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(SourceError, match=r"is a folder(.|\n)*such as data/\*\.csv"):
        open_source("s", SourceSettings(**{"from": "data"}), tmp_path).schema()


def test_a_file_with_other_columns_brings_its_own_behind_those_it_shares(tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,ann\n")
    (tmp_path / "b.csv").write_text("nom,id\nbob,2\n")
    assert [batch.frame.to_dicts() for batch in read(opened(tmp_path))] == [
        [{"id": 1, "name": "ann"}],
        [{"id": 2, "nom": "bob"}],
    ]


def test_a_header_of_words_alone_is_known_by_the_names_it_shares(tmp_path):
    (tmp_path / "a.csv").write_text("city,name,plan\nulm,ann,pro\n")
    (tmp_path / "b.csv").write_text("name,plan,team\nbob,pro,red\n")
    source = opened(tmp_path, header=None)
    assert read(source)[1].frame.to_dicts() == [{"name": "bob", "plan": "pro", "team": "red"}]


def test_settings_for_a_column_that_is_not_there_are_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("tenure,name\n1,ann\n")
    with pytest.raises(SourceError, match=r"`columns` names `tenur`, (.|\n)*Did you mean `tenure`\?"):
        opened(tmp_path, columns={"tenur": {"type": "number"}}).schema()


def test_columns_follow_the_first_file_whatever_order_others_have(tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,ann\n")
    (tmp_path / "b.csv").write_text("name,id\nbob,2\n")
    assert [batch.frame.rows() for batch in read(opened(tmp_path))] == [[(1, "ann")], [(2, "bob")]]


def test_a_position_of_thousands_of_files_stays_small(tmp_path):
    for index in range(50):
        (tmp_path / f"part-{index:05}.csv").write_text(f"n\n{index}\n")
    position = read(opened(tmp_path, schema={"n": "integer"}, header=True))[-1].position
    assert len(json.dumps(position)) < 50 * 50 + 100


@settings(max_examples=8)
@given(
    lines=st.lists(st.sampled_from(["1,a", "2,b", "3", "4,c,d", 'x,"q\nr"', "", "5,"]), max_size=9),
    batch_rows=st.integers(1, 3),
)
def test_a_reading_killed_after_any_batch_ends_like_an_undisturbed_one(tmp_path_factory, lines, batch_rows):
    folder = tmp_path_factory.mktemp("killed")
    (folder / "a.csv").write_text("\n".join(["n,s", *lines]) + "\n")
    (folder / "b.csv").write_text("n,s\n8,z\n")
    schema = {"n": "integer", "s": "text"}
    whole = read(opened(folder, schema=schema, batch_rows=batch_rows))
    for count, batch in enumerate(whole, 1):
        position = json.loads(json.dumps(batch.position))
        assert_same(read(opened(folder, schema=schema, batch_rows=batch_rows), position), whole[count:])
    assert sum(batch.read for batch in whole) == 1 + sum(bool(line) for line in lines)
