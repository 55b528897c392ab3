import json
import sys
from pathlib import Path

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.ingest.stage import ingest
from millrace.sources import open_source
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

CODE = """
import datetime
import polars as pl
from arro3.core import Table

ROWS = [{"id": n, "name": f"n{n}", "at": f"2026-01-0{n}"} for n in range(1, 8)]

def dicts():
    yield from ROWS

def whole():
    return pl.DataFrame(ROWS)

def lists():
    return [ROWS[:3], ROWS[3:]]

def arrow():
    yield Table.from_arrow(pl.DataFrame(ROWS[:4]))
    yield Table.from_arrow(pl.DataFrame(ROWS[4:]))

def lazy():
    yield pl.LazyFrame(ROWS[:4])
    yield pl.DataFrame(ROWS[4:])

def placed(position=None):
    start = position["at"] if position else 0
    for at in range(start, len(ROWS), 2):
        yield pl.DataFrame(ROWS[at:at + 2]), {"at": at + 2}

def odd():
    yield {"id": 1, "name": "a", "at": "2026-01-01"}
    yield [{"id": n, "name": "a", "at": "2026-01-01"} for n in (2, "x", 3)]
    yield {"id": 4, "name": "b", "at": "2026-01-01"}

def broken(position=None, secret=""):
    start = position or 0
    for at in range(start, 2):
        yield [ROWS[at]], at + 1
    raise RuntimeError(f"no luck with {secret}")

def nothing():
    return []

def number():
    return 5

def shrinking():
    yield from ROWS[3:]

constant = ROWS
"""
YIELDING = ("dicts", "whole", "lists", "arrow", "lazy", "placed", "constant")


@pytest.fixture(autouse=True)
def _code(project):
    (project / "shop" / "rows.py").write_text(CODE)


def settings(name, **said):
    return SourceSettings.model_validate({"use": f"shop.rows:{name}", "chunk": 2, **said})


def source(project, name, **said):
    return open_source("rows", settings(name, **said), project)


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"]]


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("name", ["dicts", "lists", "arrow", "lazy", "placed", "odd"])
class TestOwn(SourceContract):
    @pytest.fixture(autouse=True)
    def _project(self, project, name, key):
        self.project, self.name, self.key = project, name, key

    def open(self):
        return source(self.project, self.name, key=self.key, columns={"id": {"type": "integer"}})


@pytest.mark.parametrize("name", YIELDING)
def test_whatever_holds_rows_is_read(project, name):
    opened = source(project, name)
    assert opened.schema() == {"id": "integer", "name": "text", "at": "date"}
    assert ids(read(opened)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_value_that_does_not_fit_is_told_beside_its_row(project):
    batches = read(source(project, "odd", columns={"id": {"type": "integer"}}))
    assert [batch.misfits.rows() for batch in batches if batch.misfits is not None] == [[(2, "id", "x")]]
    assert ids(batches) == [1, 2, None, 3, 4]


def test_a_function_that_takes_a_position_continues_there(project):
    position = read(source(project, "placed"))[0].position
    assert position["state"] == {"at": 2}
    assert ids(read(source(project, "placed"), json.loads(json.dumps(position)))) == [3, 4, 5, 6, 7]


def test_new_rows_behind_the_known_ones_are_read(project):
    last = read(source(project, "dicts"))[-1].position
    path = project / "shop" / "rows.py"
    path.write_text(CODE.replace("range(1, 8)", "range(1, 10)"))
    del sys.modules["shop.rows"]
    assert ids(read(source(project, "dicts"), last)) == [8, 9]


def test_rows_in_another_order_are_refused_without_a_key_and_recognised_with_one(project):
    for key, last in ((key, read(source(project, "dicts", key=key))[1].position) for key in (None, "id")):
        opened = source(project, "shrinking", key=key)
        if key:
            assert ids(read(opened, last)) == [5, 6, 7]
        else:
            with pytest.raises(SourceError, match="does not yield the rows first that it yielded before"):
                read(opened, last)


def test_a_function_that_fails_keeps_what_it_gave_and_goes_on(project, tmp_path):
    store = Store(tmp_path / "store")
    said = settings("broken", **{"with": {"secret": "hunter2-hunter2"}})
    with pytest.raises(SourceError, match=r"`shop.rows:broken` failed: RuntimeError: no luck with \*\*\*") as raised:
        ingest("rows", said, store, project, "r")
    assert "hunter2" not in str(raised.value) + repr(said)
    # The row held back until the next one came is not lost: it is read again.
    path = project / "shop" / "rows.py"
    path.write_text(
        CODE.replace('raise RuntimeError(f"no luck with {secret}")', "").replace("range(start, 2)", "range(start, 7)")
    )
    del sys.modules["shop.rows"]
    ingest("rows", said, store, project, "r")
    assert Table(store, "tables/rows").read()["id"].to_list() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("use", "match"),
    [
        ("shop.rows:dict", r"`shop.rows` has no `dict`\. Did you mean `dicts`"),
        ("shop.nowhere:rows", "There is no module `shop.nowhere`"),
        ("json:loads", r"`json` does not lie in the project's folder(.|\n)*write a module in .* that imports"),
        ("sys:exit", "`sys` does not lie in the project's folder"),
        ("linked:rows", "`linked` does not lie in the project's folder"),
        ("shop.bad:rows", "Importing `shop.bad` failed: ZeroDivisionError"),
        ("shop.rows:number", "`shop.rows:number` gives int, which are no rows(.|\n)*a Polars frame"),
    ],
)
def test_code_that_cannot_be_used_is_explained(project, use, match):
    (project / "shop" / "bad.py").write_text("1 / 0\n")
    (project / "linked.py").symlink_to(Path(json.__file__))
    with pytest.raises(SourceError, match=match):
        read(open_source("rows", SourceSettings.model_validate({"use": use}), project))


def test_a_function_without_rows_gives_no_batch(project):
    assert read(source(project, "nothing")) == []


def test_two_projects_have_a_module_of_the_same_name_each(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "same_name.py").write_text(f"def rows():\n    return [{{'id': {number}}}]\n")
        opened = open_source("rows", SourceSettings.model_validate({"use": "same_name:rows"}), folder)
        assert ids(read(opened)) == [number]
    del sys.modules["same_name"]


@pytest.mark.parametrize("use", ["os.system", "os:system:x", "../x:y", "a.b:", ":x", "a-b:c", "a:b.c"])
def test_only_a_module_and_a_name_can_be_named(use):
    with pytest.raises(ValueError, match="does not name a function"):
        SourceSettings.model_validate({"use": use})


@pytest.mark.parametrize("said", [{}, {"from": "a.csv", "use": "a:b"}, {"from": "a.csv", "with": {"x": 1}}])
def test_a_source_comes_from_one_place(said):
    with pytest.raises(ValueError, match=r"`from` and `use`|Neither `from`|`with` holds"):
        SourceSettings.model_validate(said)
