"""Several files or tables make a project of several sources: keys, references, and a query that joins them."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from millrace.cli.edge import run
from millrace.config.schema import ProjectSettings
from millrace.errors import UsageError
from millrace.project import Project
from millrace.sources.proposing.project_file import propose
from millrace.sources.proposing.relations import Known, relations
from millrace.sources.proposing.survey import survey

CUSTOMERS = ["id,city,plan", *(f"{i},{['Rome', 'Oslo', 'Bonn'][i % 3]},{'ab'[i % 2]}" for i in range(1, 41))]
ORDERS = ["order_no,customer_id,amount,returned"]
ORDERS += [f"N-{i:04},{i % 40 + 1},{i * 7 % 90}.5,{'yes' if i * 7 % 90 > 40 else 'no'}" for i in range(200)]
TICKETS = ["order_no,line,text", *(f"N-{i % 150:04},{i // 150},word {i}" for i in range(300))]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name, lines in (("customers", CUSTOMERS), ("orders", ORDERS), ("tickets", TICKETS)):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text):
    return ProjectSettings.model_validate(YAML(typ="safe").load(text))


def test_files_given_together_become_sources_with_references_and_a_query(shop):
    text = propose(["customers.csv", "orders.csv", "tickets.csv"], "returned")
    project = loaded(text)
    assert list(project.sources) == ["customers", "orders", "tickets"]
    assert project.sources["orders"].references == {"customer_id": "customers.id"}
    assert project.sources["tickets"].references == {"order_no": "orders.order_no"}
    assert "      customer_id: customers.id  # 40 different values, all are there" in text
    assert (
        "# Proposed by `millrace init` from 40 rows of customers, 200 rows of orders and 300 rows of tickets." in text
    )
    assert project.dataset["sql"].splitlines() == [
        "select orders.*, customers.city, customers.plan, coalesce(tickets_counted.n, 0) as number_of_tickets",
        "from orders",
        "left join customers on orders.customer_id = customers.id",
        "left join (select order_no, count(*) as n from tickets group by order_no) tickets_counted"
        " on orders.order_no = tickets_counted.order_no",
    ]


def test_the_proposed_project_ingests_and_answers_its_query(shop):
    project = Project.load(Project.init(["orders.csv", "customers.csv", "tickets.csv"], "returned").path)
    assert {one.source: (one.read, one.kept) for one in project.ingest()} == {
        "customers": (40, 40),
        "orders": (200, 200),
        "tickets": (300, 300),
    }
    found = project.dataset()
    assert found.height == 200
    assert (found["number_of_tickets"].sum(), found["city"].null_count()) == (300, 0)
    (shop / "orders-2.csv").write_text("order_no,customer_id,amount,returned\nN-9999,77,1.5,no\n")
    text = (shop / "millrace.yaml").read_text().replace("from: orders.csv", "from: orders*.csv")
    (shop / "millrace.yaml").write_text(text)
    (orders,) = [one for one in Project.load("millrace.yaml").ingest() if one.source == "orders"]
    assert orders.reasons == {"references": 1}


def test_two_tables_of_a_database(shop):
    with closing(sqlite3.connect("shop.db")) as connection:
        for name in ("customers", "orders"):
            frame = pl.read_csv(f"{name}.csv")
            connection.execute(f"create table {name} ({', '.join(frame.columns)}, primary key ({frame.columns[0]}))")
            connection.executemany(f"insert into {name} values ({', '.join('?' * frame.width)})", frame.rows())
        connection.commit()
    project = loaded(propose("sqlite:///shop.db", "returned", table=["customers", "orders"]))
    assert {name: (source.table, source.key) for name, source in project.sources.items()} == {
        "customers": ("customers", "id"),
        "orders": ("orders", "order_no"),
    }
    assert project.sources["orders"].references == {"customer_id": "customers.id"}


def test_the_command_takes_files_and_tells_parts_of_one_table_from_tables(shop, capsys):
    assert run(["init", "customers.csv", "orders.csv", "tickets.csv", "--predict", "returned", "--json"]) == 0
    assert list(loaded(json.loads(capsys.readouterr().out)["text"]).sources) == ["customers", "orders", "tickets"]
    (shop / "parts").mkdir()
    for part in ("a", "b"):
        (shop / "parts" / f"{part}.csv").write_text("\n".join(ORDERS) + "\n")
    assert run(["init", "parts/a.csv", "parts/b.csv", "--folder", "of-parts", "--json"]) == 0
    (source,) = loaded(json.loads(capsys.readouterr().out)["text"]).sources.values()
    assert source.from_ == "../parts/*.csv"


def test_what_cannot_be_asked_together_is_told(shop):
    with pytest.raises(UsageError, match="several data were given"):
        propose(["customers.csv", "orders.csv"], table="t")
    with pytest.raises(UsageError, match=r"no column `retuned`.*Did you mean `returned`"):
        propose(["customers.csv", "orders.csv"], "retuned")


def known(name, frame, key):
    kinds = {pl.Int64(): "integer", pl.String(): "text"}
    found = survey(frame, {column: kinds[dtype] for column, dtype in frame.schema.items()}, 0, True)
    return Known(name, frame, found, next((one for one in found.columns if one.name == key), None))


def found(*sources):
    return [(one.of, one.column, one.to) for one in relations(sources)]


def test_numbers_that_happen_to_be_in_a_key_are_no_reference():
    shops = known("shops", pl.DataFrame({"id": [1, 2, 3]}), "id")
    assert found(known("sales", pl.DataFrame({"id": [1, 2], "rooms": [3, 1]}), "id"), shops) == []


def test_text_codes_that_are_all_in_a_key_are_a_reference_whatever_the_column_is_called():
    countries = known("countries", pl.DataFrame({"code": ["DE", "FR", "NO"]}), "code")
    assert found(known("sales", pl.DataFrame({"land": ["NO", "DE", "NO", None]}), None), countries) == [
        ("sales", "land", "countries")
    ]
    assert found(known("sales", pl.DataFrame({"land": ["NO", "XX"]}), None), countries) == []


def test_a_few_rows_that_refer_to_nothing_are_told():
    shops = known("shops", pl.DataFrame({"id": range(1, 11)}), "id")
    sales = known("sales", pl.DataFrame({"shop_id": [1, 2, 3] * 100 + [77]}), None)
    (one,) = relations([sales, shops])
    assert one.evidence == "4 different values, 1 of 301 rows have one that is not there: to quarantine"
    assert found(known("sales", pl.DataFrame({"shop_id": [1, 77]}), None), shops) == []


def test_references_never_close_a_circle():
    one = known("ones", pl.DataFrame({"id": [1, 2], "two_id": [1, 2]}), "id")
    two = known("twos", pl.DataFrame({"id": [1, 2], "one_id": [2, 1]}), "id")
    assert found(one, two) == [("ones", "two_id", "twos")]


def test_a_column_that_is_different_in_every_row_is_proposed_as_unique(tmp_path):
    lines = [f"{i},HH-{i:04},{i % 3}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["id,plate,y", *lines]) + "\n")
    text = propose(str(tmp_path / "a.csv"), "y", tmp_path)
    assert "    unique: plate  # 60 of 60 rows have another value" in text
    assert loaded(text).sources["a"].uniques == (("plate",),)


def test_two_columns_that_identify_rows_together_are_proposed_as_unique(tmp_path):
    lines = [f"{i // 4},{i % 4},{i % 3}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["order_id,line_no,y", *lines]) + "\n")
    text = propose(str(tmp_path / "a.csv"), "y", tmp_path)
    assert "    unique: [order_id, line_no]  # together different in all of 60 rows" in text
    assert loaded(text).sources["a"].uniques == (("order_id", "line_no"),)


def test_own_code_is_looked_at_like_any_source(tmp_path, monkeypatch):
    code = "def fetch():\n    for n in range(40):\n        yield {'order_id': n, 'amount': n * 1.5, 'late': n % 2}\n"
    (tmp_path / "plant_of_ours.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    text = Project.init("plant_of_ours:fetch", "late").path
    (source,) = loaded(Path(text).read_text()).sources.values()
    assert (source.use, source.key) == ("plant_of_ours:fetch", "order_id")
    assert "amount: {type: number}  # 0 to 58.5" in Path(text).read_text()
    assert [one.kept for one in Project.load(text).ingest()] == [40]


def test_a_glob_whose_files_have_columns_of_their_own_is_looked_at(tmp_path):
    (tmp_path / "a.csv").write_text("n,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("n,more,y\n5,x,6\n")
    text = propose(str(tmp_path / "*.csv"), "y", tmp_path)
    assert "from 3 rows." in text
    (source,) = loaded(text).sources.values()
    assert source.columns.keys() == {"n", "y"}
