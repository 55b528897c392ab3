import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources import open_source
from unit.sources.spreadsheet import write_workbook, write_xlsx


def read(path, **stated):
    source = open_source("s", SourceSettings(**{"from": path.name}, **stated), path.parent)
    schema, batches = source.schema(), list(source.batches(None))
    # An empty text is a missing value, which cleaning says; delimited files cannot tell the two apart.
    rows = [tuple(None if v == "" else v for v in row) for batch in batches for row in batch.frame.rows()]
    return schema, rows, [row for batch in batches for row in batch.refused.rows()]


ISO = [
    "all.json",
    "all.xml",
    *(f"derived/all{rest}" for rest in (".ndjson", ".parquet", ".avro", ".xlsx", "_elements.xml")),
    *(f"derived/all_{rest}" for rest in ("tab.tsv", "cp1252.csv", "utf8_bom_crlf.csv", "utf16le_bom.csv")),
]


@pytest.mark.parametrize("name", ISO)
def test_the_countries_are_the_same_in_every_format_and_encoding(shared, name):
    folder = shared / "formats" / "iso-3166"
    codes = ("country-code", "region-code", "sub-region-code", "intermediate-region-code")
    schema, rows, refused = read(folder / "all.csv")
    assert {schema[code] for code in codes} == {"text"}
    assert (len(rows), refused) == (249, [])
    found, same, refused = read(folder / name)
    assert [column.replace("_", "-") for column in found] == [column.replace("_", "-") for column in schema]
    assert (list(found.values()), same, refused) == (list(schema.values()), rows, [])


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_players_are_the_same_but_for_the_age_which_some_files_cut(shared, ending):
    folder = shared / "formats" / "mlb-players"
    _, rows, _ = read(folder / "mlb_players.csv")
    _, same, refused = read(folder / f"mlb_players.{ending}")
    assert (len(same), refused) == (1034, [])
    assert [row[:5] for row in same] == [row[:5] for row in rows]
    assert [row[5] for row in same] == [None if row[5] is None else int(row[5]) for row in rows]


def test_the_freshmen_are_the_same_in_a_spreadsheet(shared):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    folder = shared / "formats" / "freshman"
    assert read(folder / "freshman_kgs.xlsx") == read(folder / "freshman_kgs.csv")


def test_european_numbers_are_the_same_as_american_ones(shared):
    path = shared / "formats" / "housing-european" / "housing_first1000_semicolon_decimalcomma.csv"
    schema, rows, refused = read(path, decimal=",")
    american, first, _ = read(shared / "california-housing" / "housing.csv.gz")
    assert (schema, rows, refused) == (american, first[:1000], [])


def test_nested_xml_is_flattened_and_what_repeats_is_kept_as_json(tmp_path):
    (tmp_path / "a.xml").write_text(
        "<d><meta/><p id='1'><a><city>Rome</city></a><t>x</t><t>y</t></p><p id='2'><a><city>Oslo</city></a></p></d>"
    )
    assert read(tmp_path / "a.xml") == (
        {"id": "integer", "a.city": "text", "t": "text"},
        [(1, "Rome", '["x","y"]'), (2, "Oslo", None)],
        [],
    )
    assert read(tmp_path / "a.xml", record="a")[1] == [("Rome",), ("Oslo",)]


def test_an_entity_bomb_is_refused(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><d><r>&b;</r><r>&b;</r></d>')
    with pytest.raises(SourceError, match=r"`a.xml` is refused: it declares the entity `a`"):
        read(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xml", "<d>\n<r></d>", r"not well-formed XML: mismatched tag: line 2"),
        ("a.xml", "<d>" + "<r>" * 200 + "</r>" * 200 + "</d>", r"nested more than 100 deep"),
        ("a.json", '[{"a": 1},\n{"a": ]', r"not valid JSON from line 2 on"),
        ("a.json", '[{"a": 1}', r"the array is not closed"),
        ("a.avro", "nothing", r"`a.avro` cannot be read"),
        ("a.xlsx", "nothing", r"cannot be read as a spreadsheet"),
    ],
)
def test_a_broken_file_is_an_error_that_says_where(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=reason):
        read(tmp_path / name)


def test_the_list_inside_a_json_document_is_read_where_record_names_it(tmp_path):
    (tmp_path / "a.json").write_text('{"page": 1, "data": {"rows": [{"n": 1}, {"n": 2}]}}')
    assert read(tmp_path / "a.json", record="data.rows") == ({"n": "integer"}, [(1,), (2,)], [])
    with pytest.raises(SourceError, match=r"has no `data.items`(.|\n)*Allowed here: rows"):
        read(tmp_path / "a.json", record="data.items")


def test_a_sheet_is_chosen_by_name_and_its_header_may_stand_lower(tmp_path):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    cells = [["Title"], [], ["n", "s"], [1, "a"], [2, "b"]]
    rows = "".join(
        f'<row r="{r}">'
        + "".join(f'<c r="{"AB"[c]}{r}" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in enumerate(row))
        + "</row>"
        for r, row in enumerate(cells, 1)
    )
    write_xlsx(tmp_path / "a.xlsx", rows, sheet="prices")
    assert list(read(tmp_path / "a.xlsx", sheet="prices", skip=1)[0]) == ["n", "s"]
    with pytest.raises(SourceError, match=r"has no sheet `price`. Did you mean `prices`"):
        read(tmp_path / "a.xlsx", sheet="price")


def test_a_column_of_a_sheet_without_name_and_value_is_none(tmp_path):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    write_workbook(tmp_path / "a.xlsx", {"one": [[None, "n", None, None, 2024.0], [None, 1, None, "x", None]]})
    assert read(tmp_path / "a.xlsx")[:2] == ({"n": "integer", "column_2": "text", "2024": "text"}, [(1, "x", None)])
    assert list(read(tmp_path / "a.xlsx", header=False)[0]) == [f"column_{n}" for n in range(1, 6)]


@pytest.mark.parametrize(("cell", "reason"), [("BDWGN1", "1,000,000 columns"), ("XFD1048576", "1,048,576 rows")])
def test_a_spreadsheet_that_spans_too_much_is_refused(tmp_path, cell, reason):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    write_xlsx(tmp_path / "a.xlsx", f'<row r="1"><c r="A1"><v>1</v></c><c r="{cell}"><v>1</v></c></row>')
    with pytest.raises(SourceError, match=reason):
        read(tmp_path / "a.xlsx")
