"""A load is judged as a whole: its rows stay, and nothing learns from one that is not as expected."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from millrace.config.expectations import Expectations
from millrace.errors import ExpectationError, ProjectFileError
from millrace.ingest.expectations import hold, judge
from millrace.ingest.replay import replay
from millrace.project import Project
from millrace.records.ingestion import Counts
from millrace.store import loads, receipts
from millrace.store.tables import Table
from unit.ingest.intake import settings, take

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def rows(count, first=1):
    return pl.DataFrame({"id": range(first, first + count)})


def told(done):
    return [(one.name, one.holds, one.text) for one in done.expectations]


def brought(store, *counts, **sections):
    """Loads of so many rows, one after the other; what is said of each."""
    frames, said = [], []
    for ordinal, count in enumerate(counts):
        frames.append(rows(count))
        said.append(take(store, frames, run=f"run-{ordinal}", **sections))
    return said


@pytest.mark.parametrize(
    ("expected", "count", "holds"),
    [
        ("1000 to 2000", 1000, True),
        ("1,000 to 2,000", 2001, False),
        ("> 5", 5, False),
        (">= 5", 5, True),
        ("< 5", 4, True),
        ("<= 5", 6, False),
    ],
)
def test_the_number_of_rows_lies_where_it_should(store, expected, count, holds):
    (done,) = brought(store, count, expect={"rows": expected})
    assert told(done) == [("rows", holds, f"{count:,} rows were read; expected: {expected}")]
    assert done.kept == count


def test_the_rows_of_all_batches_of_a_load_count_together(store):
    done = take(store, [rows(3), rows(4)], expect={"rows": "7 to 7"})
    assert [one.holds for one in done.expectations] == [True]


def test_the_change_is_against_the_median_of_the_loads_before(store):
    said = brought(store, 100, 90, 1000, 40, expect={"rows_change": "< 50%"})
    assert [[one.holds for one in done.expectations] for done in said] == [[], [True], [False], [False]]
    assert told(said[3]) == [
        ("rows_change", False, "40 rows were read, -60% against 100, the median of 3 before; expected: < 50%")
    ]


def test_only_the_seven_loads_before_are_compared_with(store):
    said = brought(store, *[1000] * 5, *[10] * 7, 11, expect={"rows_change": "<= 10%"})
    assert [one.holds for one in said[-1].expectations] == [True]


def test_the_share_of_refused_rows_is_told(store):
    frame = pl.DataFrame({"id": [1, 2, -3, 4]})
    done = take(store, [frame], checks={"positive": "id > 0"}, expect={"quarantined": "< 25%"})
    assert told(done) == [("quarantined", False, "1 of 4 rows were refused, 25.00%; expected: < 25%")]


def test_a_load_that_was_killed_and_went_on_is_one(store):
    class Killed(Exception):  # noqa: N818 - it stands for a death
        pass

    def die(step):
        if step.text.endswith(": acknowledged"):
            raise Killed

    with pytest.raises(Killed):
        take(store, [rows(3), rows(4)], die, run="dead")
    done = take(store, [rows(3), rows(4)], run="next", expect={"rows": "7 to 7"})
    assert (done.read, [one.holds for one in done.expectations]) == (4, [True])
    assert [load.counts for load in loads.newest(store, "customers", 9)] == [Counts(read=7, kept=7)]


def test_a_death_behind_the_last_commit_leaves_the_load_to_the_next_ingest(store, monkeypatch):
    monkeypatch.setattr(loads, "note", lambda *_: None)
    take(store, [rows(3)], run="dead")
    monkeypatch.undo()
    done = take(store, [rows(3)], run="next", expect={"rows": "3 to 3"})
    assert (done.read, [one.holds for one in done.expectations]) == (0, [True])


def test_an_ingest_of_nothing_is_no_load_and_the_verdict_on_the_last_one_stands(store):
    said = [take(store, [rows(3)], run=run, expect={"rows": "> 3"}) for run in ("one", "two")]
    assert [done.read for done in said] == [3, 0]
    assert told(said[0]) == told(said[1]) == [("rows", False, "3 rows were read; expected: > 3")]
    assert len(loads.newest(store, "customers", 9)) == 1


def test_a_replay_is_no_load_and_belongs_to_none(store):
    frame = pl.DataFrame({"id": [1, -2]})
    take(store, [frame], run="one", checks={"positive": "id > 0"})
    replay("customers", settings(), store, "later")
    take(store, [frame, rows(3)], run="two")
    assert [load.counts for load in loads.newest(store, "customers", 9)] == [
        Counts(read=3, kept=3),
        Counts(read=2, kept=1, quarantined=1),
    ]


def test_a_table_of_an_older_millrace_has_its_newest_run_as_the_load(store):
    take(store, [rows(3)], run="one")
    take(store, [rows(3), rows(4), rows(5)], run="two")
    store.delete(store.keys("loads"))
    done = take(store, [rows(3), rows(4), rows(5)], run="three", expect={"rows": "9 to 9"})
    assert [one.holds for one in done.expectations] == [True]


def test_each_commit_belongs_to_one_load_when_another_process_notes_it_first(store):
    take(store, [rows(3)], run="one")
    first = Table(store, "tables/customers").snapshot().number
    own = {first: loads.Committed(0, "one", Counts(read=3, kept=3))}
    loads.note(store, "customers", first, "other", own)
    take(store, [rows(3), rows(4)], run="two")
    last = Table(store, "tables/customers").snapshot().number
    both = own | {last: loads.Committed(first, "one", Counts(read=4, kept=4))}
    loads.note(store, "customers", last, "again", both)
    assert [load.counts.read for load in loads.newest(store, "customers", 9)] == [4, 3]


def fresh(store, values, limit, dtype):
    take(store, [pl.DataFrame({"at": values}, {"at": dtype})])
    (one,) = judge("customers", Expectations.model_validate({"fresh": {"at": limit}}), store, NOW)
    return one.holds, one.text


def test_dates_are_fresh_by_whole_days(store):
    days = [date(2026, 11, 1), date(2026, 11, 23), None]
    assert fresh(store, days, "2 days", pl.Date) == (
        True,
        "the newest at is 2026-11-23, 2 days ago; expected: within 2 days",
    )
    (late,) = judge("customers", Expectations.model_validate({"fresh": {"at": "1 day"}}), store, NOW)
    assert not late.holds


def test_times_are_fresh_to_the_second(store):
    times = [datetime(2026, 11, 25, 10)]
    assert fresh(store, times, "2 h", pl.Datetime("us")) == (
        True,
        "the newest at is 2026-11-25 10:00:00, 2 hours ago; expected: within 2 hours",
    )
    expect = Expectations.model_validate({"fresh": {"at": "2 h"}})
    (late,) = judge("customers", expect, store, NOW + timedelta(seconds=1))
    assert not late.holds


def test_the_future_is_not_fresh(store):
    times = [datetime(2026, 11, 1), datetime(2030, 1, 1)]
    assert not fresh(store, times, "2 days", pl.Datetime("us"))[0]


def test_without_any_value_nothing_is_fresh(store):
    assert fresh(store, [None], "2 days", pl.Date) == (
        False,
        "no row has a value of at up to now; expected: within 2 days",
    )


@pytest.mark.parametrize(
    ("column", "said"), [("att", "`att` is not a column of this source"), ("id", "`id` holds no time")]
)
def test_what_is_no_time_column_stops_before_anything_is_committed(store, column, said):
    frame = pl.DataFrame({"id": [1], "at": [date(2026, 1, 1)]})
    with pytest.raises(ProjectFileError, match=said):
        take(store, [frame], expect={"fresh": {column: "1 day"}})
    assert not list(store.keys("commits"))


@pytest.mark.parametrize(
    "expect",
    [{"rows": "some"}, {"rows": "5 to 4"}, {"quarantined": "> 5%"}, {"rows_change": "< 5"}, {"fresh": {"at": "x"}}],
)
def test_an_expectation_that_means_nothing_is_refused(expect):
    with pytest.raises(ValueError, match=r"bound|duration|ends before"):
        settings(expect=expect)


def test_a_newer_format_is_refused(store):
    take(store, [rows(1)])
    key = store.keys("loads")[-1]
    store.write(key, (store.read(key) or b"").replace(b'"format":1', b'"format":2'))
    with pytest.raises(Exception, match="has format 2; this Millrace reads up to 1"):
        loads.newest(store, "customers", 1)


def test_all_that_failed_is_said_at_once(store):
    (done,) = brought(store, 3, expect={"rows": "> 3", "quarantined": "< 5%"})
    with pytest.raises(ExpectationError, match="customers: 3 rows were read; expected: > 3") as caught:
        hold([done])
    assert caught.value.next_step == "mend the source and ingest again, or change `expect` in the project file"
    hold([])


PROJECT = """
sources:
  people:
    from: people-*.csv
    expect: {rows: "4 to 9"}
model: {predict: y}
"""


def test_a_run_does_not_go_on_past_a_load_that_is_not_as_expected(tmp_path):
    (tmp_path / "people-1.csv").write_text("x,y\n1,2\n")
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    project = Project.load(tmp_path / "millrace.yaml")
    for _ in range(2):  # to run it again does not help
        with pytest.raises(ExpectationError, match="people: 1 rows were read; expected: 4 to 9"):
            project.run()
    assert Table(project.store, "tables/people").read().height == 1
    assert not project.store.keys("packages")
    (tmp_path / "people-2.csv").write_text("x,y\n" + "1,2\n" * 4)
    (done,) = project.ingest()
    assert all(one.holds for one in done.expectations)
    number = Table(project.store, "tables/people").snapshot().number
    assert receipts.read(project.store, "people", number).totals.kept == 5
