import gzip
from datetime import date

from millrace.config.schema import SourceSettings
from millrace.sources import open_source
from millrace.testing.sources import read


def opened(path, schema=None, **stated):
    return open_source("s", SourceSettings(**{"from": path.name}, **stated), path.parent, schema)


def test_bad_lines_are_refused_with_their_number_and_the_others_kept(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"id": 1, "name": "ann"}\n\n{"id": 2, "name"\n[1, 2]\n{"id": 3, "name": null}\n')
    batches = read(opened(path))
    assert [batch.frame.rows() for batch in batches] == [[(1, "ann"), (3, None)], []]
    assert batches[1].refused.rows() == [
        (3, None, "not a JSON object", '{"id": 2, "name"'),
        (4, None, "not a JSON object", "[1, 2]"),
    ]


def test_nested_values_are_kept_as_json_and_absent_keys_are_missing(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a b": {"c": [1, 2]}, "d": true}\n{"e\\"f": 1.5, "d": false}\n'))
    source = opened(path)
    assert source.schema() == {"a b": "text", "d": "boolean", 'e"f': "number"}
    assert read(source)[0].frame.rows() == [('{"c":[1,2]}', True, None), (None, False, 1.5)]


def test_a_value_that_does_not_fit_the_schema_stands_beside_its_row(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 1}\nx\n{"n": "two"}\n')
    batch = read(opened(path, {"n": "integer"}))[0]
    assert batch.frame.rows() == [(1,), (None,)]
    assert batch.misfits.rows() == [(1, "n", "two")]
    assert batch.refused.is_empty()


def test_an_empty_file_gives_no_rows(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text("")
    assert read(opened(path)) == []


def test_the_same_records_as_csv_and_json_lines_are_equal(shared):
    folder = shared / "formats" / "iso-3166"
    lines = read(opened(folder / "derived" / "all.ndjson"))[0].frame
    table = read(opened(folder / "all.csv"))[0].frame
    assert lines.height == 249
    assert lines.to_dict(as_series=False) == table.fill_null("").to_dict(as_series=False)


def test_what_json_calls_a_text_stays_one_unless_it_is_a_date(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"zip": "10115", "n": 1, "day": "2024-01-31"}\n{"zip": null, "n": 2.5, "day": "2024-02-29"}\n')
    source = opened(path)
    assert source.schema() == {"zip": "text", "n": "number", "day": "date"}
    assert read(source)[0].frame.rows() == [("10115", 1.0, date(2024, 1, 31)), (None, 2.5, date(2024, 2, 29))]
