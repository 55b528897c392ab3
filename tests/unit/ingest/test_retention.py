"""Rows whose time is over leave table and quarantine; old versions follow when theirs is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.retention import tidy
from millrace.ingest.stage import ingest_source
from millrace.records.ingestion import Ingested
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import Listed, settings

NOW = datetime.now(UTC)
OLD, NEW = (f"{NOW - timedelta(days=days):%Y%m%dT%H%M%S}-abc" for days in (31, 29))
CHECKS = {"positive": "tenure > 0"}


def take(store: Store, run: str, *tenures: list[int], **sections) -> Ingested:
    frames = [pl.DataFrame({"tenure": values}) for values in tenures]
    return ingest_source(Listed(frames), "customers", settings(checks=CHECKS, **sections), store, run)


def kept(store: Store) -> list:
    return Table(store, "tables/customers").read().to_series().to_list()


def test_rows_go_by_when_they_were_ingested(store: Store) -> None:
    take(store, OLD, [1, 2, -1])
    take(store, NEW, [1, 2, -1], [3])
    done = take(store, f"{NOW:%Y%m%dT%H%M%S}-abc", [1, 2, -1], [3], [4], retain="30 days")
    assert kept(store) == [3, 4]
    assert done.expired == {"tables/customers": 2, "quarantine/customers": 0}


def test_rows_go_by_a_time_column_if_one_is_named(store: Store) -> None:
    days = [NOW.date() - timedelta(days=40), NOW.date(), None]
    frame = pl.DataFrame({"signed": days, "at": [NOW.replace(tzinfo=None)] * 3})
    retain = {"for": "30 days", "by": "signed"}
    ingest_source(Listed([frame]), "customers", settings(retain=retain), store, "r1")
    assert kept(store) == days[1:]
    ingest_source(Listed([frame] * 2), "customers", settings(retain={"for": "30 days", "by": "at"}), store, "r2")
    assert len(kept(store)) == 5


def test_the_quarantine_goes_by_ingest(store: Store) -> None:
    take(store, NEW, [1, -1])
    later = NOW + timedelta(days=31)
    assert tidy("customers", settings(retain="30 days"), store, later)["quarantine/customers"] == 1
    assert landed_rows(store, "customers").collect().is_empty()


def test_where_nothing_is_over_no_version_is_made(store: Store) -> None:
    take(store, NEW, [1, 2, -1])
    before = Table(store, "tables/customers").version()
    assert take(store, NEW, [1, 2, -1], retain="30 days").table_version == before


def test_old_versions_go_a_week_after_the_removal(store: Store, tmp_path: Path, monkeypatch) -> None:
    take(store, OLD, [77001, 77002])
    take(store, OLD, [77001, 77002], [77003], retain="30 days")
    files = tmp_path / "tables" / "customers"
    assert len(list(files.glob("*.parquet"))) == 2
    tidy("customers", settings(retain="30 days"), store, NOW + timedelta(days=6))
    assert len(list(files.glob("*.parquet"))) == 2
    monkeypatch.setattr("millrace.ingest.retention.purge", lambda store, key: purged.append(key))
    purged: list[str] = []
    tidy("customers", settings(retain="30 days"), store, NOW + timedelta(days=8))
    assert purged[0] == "tables/customers"
    purged.clear()
    tidy("customers", settings(retain="30 days"), store, NOW + timedelta(days=9))
    assert purged == []


def test_a_column_that_holds_no_time_is_an_error(store: Store) -> None:
    with pytest.raises(ProjectFileError, match="`tenure` is not a date or time"):
        take(store, NEW, [1], retain={"for": "30 days", "by": "tenure"})
