"""Batch prediction by a project: from files and tables, into files and tables, in this process and on Ray."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from emulators import Emulator
from millrace.engine.on_ray import OnRay
from millrace.errors import DataError, SourceError, UsageError
from millrace.ingest import asked_tables
from millrace.project import Project
from millrace.records.progress import Step
from tiny_package import publish_tiny

PROJECT = """\
version: 1
project: churn
sources:
  customers:
    from: customers.csv
    key: id
    clean: [{map: {plan: {values: {g: gold, b: basic}}}}]
model: {predict: churn}
"""
#: No from 2·[plan = gold] + calls < age/10 on.
ROWS = "id,plan,age,calls,churn\n1,g,30,3,Yes\n2,b,40,3,No\n3,g,50,2,No\n"
LABELS = ["Yes", "No", "No"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    (tmp_path / "customers.csv").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    project = Project.load(tmp_path / "millrace.yaml")
    publish_tiny(project.store)
    return project


def read(at: str) -> pl.DataFrame:
    return pl.read_delta(at).sort("id")


def many(at: Path, rows: int) -> pl.DataFrame:
    """Three files of a Delta table, with values that are not in order."""
    frame = pl.DataFrame({"id": range(rows)}).with_columns(
        plan=pl.Series(["g", "b"] * (rows // 2)), age=pl.col("id") * 7 % 60 + 20.0, calls=pl.col("id") * 3 % 11
    )
    for part in range(3):
        write_deltalake(at, frame.filter(pl.col("id") % 3 == part), mode="append")
    return frame


def test_a_table_of_the_project_is_answered_into_a_table_once(project: Project) -> None:
    project.ingest()
    steps: list[Step] = []
    done = project.predict("customers", "scores", version=1, watch=steps.append)
    assert (done.rows, done.table_version, done.already, done.aside) == (3, 1, False, None)
    assert (steps[-1].stage, steps[-1].done, steps[-1].total) == ("predict", 3, 3)
    found = read("scores")
    assert found.columns == ["id", "plan", "age", "calls", "churn", "label", "p_No", "p_Yes"]
    assert (found["plan"].to_list(), found["label"].to_list()) == (["gold", "basic", "gold"], LABELS)
    assert found["p_Yes"][0] == pytest.approx(0.880797)
    again = project.predict("customers", "scores", version=1)
    assert (again.rows, again.already, DeltaTable("scores").version()) == (0, True, 1)


def test_rows_that_came_since_are_other_rows(project: Project) -> None:
    project.ingest()
    project.predict("customers", "scores", version=1)
    (project.path.parent / "customers.csv").rename("customers-old.csv")
    (project.path.parent / "millrace.yaml").write_text(PROJECT.replace("customers.csv", "customers-*.csv"))
    with pytest.raises(UsageError, match="has other answers"):
        project.predict("customers-old.csv", "scores", version=1)
    assert project.predict("customers-old.csv", "scores", version=1, existing="replace").rows == 3
    assert project.predict("customers-old.csv", "scores", version=1, existing="replace").already
    Path("customers-old.csv").write_text(ROWS.replace("\n3,", "\n4,"))
    assert project.predict("customers-old.csv", "scores", version=1, existing="append").rows == 3
    assert read("scores")["id"].to_list() == [1, 1, 2, 2, 3, 4]


def test_rows_of_another_table_are_cleaned_as_in_training(project: Project) -> None:
    rows = pl.DataFrame(
        {
            "id": pl.Series([1, 2, 3, 4], dtype=pl.Int16),
            "plan": pl.Series(["g", "b", "g", "platinum"], dtype=pl.String),
            "age": [Decimal("30.0"), Decimal("40.0"), Decimal("50.0"), Decimal("60.0")],
            "calls": pl.Series([3, 3, 2, 1], dtype=pl.Int32),
            "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 4,
        }
    )
    write_deltalake("lake", rows)
    done = project.predict("lake", "scores", version=1)
    found = read("scores")
    assert (found["id"].to_list(), found["label"].to_list()) == ([1, 2, 3], LABELS)
    assert dict(found.schema)["at"] == pl.Datetime("us")
    assert done.refused == 1
    aside = pl.read_csv(str(done.aside))
    assert (aside["_row"].to_list(), aside["_rules"].to_list()) == ([4], ["map"])


def test_a_table_is_answered_into_a_file_in_the_order_of_its_files(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_tables, "fitting", lambda *_: 7)
    many(Path("lake"), 30)
    project.predict("lake", "answers.csv", version=1)
    listed = pl.read_delta("lake")["id"].to_list()
    assert sorted(listed) != listed
    assert pl.read_csv("answers.csv")["id"].to_list() == listed


def test_on_ray_the_same_rows_come_in_the_same_order(
    project: Project, ray_here: OnRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ray_here.several
    monkeypatch.setattr(asked_tables, "fitting", lambda *_: 7)
    many(Path("lake"), 30)
    project.predict("lake", "here", version=1)
    project.__dict__["_engine"] = ray_here
    project.predict("lake", "there", version=1)
    assert pl.read_delta("there").equals(pl.read_delta("here"))


def test_from_bucket_to_bucket(project: Project, s3: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"lake-{secrets.token_hex(6)}"
    s3.make(bucket)
    rows = pl.read_csv(ROWS.encode()).with_columns(plan=pl.Series(["g", "b", "platinum"]))
    write_deltalake(f"s3://{bucket}/raw/customers", rows)
    done = [project.predict(f"s3://{bucket}/raw/customers", f"s3://{bucket}/scores", version=1) for _ in range(2)]
    assert [one.already for one in done] == [False, True]
    assert read(f"s3://{bucket}/scores")["label"].to_list() == LABELS[:2]
    assert pl.read_csv(str(done[0].aside))["_row"].to_list() == [3]


@pytest.mark.parametrize(
    ("asked", "error", "seen"),
    [
        ("customres", UsageError, r"neither a file nor a table\. Did you mean `customers`"),
        ("customers", DataError, r"Nothing was ingested yet from customers\.[\s\S]*millrace ingest customers"),
        ("empty", UsageError, r"is a folder, and no Delta table[\s\S]*empty/\*\.csv"),
        ("tables/none", UsageError, "neither a file nor a table"),
        ("nothing.csv", SourceError, "Nothing is at `nothing.csv`"),
    ],
)
def test_rows_that_are_not_there_are_told(project: Project, asked: str, error: type[Exception], seen: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(error, match=seen):
        project.predict(asked, "scores", version=1)
    assert not Path("scores").exists()


def test_a_table_without_a_column_of_the_model_leaves_nothing_behind(project: Project) -> None:
    write_deltalake("lake", pl.read_csv(ROWS.encode()).rename({"calls": "call"}))
    with pytest.raises(DataError, match=r"no column `calls`[\s\S]*Did you mean `call`"):
        project.predict("lake", "scores", version=1)
    assert not Path("scores").exists()


def test_a_file_need_not_have_the_columns_that_the_project_file_types_but_those_of_the_model(project: Project) -> None:
    typed = "columns: {churn: {type: text}, calls: {type: integer}, id: {type: text}}"
    Path("millrace.yaml").write_text(PROJECT.replace("    key: id\n", f"    key: id\n    {typed}\n"))
    stated = Project.load("millrace.yaml")
    asked = pl.read_csv(ROWS.encode()).drop("churn").with_columns(id=pl.Series(["007", "008", "009"]))
    asked.write_csv("new.csv")
    assert stated.predict("new.csv", "answers.csv", version=1).rows == 3
    assert pl.read_csv("answers.csv", infer_schema=False)["id"].to_list() == ["007", "008", "009"]
    asked.drop("calls").write_csv("narrow.csv")
    with pytest.raises(DataError, match="The rows have no column `calls`, which the model takes"):
        stated.predict("narrow.csv", "none.csv", version=1)
    assert not Path("none.csv").exists()


def test_another_engine_is_refused_with_those_that_there_are(project: Project) -> None:
    with pytest.raises(UsageError, match=r"`rya` is no engine\. Did you mean `ray`"):
        project.predict("customers.csv", "answers.csv", version=1, engine="rya")
