"""Rows come, change and go while processes die, disks fill and answers get lost: what rests is what is true.

Hypothesis tells the stories, by seed; the oracle is a dict. Every version that a reader could have opened is looked at.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as trying
from hypothesis import strategies as st

from millrace.ingest.intake import POINTS
from millrace.store import delta
from unit.ingest import changing
from unit.ingest.changing import World, world

SERIES = int(os.environ.get("MILLRACE_FAULTS", "1"))
LONG = SERIES > 1
#: Where an ingest of rows that change and go may die.
DEATHS = (*POINTS, "compared", "removed", "compacting", "compacted")
KINDS = ("files", "api", "sqlite", "postgresql", "mariadb", "mongodb")
DATABASES = KINDS[2:]
SHORT = [("files", "latest"), ("api", "all"), ("mariadb", "present"), ("mongodb", "latest")]
EVERY = [(kind, way) for kind in KINDS for way in changing.WAYS if way != "present" or kind in DATABASES]

processes = multiprocessing.get_context("forkserver")


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process ingests joins files early, and no later test does."""
    monkeypatch.setattr(delta, "SMALL_FILES", delta.SMALL_FILES)


def carried_out(target: Any, *args: Any, **settings: Any) -> int:
    """How a process that does this ends: 0, or by SIGKILL."""
    child = processes.Process(target=target, args=args, kwargs=settings)
    child.start()
    child.join(120)
    assert child.exitcode in {0, -signal.SIGKILL}
    return child.exitcode


@contextmanager
def opened(kind, way, request):
    with tempfile.TemporaryDirectory() as folder, world(kind, way, request, Path(folder)) as now:
        yield now


def moved_on(now: World) -> None:
    """Four rows that were ingested; then one is changed, two are gone, one of them comes back, and one is new."""
    for key in range(4):
        now.put(key, "free")
    changing.take(*now.told)
    now.put(0, "paid")
    now.remove(1)
    now.remove(2)
    now.put(2, "back")
    now.put(9, "new")


@pytest.mark.parametrize("point", DEATHS)
@pytest.mark.parametrize("kind", DATABASES if LONG else ["sqlite"])
def test_killed_at_any_point_while_rows_change_and_go(kind, point, request):
    with opened(kind, "present", request) as now:
        moved_on(now)
        assert carried_out(changing.die_at, *now.told, point, 0) == -signal.SIGKILL
        now.assert_no_reader_ever_saw_half()
        changing.take(*now.told)
        now.assert_true()
        assert changing.take(*now.told).read == 0


PLANS = st.sampled_from(["free", "paid", "odd"])
CHANGES = st.lists(st.tuples(st.integers(0, 6), st.none() | PLANS), min_size=1, max_size=5)
FATES = st.one_of(
    st.tuples(st.just("killed"), st.sampled_from(DEATHS), st.integers(0, 2)),
    st.tuples(st.sampled_from(["landed", "refused"]), st.integers(0, 2)),
    st.tuples(st.just("full"), st.integers(100, 3000)),
    st.just(("together",)),
)


def suffer(now: World, what: str, *how: Any) -> None:
    """One ingest, or two, that meet this fate."""
    if what == "killed":
        carried_out(changing.die_at, *now.told, *how)
    elif what in {"landed", "refused"}:
        assert carried_out(changing.hear_of_an_error, *now.told, *how, landed=what == "landed") == 0
    elif what == "full":
        assert carried_out(changing.fill_the_disk, *now.told, *how) == 0
    else:
        barrier, told = processes.Barrier(2), now.told
        pair = [
            processes.Process(target=changing.start_together, args=(*told, barrier, f"run-{one}")) for one in range(2)
        ]
        for child in pair:
            child.start()
        for child in pair:
            child.join(120)
        assert [child.exitcode for child in pair] == [0, 0]


def told_by(now: World, key: int, plan: str | None, way: str) -> None:
    """One change, as far as rows of this way change: where all are kept, each is new; the latest are never odd."""
    if way == "all":
        now.put(len(now.ever), plan or "free")
    elif plan is not None:
        now.put(key, "free" if plan == "odd" else plan)
    elif way == "present":
        now.remove(key)


@pytest.mark.parametrize("number", range(SERIES))
@pytest.mark.parametrize(("kind", "way"), EVERY if LONG else SHORT)
def test_whatever_happens_what_rests_is_what_is_true(kind, way, number, request):
    @seed(number)
    @trying(
        max_examples=10 if LONG else 2,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.tuples(CHANGES, FATES), min_size=2, max_size=4))
    def tell(story):
        with opened(kind, way, request) as now:
            now.put(7, "free")  # it stays, so that there is a table
            for changes, fate in story:
                for key, plan in changes:
                    told_by(now, key, plan, way)
                suffer(now, *fate)
                now.assert_no_reader_ever_saw_half()
            changing.take(*now.told)
            now.assert_true()
            assert changing.take(*now.told).read == 0

    tell()
