from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import write_deltalake

from millrace.config.schema import ProjectSettings
from millrace.errors import RemoteError, UsageError
from millrace.ingest.replay import replay
from millrace.lineage.ask import ask
from millrace.lineage.graph import gather
from millrace.store.tables import Table
from unit.ingest.intake import settings as source_settings
from unit.lineage.conftest import customers, ingest, learn, release

SOURCES = ("customers", "tickets")


def graph_of(store):
    return gather(store, SOURCES, "churn")


def test_the_way_from_a_file_to_a_release(two_runs):
    graph = graph_of(two_runs)
    assert set(graph.edges) == {
        ("file:customers/data/a.csv", "table:customers@1"),
        ("file:customers/data/b.csv", "table:customers@2"),
        ("file:tickets/t.csv", "table:tickets@1"),
        ("table:customers@1", "table:customers@2"),
        ("table:customers@1", "dataset:churn@1"),
        ("table:tickets@1", "dataset:churn@1"),
        ("table:customers@2", "dataset:churn@2"),
        ("table:tickets@1", "dataset:churn@2"),
        ("dataset:churn@1", "run:r1"),
        ("dataset:churn@2", "run:r2"),
        ("run:r1", "package:churn/1"),
        ("run:r2", "package:churn/2"),
        ("package:churn/1", "release:1"),
    }


def test_which_files_fed_the_champion(two_runs):
    assert ask(graph_of(two_runs), "champion").files == ("data/a.csv", "t.csv")
    assert ask(graph_of(two_runs), None).focus == "release:1"
    assert ask(graph_of(two_runs), "churn/2").files == ("data/a.csv", "data/b.csv", "t.csv")


def test_which_packages_saw_a_file(two_runs):
    assert ask(graph_of(two_runs), "data/a.csv").packages == ("churn 1", "churn 2")
    assert ask(graph_of(two_runs), "b.csv").packages == ("churn 2",)


def test_a_file_knows_what_became_of_its_rows(two_runs):
    facts = graph_of(two_runs).node("file:customers/data/a.csv").facts
    assert {name: facts[name] for name in ("read", "kept", "quarantined", "ingested_by")} == {
        "read": 3,
        "kept": 2,
        "quarantined": 1,
        "ingested_by": "r1",
    }


def test_a_file_whose_rows_were_all_refused_fed_nothing(store):
    rule = {"old": "tenure >= 0"}
    ingest(store, "customers", {"good.csv": customers(3), "bad.csv": customers(1)}, "r1", checks=rule)
    ingest(store, "tickets", {"t.csv": pl.DataFrame({"of": [3]})}, "r1")
    learn(store, "r1")
    assert ask(graph_of(store), "churn/1").files == ("good.csv", "t.csv")


def test_a_replay_brings_the_rows_of_the_file_they_were_refused_from(store):
    rule = {"old": "tenure >= 0"}
    ingest(store, "customers", {"good.csv": customers(3), "bad.csv": customers(1)}, "r1", checks=rule)
    ingest(store, "tickets", {"t.csv": pl.DataFrame({"of": [3]})}, "r1")
    replay("customers", source_settings(checks={"old": "tenure >= -5"}), store, "r2")
    learn(store, "r2")
    assert ask(graph_of(store), "churn/1").files == ("good.csv", "bad.csv", "t.csv")


def test_the_only_table_feeds_the_run_without_a_dataset(store):
    alone = {"project": "churn", "sources": {"customers": {"from": "x"}}, "model": {"predict": "churn"}}
    ingest(store, "customers", {"a.csv": customers(1)}, "r1")
    learn(store, "r1", settings=ProjectSettings.model_validate(alone))
    edges = gather(store, ("customers",), "churn").edges
    assert ("table:customers@1", "run:r1") in edges


def test_predictions_follow_the_release_of_their_package(two_runs):
    at = [datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC)]
    rows = pl.DataFrame({"prediction_id": ["p", "q"], "at": at, "package": ["churn"] * 2, "version": [1, 1]})
    write_deltalake(two_runs.at("log/predictions"), rows)
    graph = graph_of(two_runs)
    assert ("release:1", "predictions:churn/1") in graph.edges
    assert graph.node("predictions:churn/1").facts["rows"] == 2
    assert ask(graph, "predictions of churn 1").files == ("data/a.csv", "t.csv")


def test_a_rollback_is_a_release_of_the_package_before(two_runs):
    release(two_runs, 2)
    release(two_runs, 1, "rollback")
    graph = graph_of(two_runs)
    assert ("package:churn/1", "release:3") in graph.edges
    assert [node.facts["champion"] for node in graph.nodes if node.kind == "release"] == [False, False, True]


def test_a_version_that_delta_no_longer_keeps_is_told_by_time(two_runs, monkeypatch):
    """The receipts of that time are still there when Delta's log was cleaned."""
    whole = Table.snapshot

    def cleaned(self, version=None):
        if version is not None:
            raise RemoteError("The version is gone.", where=self.key)
        return whole(self)

    expected = graph_of(two_runs)
    monkeypatch.setattr(Table, "snapshot", cleaned)
    assert set(graph_of(two_runs).edges) == set(expected.edges)


def test_an_empty_store_has_no_nodes(store):
    assert ask(graph_of(store), None).nodes == ()


@pytest.mark.parametrize(
    ("what", "focus"),
    [
        ("customers", "table:customers@2"),
        ("customers@1", "table:customers@1"),
        ("2", "package:churn/2"),
        ("churn 2", "package:churn/2"),
        ("run r1", "run:r1"),
        ("r1", "run:r1"),
        ("release 1", "release:1"),
        ("dataset:churn@2", "dataset:churn@2"),
    ],
)
def test_everything_can_be_called_as_people_call_it(what, focus, two_runs):
    assert ask(graph_of(two_runs), what).focus == focus


def test_a_name_that_nothing_has_is_told_with_the_nearest(two_runs):
    with pytest.raises(UsageError, match=r"Nothing here is called `data/c\.csv`") as caught:
        ask(graph_of(two_runs), "data/c.csv")
    assert caught.value.nearest in ("data/a.csv", "data/b.csv")
