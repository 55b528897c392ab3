from datetime import date, datetime
from decimal import Decimal

import pytest

from millrace.sources.cursors import floor


@pytest.mark.parametrize(
    ("high", "overlap", "low"),
    [
        ("2026-01-01T10:00:00Z", 60, "2026-01-01T09:59:00Z"),
        ("2026-01-01T10:00:00+02:00", None, "2026-01-01T09:50:00+02:00"),
        ("2026-01-01 10:00:00", 60, "2026-01-01 09:59:00"),
        ("2026-03-01", None, "2026-02-28"),
        ("2026-03-01", 90_000, "2026-02-27"),
        (5_000, None, 4_000),
        ("5000", 10, "4990"),
        (0.5, 1, -0.5),
        (Decimal("5.5"), 1, Decimal("4.5")),
        (datetime(2026, 1, 1, 10), 60, datetime(2026, 1, 1, 9, 59)),
        (date(2026, 3, 1), 0, date(2026, 3, 1)),
        ("01J9ZK", None, "01J9ZK"),
    ],
)
def test_the_overlap_begins_before_the_newest_value_in_its_own_notation(high, overlap, low):
    assert floor(high, overlap) == low
