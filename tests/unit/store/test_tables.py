from __future__ import annotations

import polars as pl
import pytest
from deltalake import DeltaTable

from millrace.errors import DataError
from millrace.store.objects import Store
from millrace.store.tables import Table

ONE, OTHER, NEXT = 1 << 32, 1 << 32 | 7, 2 << 32


@pytest.fixture
def table(tmp_path):
    return Table(Store(tmp_path), "tables/customers")


def rows(*values):
    return pl.DataFrame({"x": list(values)}, schema={"x": pl.Int64})


def test_a_commit_repeated_is_written_once(table):
    table.append(table.snapshot(), rows(1), ONE)
    assert table.append(table.snapshot(), rows(1), ONE).number == ONE
    assert table.read()["x"].to_list() == [1]


def test_of_two_commits_on_one_snapshot_the_second_is_turned_away(table):
    table.append(table.snapshot(), rows(1), ONE)
    mine, theirs = table.snapshot(), table.snapshot()
    table.append(theirs, rows(2), NEXT)
    assert table.append(mine, rows(3), NEXT | 5).number == NEXT
    assert sorted(table.read()["x"]) == [1, 2]


def test_of_two_first_commits_one_lands(table):
    mine, theirs = table.snapshot(), table.snapshot()
    table.append(theirs, rows(1), ONE)
    assert table.append(mine, rows(2), OTHER).number == ONE
    assert table.read()["x"].to_list() == [1]


def test_a_commit_without_rows_takes_effect(table):
    after = table.append(table.snapshot(), rows(), ONE)
    assert (after.number, table.snapshot().number, table.read().height) == (ONE, ONE, 0)


def test_other_commits_do_not_disturb(table):
    table.append(table.snapshot(), rows(1), ONE)
    now = table.append(table.snapshot(), rows(2), NEXT)
    DeltaTable(table.store.at("tables/customers")).optimize.compact()
    table.append(now, rows(3), 3 << 32)
    assert sorted(table.read()["x"]) == [1, 2, 3]


def test_an_older_version_can_be_read(table):
    first = table.append(table.snapshot(), rows(1), ONE).version
    table.append(table.snapshot(), rows(2), NEXT)
    assert table.read(first)["x"].to_list() == [1]
    assert table.version() == first + 1


def test_columns_are_known_after_the_first_commit(table):
    assert table.snapshot().schema() == {}
    table.append(table.snapshot(), rows(1).with_columns(_run=pl.lit("r")), ONE)
    assert table.snapshot().schema() == {"x": pl.Int64()}
    assert list(table.snapshot().schema(bookkeeping=True)) == ["x", "_run"]


def test_a_table_that_does_not_exist_says_so(table):
    assert not table.exists
    assert table.version() == -1
    assert table.position() is None
    with pytest.raises(DataError, match="does not exist yet"):
        table.read()
