from __future__ import annotations

import deltalake
import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import millrace.store.tables
from millrace.errors import DataError, ProjectFileError
from millrace.ingest.intake import POINTS
from millrace.ingest.stage import ingest_source
from millrace.ingest.types import column_types
from millrace.records.ingestion import Counts, Ingested
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest import intake
from unit.ingest.intake import FRAMES, RULES, Listed, settings, take


def test_every_row_is_kept_quarantined_or_counted_as_duplicate(store):
    assert take(store, FRAMES, **RULES) == Ingested(
        source="customers",
        read=9,
        kept=3,
        quarantined=4,
        duplicate=2,
        late=0,
        table_version=3,
        files=1,
        reasons={"tenure_positive": 3, "type": 3},
    )


def test_rows_carry_their_run_origin_and_place(store):
    take(store, FRAMES, run="run-7", **RULES)
    rows = Table(store, "tables/customers").read(bookkeeping=True)
    assert rows.row(1, named=True) == {
        "id": 2,
        "charge": 2.0,
        "tenure": 2,
        "_run": "run-7",
        "_origin": "memory",
        "_row": 2,
    }
    assert Table(store, "tables/customers").read().columns == ["id", "charge", "tenure"]


def test_what_was_committed_is_not_read_again(store):
    take(store, FRAMES, **RULES)
    again = take(store, FRAMES, **RULES)
    assert (again.read, again.table_version) == (0, 3)


def test_new_batches_are_added_to_the_old(store):
    take(store, FRAMES[:1], **RULES)
    assert take(store, FRAMES, **RULES).read == 5
    assert Table(store, "tables/customers").read()["id"].to_list() == [1, 2, 7]


def test_a_source_without_rows_makes_no_table(store):
    assert take(store, []).table_version == -1
    assert not Table(store, "tables/customers").exists


def test_a_batch_refused_whole_still_moves_the_position(store):
    take(store, FRAMES[:2], **RULES)
    assert Table(store, "tables/customers").position() == {"frames": 2}


def test_what_the_reader_refused_counts_as_read(store):
    done = ingest_source(Listed([FRAMES[0]], refused=['5,"', '6,"']), "customers", settings(), store, "run")
    assert (done.read, done.kept, done.quarantined, done.reasons) == (6, 4, 2, {"unreadable": 2})


def test_a_column_delivered_as_text_gets_the_type_that_the_source_knows(store):
    frame = pl.DataFrame({"charge": ["1.5", "-", "x"]})
    done = ingest_source(Listed([frame], charge="number"), "customers", settings(missing=["-"]), store, "run")
    assert (done.kept, done.reasons) == (2, {"type": 1})
    assert Table(store, "tables/customers").read()["charge"].to_list() == [1.5, None]


def test_whole_numbers_become_numbers_where_that_is_stated(store):
    take(store, [pl.DataFrame({"charge": [1, None]})], columns={"charge": {"type": "number"}})
    assert Table(store, "tables/customers").snapshot().schema() == {"charge": pl.Float64()}


def test_steps_are_told_in_the_order_of_the_points(store):
    told: list[str] = []
    take(store, FRAMES[:1], lambda step: told.append(step.text))
    assert told == [f"customers: {point}" for point in POINTS]


def test_the_source_is_acknowledged_after_the_commit(store):
    source = Listed(FRAMES)
    seen: list[tuple[str, int]] = []
    ingest_source(
        source, "customers", settings(), store, "r", lambda s: seen.append((s.text[11:], len(source.acknowledged)))
    )
    assert [count for point, count in seen if point == "committed"] == [0, 1, 2]
    assert source.acknowledged == [0, 1, 2]


def test_totals_rest_with_each_commit(store):
    take(store, FRAMES, **RULES)
    last = receipts.read(store, "customers", Table(store, "tables/customers").snapshot().number)
    assert last.counts == Counts(read=3, kept=1, quarantined=1, duplicate=1)
    assert last.totals == Counts(read=9, kept=3, quarantined=4, duplicate=2)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"id": [1], "x": ["a"], "new": [1]}), "`new` is new"),
        (pl.DataFrame({"id": [1]}), "`x` is gone"),
    ],
    ids=["new", "gone"],
)
def test_changed_columns_stop_the_ingest_before_anything_is_written(frame, said, store):
    first = pl.DataFrame({"id": [1], "x": ["a"]})
    take(store, [first])
    before = store.keys("")
    source = Listed([first, frame], **column_types(frame.schema))
    with pytest.raises(DataError, match=said):
        ingest_source(source, "customers", settings(), store, "run")
    assert store.keys("") == before


def test_a_type_stated_otherwise_than_the_table_has_it_stops_the_ingest_before_anything_is_written(store):
    first = pl.DataFrame({"id": [1]})
    take(store, [first])
    before = store.keys("")
    with pytest.raises(DataError, match="`id` was Int64 and is String"):
        take(store, [first, first], columns={"id": {"type": "text"}})
    assert store.keys("") == before


def test_a_wrong_rule_stops_the_ingest_before_anything_is_written(store):
    with pytest.raises(ProjectFileError, match="`tenur` is not a column"):
        take(store, FRAMES, checks={"c": "tenur > 0"})
    assert store.keys("") == ()


def test_a_commit_that_lands_and_reports_an_error_is_not_repeated(store, monkeypatch, tmp_path_factory):
    def lands_then_fails(*args, **settings):
        deltalake.write_deltalake(*args, **settings)
        raise CommitFailedError("the answer was lost on the way")

    monkeypatch.setattr(millrace.store.tables, "write_deltalake", lands_then_fails)
    take(store, FRAMES, **RULES)
    monkeypatch.undo()
    undisturbed = Store(tmp_path_factory.mktemp("undisturbed"))
    take(undisturbed, FRAMES, **RULES)
    for found, wanted in zip(intake.rests(store), intake.rests(undisturbed), strict=True):
        assert_frame_equal(found, wanted)


def test_the_position_outlives_the_cleaning_of_the_log(store, tmp_path):
    take(store, FRAMES[:2], **RULES)
    DeltaTable(store.at("tables/customers")).create_checkpoint()
    for entry in sorted((tmp_path / "tables/customers/_delta_log").glob("*.json"))[:-1]:
        entry.unlink()
    assert Table(store, "tables/customers").position() == {"frames": 2}
    assert take(store, FRAMES, **RULES).read == 3


ROWS = st.lists(
    st.tuples(st.integers(0, 5) | st.none(), st.sampled_from(["1", "x", "", " 2"]), st.integers(-2, 3) | st.none()),
    max_size=8,
)


@tried(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(ROWS, min_size=1, max_size=3),
    identity=st.sampled_from([[], [{"drop_duplicates": "id"}], [{"drop_duplicates": "all"}]]),
    trim=st.sampled_from([[], [{"trim": "all"}]]),
    refused=st.lists(st.just("?"), max_size=2),
)
def test_read_is_kept_plus_quarantined_plus_duplicate(batches, identity, trim, refused, tmp_path_factory):
    schema = {"id": pl.Int64, "charge": pl.String, "tenure": pl.Int64}
    frames = [pl.DataFrame(rows, schema=schema, orient="row") for rows in batches]
    store = Store(tmp_path_factory.mktemp("law"))
    rules = settings(
        columns={"charge": {"type": "number"}}, clean=[*trim, *identity], checks={"a": "tenure >= 0", "b": "id < 4"}
    )
    done = ingest_source(Listed(frames, refused), "customers", rules, store, "run")
    quarantined = Table(store, "quarantine/customers")
    assert done.read == sum(map(len, batches)) + len(refused)
    assert done.kept == Table(store, "tables/customers").read().height
    assert done.quarantined == (quarantined.read().height if quarantined.exists else 0)
    assert done.duplicate == done.read - done.kept - done.quarantined
    assert identity or done.duplicate == 0
