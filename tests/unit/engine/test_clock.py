"""One budget goes through the whole training: each part must end before the next, and room is kept for the package."""

from math import inf

import pytest

from millrace.config.units import Trials
from millrace.engine.clock import CURVE, IMPORTANCES, LADDER, REFIT, SEARCH, Clock


@pytest.mark.parametrize(("budget", "learning"), [(5, 3.5), (20, 17), (60, 55), (600, 590)])
def test_seconds_are_kept_for_the_package_and_the_report(budget: float, learning: float) -> None:
    clock = Clock(budget)
    assert clock.left() == pytest.approx(learning, abs=0.1)
    assert clock.rest() == pytest.approx(budget, abs=0.1)


def slow(seconds: list[float]) -> Clock:
    """A clock of 60 s whose rehearsal lasts what is said, one number for each time."""
    at = [0.0]

    def rehearsal() -> None:
        at[0] += seconds.pop(0)

    return Clock(60, rehearsal=rehearsal, now=lambda: at[0])


def test_a_slow_machine_is_left_more_time_for_the_package_and_the_report() -> None:
    clock = slow([3.0, 1.0, 1.2, 0.1])  # the first loads libraries, and says nothing
    assert clock.left() == 55
    clock.rehearse()
    assert clock.left() == pytest.approx(60 - 4 - 12 * 1.0)
    assert clock.pace == pytest.approx(0.5)
    clock.rehearse()
    assert clock.left() == pytest.approx(60 - 5.2 - 12 * 1.2)
    clock.rehearse()
    assert clock.left() == pytest.approx(55 - 5.3)
    assert clock.pace == 1


def test_learning_has_its_share_on_the_slowest_machine() -> None:
    clock = slow([0.0, 20.0])
    clock.rehearse()
    assert clock.left() == pytest.approx(0.7 * 60 - 20)


@pytest.mark.parametrize("budget", [Trials(3), 19.0])
def test_counted_trials_and_short_budgets_have_no_rehearsal(budget: Trials | float) -> None:
    seconds = [1.0]
    Clock(budget, rehearsal=seconds.pop).rehearse()
    assert seconds == [1.0]


def test_parts_end_one_after_the_other() -> None:
    clock = Clock(100)
    ends = [clock.moment(share) for share in (SEARCH, REFIT, LADDER, CURVE, IMPORTANCES)]
    assert ends == sorted(ends)
    assert ends[-1] - ends[0] == pytest.approx(0.36 * 93)


def test_a_part_is_of_what_is_left() -> None:
    clock = Clock(100)
    assert clock.part(0.1) == pytest.approx(clock.moment(0.1), abs=0.1)
    late = Clock(0)
    assert late.part(0.5) >= late.moment(1.0)


def test_counted_trials_are_ended_by_no_clock() -> None:
    clock = Clock(Trials(3))
    assert (clock.trials, clock.left(), clock.rest(), clock.part(0.1)) == (3, inf, inf, inf)
