"""A budget that is too short for all rows takes the same share of every class, whatever the order of the rows."""

import numpy as np
import polars as pl

from millrace.config.units import Trials
from millrace.engine.clock import Clock
from millrace.records.signature import Field
from millrace.train.thinning import affordable

FIELDS = [Field("a", "integer"), Field("b", "category")]
ROWS = pl.DataFrame({"a": range(40_000), "b": ["x", "y"] * 20_000})
CLASSES = np.where(np.arange(40_000) < 100, 1, 0)


def test_every_class_keeps_its_share() -> None:
    kept, notes = affordable(ROWS, FIELDS, CLASSES, Clock(0.1))
    assert [int(kept[one == CLASSES].sum()) for one in (0, 1)] == [9975, 25]
    assert notes == ("10,000 of 40,000 rows are used: what a budget of 0.1 s is enough for.",)


def test_another_order_keeps_the_same_rows() -> None:
    order = np.random.default_rng(0).permutation(40_000)
    kept, _ = affordable(ROWS, FIELDS, CLASSES, Clock(0.1))
    again, _ = affordable(ROWS[order], FIELDS, CLASSES[order], Clock(0.1))
    assert (again == kept[order]).all()


def test_a_class_of_one_row_keeps_it() -> None:
    kept, _ = affordable(ROWS, FIELDS, np.where(np.arange(40_000) == 7, 1, 0), Clock(0.1))
    assert kept[7]


def test_counted_trials_and_long_budgets_keep_all() -> None:
    for clock in (Clock(Trials(3)), Clock(60)):
        kept, notes = affordable(ROWS, FIELDS, CLASSES, clock)
        assert kept.all()
        assert notes == ()


def test_texts_cost_more_than_numbers() -> None:
    rows = pl.DataFrame({"told": [f"row number {place}" for place in range(8000)]})
    kept, _ = affordable(rows, [Field("told", "text")], np.zeros(8000), Clock(3))
    assert int(kept.sum()) == 6000


def test_a_slow_machine_learns_from_fewer_rows() -> None:
    at = [0.0]
    clock = Clock(20, rehearsal=lambda: at.append(at.pop() + 1.0), now=lambda: at[0])
    clock.rehearse()
    rows = pl.DataFrame({"told": [f"row number {place}" for place in range(50_000)]})
    told, classes = [Field("told", "text")], np.zeros(50_000)
    kept, notes = affordable(rows, told, classes, clock)
    assert kept.sum() == affordable(rows, told, classes, Clock(20))[0].sum() / 2
    assert notes[0].endswith("is enough for on a machine that is slow or busy.")
