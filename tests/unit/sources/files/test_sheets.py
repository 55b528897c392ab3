from datetime import date, timedelta

import pytest
from ruamel.yaml import YAML

from millrace.config.schema import ProjectSettings
from millrace.errors import UsageError
from millrace.project import Project
from millrace.sources import open_source
from millrace.sources.proposing.project_file import propose
from millrace.sources.proposing.same_table import same_columns
from unit.sources.spreadsheet import write_workbook

pytest.importorskip("python_calamine", reason="needs the extra excel")

ORDERS = [
    ["order_no", "customer", "day", "amount", "returned"],
    *(
        [f"A-{i:03d}", i % 30 + 1, date(2024, 1, 1) + timedelta(i % 80), i + 0.5, "yes" if i % 7 == 0 else "no"]
        for i in range(100)
    ),
]
CUSTOMERS = [["id", "name", "churned"], *([i, f"Name {i}", i % 3 == 0] for i in range(1, 31))]
LETTERHEAD = [["Orders of 2024"], [], ["made by", "finance", "on", date(2024, 5, 1)], []]
README = [["About this workbook"], ["Contact", "Ann"], ["Phone", 7]]


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A workbook as people send them, in the working folder."""
    monkeypatch.chdir(tmp_path)
    sheets = {
        "Read me": README,
        "Customers": [[None, *row] for row in CUSTOMERS],
        "Orders 2024": [*LETTERHEAD, *ORDERS, [], ["Total", None, None, 5000.5], ["Source: SAP"]],
        "lists": ORDERS + ORDERS,
    }
    write_workbook("shop.xlsx", sheets, hidden=["lists"])
    return tmp_path


def project_of(text):
    return ProjectSettings.model_validate(YAML(typ="safe").load(text))


def rows_of(text, folder):
    (named,) = project_of(text).sources.items()
    source = open_source(*named, folder)
    return list(source.schema()), sum(batch.frame.height for batch in source.batches(None))


def test_the_largest_visible_table_is_proposed_with_its_sheet_and_the_row_of_its_header(book):
    text = propose("shop.xlsx")
    assert '    sheet: "Orders 2024"  # 100 rows of 5 columns, the largest table of this workbook\n' in text
    assert (
        "    # other sheets: Customers, 30 rows of 3 columns; "
        '"Read me", 1 row of 2 columns; lists, 201 rows of 5 columns, hidden\n'
    ) in text
    assert '    skip: 4  # the header stands in row 5; above it: "Orders of 2024", "made by", finance, …\n' in text
    assert rows_of(text, book) == (ORDERS[0], 102)


def test_the_proposal_works_unedited_and_what_stands_below_the_table_goes_to_quarantine(book):
    Project.init("shop.xlsx", "returned")
    assert "    required: [customer]  # 2 rows have next to no values, to quarantine: Total" in (
        book / "millrace.yaml"
    ).read_text(encoding="utf-8")
    (receipt,) = Project.load("millrace.yaml").ingest()
    assert (receipt.read, receipt.kept, receipt.quarantined) == (102, 100, 2)


def test_a_sheet_that_alone_has_the_predicted_column_is_chosen(book):
    text = propose("shop.xlsx", "churned")
    assert "    sheet: Customers  # 30 rows of 3 columns\n" in text
    assert rows_of(text, book) == (CUSTOMERS[0], 30)


def test_several_sheets_are_a_source_each_with_the_references_between_them(book):
    project = project_of(propose("shop.xlsx", "returned", table=["Customers", "Orders 2024"]))
    assert {name: source.sheet for name, source in project.sources.items()} == {
        "customers": "Customers",
        "orders_2024": "Orders 2024",
    }
    assert project.sources["orders_2024"].references == {"customer": "customers.id"}


def test_a_column_that_no_sheet_has_cannot_be_predicted(book):
    with pytest.raises(UsageError, match="There is no column `churn` to predict"):
        propose("shop.xlsx", "churn")


def test_a_plain_table_says_nothing_of_sheets(tmp_path):
    write_workbook(tmp_path / "plain.xlsx", {"one": ORDERS, "two": [[]]})
    text = propose(str(tmp_path / "plain.xlsx"), None, tmp_path)
    assert "sheet" not in text
    assert "skip" not in text


def test_a_table_behind_an_empty_sheet_is_found(tmp_path):
    write_workbook(tmp_path / "second.xlsx", {"one": [[]], "two": ORDERS})
    text = propose(str(tmp_path / "second.xlsx"), None, tmp_path)
    assert "    sheet: two  # 100 rows of 5 columns\n" in text
    assert rows_of(text, tmp_path) == (ORDERS[0], 100)


def test_a_header_of_two_rows_is_written_out_as_names(tmp_path):
    rows = [[f"c{i}", i * 1.5, i * 2.5, i] for i in range(1, 20)]
    sheet = [["Sales"], [], [None, "2013", "2014"], ["country", "sales", "sales", "rank"], *rows]
    write_workbook(tmp_path / "two.xlsx", {"one": sheet})
    text = propose(str(tmp_path / "two.xlsx"), None, tmp_path)
    assert "    skip: 4  # the header stands in several rows, down to row 4; above it: Sales\n" in text
    assert rows_of(text, tmp_path) == (["country", "2013 sales", "2014 sales", "rank"], 19)


def test_files_of_a_glob_may_call_their_first_sheet_otherwise(tmp_path):
    for month in ("May", "June"):
        write_workbook(tmp_path / f"{month}.xlsx", {month: [["Report"], [], *ORDERS], "Notes": README})
    text = propose(str(tmp_path / "*.xlsx"), None, tmp_path)
    assert "    # the first sheet has 100 rows of 5 columns, the largest table of this workbook\n" in text
    assert rows_of(text, tmp_path) == (ORDERS[0], 200)
    write_workbook(tmp_path / "other.xlsx", {"one": [["Report"], [], *CUSTOMERS]})
    paths = [str(tmp_path / f"{name}.xlsx") for name in ("May", "June", "other")]
    assert same_columns(paths[:2])
    assert not same_columns(paths)


@pytest.mark.parametrize(
    ("rows", "skip", "names"),
    [
        ([["Report"], ["Ann", "Bob"], ["Eve", "Dan"]], 1, ["Ann", "Bob"]),
        ([["a title"], ["for", "Ann"], [], ["w", "x", "y", "z"], [1, 2, 3, 4], [5, 6, 7, 8]], 3, ["w", "x", "y", "z"]),
        ([["country", None, "2020"], [], ["Chad", 5, 7], ["Mali", 6, 8]], 0, ["country", "column_2", "2020"]),
        ([["country", 2019, 2020], ["Chad", 5, 7], ["Mali", 6, 8]], 0, ["country", "2019", "2020"]),
        ([["only"], ["one"], ["column"]], 0, ["only"]),
    ],
    ids=["title-over-texts", "letterhead", "header-apart", "years-as-names", "list"],
)
def test_the_header_is_the_first_row_that_is_like_those_of_the_table(tmp_path, rows, skip, names):
    write_workbook(tmp_path / "a.xlsx", {"one": rows})
    text = propose(str(tmp_path / "a.xlsx"), None, tmp_path)
    (source,) = project_of(text).sources.values()
    assert source.skip == skip
    assert list(source.columns) == names
    assert rows_of(text, tmp_path)[0] == names
