"""Reading by an engine: in parts where a source has any, and always in the order of the source."""

import threading
from pathlib import Path

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.engine.here import Here
from millrace.ingest.reading import read
from millrace.ingest.stage import ingest
from millrace.sources import open_source
from millrace.store.objects import Store
from millrace.store.tables import Table


class Whole:
    """A source that cannot be divided."""

    def __init__(self, batches):
        self.batches = lambda after: batches()


def files(folder: Path) -> SourceSettings:
    """Seven files, one of them empty, one with a line that cannot be read, one row that fails a check."""
    for day in range(1, 6):
        lines = [f"{day * 10 + n},{n * 1.5}" for n in range(day)]
        (folder / f"day-{day}.csv").write_text("\n".join(["id,amount", *lines]) + "\n")
    (folder / "day-6.csv").write_text("")
    (folder / "day-7.csv").write_text("id,amount\n70,1.5\n71,2,3\n72,-4\n")
    return SourceSettings.model_validate({"from": "day-*.csv", "checks": {"positive": "amount >= 0"}})


def rows(store: Store) -> tuple[pl.DataFrame, object, pl.DataFrame]:
    """The table with its origins, its position, and the quarantine: all but run ids and times."""
    table = Table(store, "tables/days")
    refused = Table(store, "quarantine/days").read(bookkeeping=True)
    return table.read(bookkeeping=True).drop("_run"), table.position(), refused.drop("_run", "_at", "_batch")


def test_batches_come_in_their_order_and_all_of_them():
    assert list(read(Whole(lambda: iter("abc")), None, Here())) == ["a", "b", "c"]
    assert list(read(Whole(lambda: iter(())), None, Here())) == []


def test_the_next_batch_is_read_while_this_one_is_in_hand():
    second_was_read = threading.Event()

    def batches():
        yield "first"
        second_was_read.set()
        yield "second"

    ahead = read(Whole(batches), None, Here())
    assert next(ahead) == "first"
    assert second_was_read.wait(timeout=10)
    assert list(ahead) == ["second"]


def test_an_error_of_the_source_reaches_the_reader_after_what_came_before_it():
    def batches():
        yield "first"
        raise ValueError("the server is gone")

    ahead = read(Whole(batches), None, Here())
    assert next(ahead) == "first"
    with pytest.raises(ValueError, match="the server is gone"):
        next(ahead)


def test_parts_read_one_by_one_give_the_whole(tmp_path):
    settings = files(tmp_path)
    whole = list(open_source("days", settings, tmp_path).batches(None))
    source = open_source("days", settings, tmp_path)
    found = source.joined(None, (batch for part in source.parts(None) for batch in part.read()))
    assert [batch.position for batch in found] == [batch.position for batch in whole]
    assert list(whole[-1].position["done"]) == [f"day-{day}.csv" for day in (1, 2, 3, 4, 5, 7)]


def test_an_engine_that_works_on_one_part_at_a_time_reads_undivided(tmp_path):
    class Divided(Whole):
        name = "divided"
        schema = dict

        def parts(self, after):
            return iter([self])

        def read(self):
            return iter("cd")

        def joined(self, after, found):
            return found

    source = Divided(lambda: iter("ab"))
    assert list(read(source, None, Here())) == ["a", "b"]
    assert list(read(source, None, Here(width=2))) == ["c", "d"]


def test_ray_gives_the_very_table_that_this_process_gives(tmp_path, ray_here):
    settings = files(tmp_path)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    done = ingest("days", settings, here, tmp_path, "run")
    on_ray = ingest("days", settings, there, tmp_path, "run", engine=ray_here)
    assert (done.read, done.kept, done.quarantined) == (18, 16, 2)
    assert on_ray == done
    for one, other in zip(rows(here), rows(there), strict=True):
        assert one.equals(other) if isinstance(one, pl.DataFrame) else one == other


def test_what_is_new_is_read_on_ray_behind_what_was_read_here(tmp_path, ray_here):
    settings, store = files(tmp_path), Store(tmp_path / "store")
    ingest("days", settings, store, tmp_path, "run")
    (tmp_path / "day-8.csv").write_text("id,amount\n80,1\n")
    assert ingest("days", settings, store, tmp_path, "run", engine=ray_here).kept == 1
