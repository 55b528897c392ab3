"""The budget is spent by time, however often one looks."""

from datetime import datetime, timedelta

import pytest

from millrace.config.schema import MonitorSettings
from millrace.monitor.spending import RESERVE, Spent, keep, last, take
from millrace.records.monitoring import ColumnDrift

START = datetime(2026, 5, 3)
MONTH = 2629746


@pytest.mark.parametrize(
    ("budget", "window", "alpha"),
    [
        ("1 per month", "1 day", 86400 / MONTH),
        ("1 per year", "1 day", 86400 / 31556952),
        ("1 per day", "1 hour", 1 / 24),
        ("5 per day", "1 day", 0.05),
    ],
)
def test_the_first_look_takes_the_share_of_one_window(budget, window, alpha):
    settings = MonitorSettings(false_alarms=budget, window=window)
    assert take(settings, None, START, 1.0)[0] == pytest.approx(alpha)


@pytest.mark.parametrize("seconds", [60, 3600, 7 * 3600])
def test_all_looks_of_a_month_together_take_the_budget_of_a_month(seconds):
    settings, before, taken = MonitorSettings(false_alarms="1 per month"), Spent(START.isoformat(), 0.0), 0.0
    for look in range(1, MONTH // seconds + 1):
        now = START + timedelta(seconds=look * seconds)
        alpha, balance = take(settings, before, now, seconds / 86400)
        taken, before = taken + alpha, Spent(now.isoformat(), alpha, balance)
    assert taken == pytest.approx(1.0, abs=0.01)


def test_bursts_of_new_rows_take_no_more_than_the_budget_and_the_reserve():
    settings, before, taken = MonitorSettings(false_alarms="1 per month"), None, 0.0
    for minute in range(10 * 1440):
        now = START + timedelta(minutes=minute)
        alpha, balance = take(settings, before, now, 1.0)
        taken, before = taken + alpha, Spent(now.isoformat(), alpha, balance)
    assert taken <= (10 + RESERVE) * 86400 / MONTH


def test_a_look_at_nothing_new_is_the_same_look():
    assert take(MonitorSettings(), Spent(START.isoformat(), 0.0123, 0.04), START, 0.0) == (0.0123, 0.04)


def test_an_alarm_stands_for_a_quarter_of_an_hour_of_a_day(store):
    column = ColumnDrift("size", "chi_squared", 80.0, 1e-9, 0.2, alarmed=True)
    keep(store, "ill", 2, Spent(START.isoformat(), 0.01, alarmed=START.isoformat(), columns={"size": column}))
    spent = last(store, "ill", 2)
    assert spent.columns == {"size": column}
    assert spent.standing(START + timedelta(minutes=14), 86400)
    assert not spent.standing(START + timedelta(minutes=15), 86400)
    assert last(store, "ill", 3) is None
