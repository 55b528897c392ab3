import csv
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from millrace.config.schema import ProjectSettings, SourceSettings
from millrace.errors import SourceError, UsageError
from millrace.sources import open_source
from millrace.sources.proposing.project_file import propose


def loaded(text):
    return ProjectSettings.model_validate(YAML(typ="safe").load(text))


def only(project):
    ((name, source),) = project.sources.items()
    return name, source


def rows(*lines):
    return "\n".join(lines) + "\n"


def proposed(folder, content, predict=None, name="data.csv"):
    (folder / name).write_text(content)
    return propose(str(folder / name), predict, folder)


def many(*columns, count=40):
    """A CSV whose columns are functions of the row's number."""
    lines = [",".join(name for name, _ in columns)]
    lines += [",".join(str(value(index)) for _, value in columns) for index in range(count)]
    return rows(*lines)


@pytest.mark.parametrize(
    ("path", "predict", "target", "key", "names"),
    [
        ("telco-churn/Telco-Customer-Churn.csv", "Churn", "Churn", "customerID", 0),
        ("california-housing/housing.csv.gz", "median_house_value", "median_house_value", None, 0),
        ("wine-quality/winequality-white.csv", "last", "column_12", None, 12),
        ("wine-quality/winequality-red.csv", "column_12", "column_12", None, 12),
        ("adult/adult-train.csv.gz", None, "column_15", None, 15),
        ("german-credit/german.csv", None, "column_21", None, 21),
        ("formats/iso-3166/derived/all.ndjson", "region", "region", "country-code", 0),
        ("formats/mlb-players/mlb_players.parquet", "Position", "Position", None, 0),
        ("formats/iso-3166/all.json", "region", "region", "country-code", 0),
        ("formats/iso-3166/all.xml", "region", "region", "country-code", 0),
        ("formats/iso-3166/derived/all.xlsx", "region", "region", "country-code", 0),
        ("formats/iso-3166/derived/all.avro", "region", "region", "country_code", 0),
    ],
)
def test_real_data_gets_a_project_file_that_loads_and_reads_every_row(
    shared, tmp_path, path, predict, target, key, names
):
    project = loaded(propose(str(shared / path), predict, tmp_path))
    name, source = only(project)
    assert (project.model.predict, source.key, len(source.names)) == (target, key, names)
    opened = open_source(name, source, tmp_path)
    assert sum(batch.refused.height for batch in opened.batches(None)) == 0
    assert target in opened.schema()


def test_blanks_among_numbers_are_proposed_as_missing_with_the_evidence(shared, tmp_path):
    text = propose(str(shared / "telco-churn" / "Telco-Customer-Churn.csv"), "Churn", tmp_path)
    assert '      TotalCharges: {type: number, missing: [" "]}  # 11 of 7,043 rows are blank; 18.8 to 8,684.8' in text
    assert "      tenure_not_negative: tenure >= 0  # 0 to 72 were found" in text
    assert "      contract_known: Contract in ('Month-to-month', 'Two year', 'One year')" in text
    assert '  predict: Churn  # 2 different values: "No" 5,174, "Yes" 1,869' in text


def test_padded_texts_with_question_marks_are_trimmed_and_marked(shared, tmp_path):
    _, source = only(loaded(propose(str(shared / "adult" / "adult-train.csv.gz"), None, tmp_path)))
    assert source.clean == ({"trim": "all"},)
    assert source.header is False
    assert {name: column.missing for name, column in source.columns.items() if column.missing} == {
        "column_2": ("?",),
        "column_7": ("?",),
        "column_14": ("?",),
    }
    assert source.columns["column_1"].type == "integer"


def test_a_country_code_na_is_not_a_missing_value(shared, tmp_path):
    _, source = only(loaded(propose(str(shared / "formats" / "iso-3166" / "all.csv"), "region", tmp_path)))
    assert source.columns["alpha-2"].missing == ()
    assert source.columns["country-code"].type == "text"


def test_na_among_numbers_is_a_missing_value(tmp_path):
    text = proposed(tmp_path, many(("num", lambda i: "NA" if i == 3 else i), ("y", lambda i: "ab"[i % 2])))
    assert "num: {type: integer, missing: [NA]}  # 1 of 40 rows are NA; 0 to 39" in text


def test_a_key_with_repeated_rows_proposes_to_drop_them(tmp_path):
    content = many(("order_id", lambda i: f"o{i // 2}"), ("y", lambda i: i // 2 % 3))
    _, source = only(loaded(proposed(tmp_path, content, "y")))
    assert source.key == "order_id"
    assert source.clean == ({"drop_duplicates": "order_id"},)


def test_an_identifier_that_is_no_key_is_kept_from_the_model(tmp_path):
    content = many(("a_id", lambda i: f"a{i}"), ("b_id", lambda i: f"b{i}"), ("y", lambda i: "ab"[i % 2]))
    project = loaded(proposed(tmp_path, content, "y"))
    assert only(project)[1].key == "a_id"
    assert project.model.drop == ("b_id",)


def test_dates_in_a_format_that_only_one_reading_fits_are_typed(tmp_path):
    content = many(
        ("eu", lambda i: f"{i % 28 + 1:02}.12.2024"),
        ("unclear", lambda i: f"{i % 12 + 1:02}/{i % 12 + 1:02}/2024"),
        ("iso", lambda i: f"2024-01-{i % 28 + 1:02}"),
        ("y", lambda i: i % 2),
    )
    columns = only(loaded(proposed(tmp_path, content, "y")))[1].columns
    assert (columns["eu"].type, columns["eu"].format) == ("date", "%d.%m.%Y")
    assert columns["unclear"].type == "text"
    assert columns["iso"].type == "date"


@pytest.mark.parametrize(
    ("header", "target", "reason"),
    [("a,Churn,b", "Churn", "targets often have this name"), ("a,b,c", "c", "it is the last column")],
)
def test_without_a_wish_the_likeliest_target_is_proposed_and_says_why(tmp_path, header, target, reason):
    text = proposed(tmp_path, rows(header, "1,2,3", "4,5,6"))
    assert loaded(text).model.predict == target
    assert f"chosen because {reason}" in text


def test_a_wrong_target_is_an_error_with_the_nearest_and_all_columns(tmp_path):
    with pytest.raises(UsageError, match=r"no column `chrn`.*`Churn`\?\n  Allowed here: id, Churn, last"):
        proposed(tmp_path, rows("id,Churn", "1,a", "2,b"), "chrn")


def test_data_without_rows_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="has no rows to look at"):
        proposed(tmp_path, "a,b\n")


def test_unreadable_lines_are_announced(tmp_path):
    assert "# 1 lines cannot be read and will go to quarantine" in proposed(tmp_path, rows("a,b", "1,2", "3", "4,5"))


def test_the_path_is_relative_to_the_project_file(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(rows("a,b", "1,2", "3,4"))
    monkeypatch.chdir(tmp_path)
    assert only(loaded(propose("data/*.csv")))[1].from_ == "data/*.csv"
    assert only(loaded(propose("data/*.csv", folder=tmp_path / "project")))[1].from_ == "../data/*.csv"
    assert only(loaded(propose(os.fspath(tmp_path / "data" / "a.csv"))))[1].from_ == "data/a.csv"


ODD = st.text(st.sampled_from("abé漢 :#'\"{}[],&*!|>%@`-?\\yesno0123😀"), min_size=1, max_size=8).map(str.strip)


@settings(max_examples=8)
@given(names=st.lists(ODD.filter(lambda name: name not in {"", "*"}), min_size=2, max_size=4, unique=True))
def test_whatever_the_columns_are_called_the_file_loads(tmp_path_factory, names):
    folder: Path = tmp_path_factory.mktemp("odd")
    with (folder / "a.csv").open("w", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerow(names)
        writer.writerows([[f"x'{row % 3}: #"] + [row] * (len(names) - 1) for row in range(30)])
    schema = open_source("s", SourceSettings(**{"from": "a.csv"}), folder).schema()
    project = loaded(propose(str(folder / "a.csv"), "last", folder))
    assert list(only(project)[1].columns) == list(schema)
    assert project.model.predict == list(schema)[-1]


def test_a_number_in_words_among_hundreds_goes_to_quarantine_instead_of_making_the_column_text(tmp_path):
    rows = [f"{i},{i / 7:.3f}" for i in range(300)]
    rows[120] = "120,twelve"
    (tmp_path / "a.csv").write_text("\n".join(["n,radius", *rows]) + "\n")
    text = propose(str(tmp_path / "a.csv"), "n", folder=tmp_path)
    assert 'radius: {type: number}  # 1 of 300 rows are no number, such as "twelve": to quarantine; 0 to 42.714' in text


def test_codes_among_numbers_stay_text(tmp_path):
    rows = [f"{i},{i:03d}" for i in range(300)]
    rows[120] = "120,x"
    (tmp_path / "a.csv").write_text("\n".join(["n,code", *rows]) + "\n")
    assert "code: {type: text}" in propose(str(tmp_path / "a.csv"), "n", folder=tmp_path)


def test_a_column_name_that_reads_as_a_pattern_is_refused_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("^a$,kind\n1,x\n2,y\n")
    with pytest.raises(SourceError, match=r"`\^a\$` reads as a pattern"):
        propose(str(tmp_path / "a.csv"), "kind", folder=tmp_path)


def test_every_proposed_check_stands_with_what_was_found(tmp_path):
    content = many(
        ("plate", lambda i: f"HH-{i:04}"),
        ("lat", lambda i: i % 90 - 44.5),
        ("moment", lambda i: f"2024-01-{i % 28 + 1:02}T10:00:00"),
        ("y", lambda i: "ab"[i % 2]),
        count=120,
    )
    text = proposed(tmp_path, content, "y")
    assert "regexp_like(plate, '^[A-Z]{2}-[0-9]{4}$')\"  # so are all of 120, 120 of them different" in text
    assert "lat_in_bounds: lat between -90 and 90  # -44.5 to 44.5 were found" in text
    assert "moment_there: moment is not null  # there in 120 of 120 rows" in text


def test_a_key_is_told_with_how_many_are_distinct(tmp_path):
    text = proposed(tmp_path, many(("order_id", lambda i: f"o{i}"), ("y", lambda i: i % 3)), "y")
    assert "    key: order_id  # 40 of 40 distinct, none missing" in text
