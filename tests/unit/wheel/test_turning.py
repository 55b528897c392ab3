"""Jobs are done when they are due: once, also by a process that was started anew, and again after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from millrace.errors import RemoteError
from millrace.records.turning import JobState
from millrace.wheel.turning import Job, Wheel

NOON = datetime(2026, 5, 3, 12, 0, 30, tzinfo=UTC)


def wheel(*jobs: Job, known: dict[str, JobState] | None = None) -> tuple[Wheel, list[tuple[JobState, ...]]]:
    noted: list[tuple[JobState, ...]] = []
    return Wheel(jobs, known or {}, noted.append), noted


def done_at(turned: Wheel, seconds: list[float]) -> list[float]:
    return [after for after in seconds if turned.turn(NOON + timedelta(seconds=after))]


def test_an_interval_is_due_at_once_and_then_after_each_interval() -> None:
    turned, _ = wheel(Job("look", "1 min", lambda: ""))
    assert done_at(turned, [0, 30, 59, 60, 90, 121]) == [0, 60, 121]


def test_a_cron_schedule_waits_for_its_minute_and_keeps_it_once() -> None:
    turned, _ = wheel(Job("look", "5 12 * * *", lambda: ""))
    assert done_at(turned, [0, 200, 270, 275, 600, 86_400, 86_670]) == [270, 86_670]


@pytest.mark.parametrize(
    ("last", "due"),
    [("2026-05-03T12:00:00+00:00", []), ("2026-05-02T12:00:10+00:00", [0]), ("2026-04-01T12:00:10+00:00", [0])],
    ids=["kept before the restart", "missed while nobody was there", "missed many times, kept once"],
)
def test_a_process_started_anew_keeps_what_was_missed_and_repeats_nothing(last: str, due: list[float]) -> None:
    turned, _ = wheel(Job("look", "0 12 * * *", lambda: ""), known={"look": JobState("look", "0 12 * * *", last=last)})
    assert done_at(turned, [0, 10]) == due


def test_jobs_are_done_in_their_order_and_a_failure_hinders_no_other() -> None:
    done = []

    def fails() -> str:
        done.append("fails")
        raise RemoteError("the bucket does not answer", where="sources.meters", next_step="look at it")

    told = []
    turned, noted = wheel(
        Job("fails", "1 h", fails, lambda error, times: told.append((error.seen, times))),
        Job("works", "1 h", lambda: done.append("works") or "fine"),
    )
    turned.turn(NOON)
    assert done == ["fails", "works"]
    assert told == [("the bucket does not answer", 1)]
    assert [(state.state, state.said, state.error) for state in noted[-1]] == [
        ("failing", "", "sources.meters: the bucket does not answer Next: look at it"),
        ("waiting", "fine", ""),
    ]


def test_what_failed_is_tried_again_after_pauses_that_double() -> None:
    tries = []

    def fails() -> str:
        tries.append(1)
        raise RemoteError("no")

    turned, _ = wheel(Job("fails", "1 h", fails))
    assert done_at(turned, [0, 4, 5, 14, 15, 34, 35]) == [0, 5, 15, 35]


def test_a_job_that_ends_well_after_failures_is_on_its_schedule_again() -> None:
    outcomes = iter([RemoteError("no"), "well"])

    def work() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    turned, noted = wheel(Job("job", "1 min", work))
    assert done_at(turned, [0, 5, 30, 64]) == [0, 5]
    assert (noted[-1][0].failures, noted[-1][0].said, noted[-1][0].due) == (0, "well", "2026-05-03T12:01:35+00:00")


def test_no_news_leaves_what_was_said_last() -> None:
    news = iter(["five rows", ""])
    turned, noted = wheel(Job("ingest", "1 s", lambda: next(news)))
    done_at(turned, [0, 1])
    assert noted[-1][0].said == "five rows"
