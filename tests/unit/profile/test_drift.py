"""Drift is found when it is there, named rightly, not invented, and judged alike at every size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from millrace.errors import DataError
from millrace.profile.build import profile
from millrace.profile.drift import drift
from millrace.records.monitoring import ColumnDrift
from millrace.records.profile import Profile
from millrace.records.signature import Field, Signature

LETTERS = np.array(["a", "b", "c", "d"])


def compare(
    reference: Mapping[str, object], current: Mapping[str, object], alpha: float = 0.05, earlier: object = None
) -> dict[str, ColumnDrift]:
    """What moved in `current`; in a longer look with the rows `earlier`, where there are any."""
    before, now = pl.DataFrame(reference, strict=False), pl.DataFrame(current, strict=False)
    fields = tuple(Field(name, "category" if before[name].dtype == pl.String else "number") for name in before.columns)
    signature = Signature("regression", "y", fields)
    known = profile(before, signature)
    longer = (
        None if earlier is None else profile(pl.concat([pl.DataFrame(earlier, strict=False), now]), signature, known)
    )
    return drift(known, profile(now, signature, known), alpha, longer=longer)


def kinds(column: ColumnDrift) -> list[str]:
    return [alarm.kind for alarm in column.alarms]


def thirty(draw: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Thirty columns of every sort: normal, skewed, whole numbers, mostly zero, categories, some values missing."""
    columns: dict[str, np.ndarray] = {}
    for number in range(6):
        columns[f"normal{number}"] = draw.normal(size=rows)
        columns[f"skewed{number}"] = draw.lognormal(size=rows)
        columns[f"whole{number}"] = draw.poisson(3.0, size=rows).astype(float)
        columns[f"zeros{number}"] = np.where(draw.random(rows) < 0.6, 0.0, draw.normal(size=rows))
        columns[f"letters{number}"] = LETTERS[draw.choice(4, rows, p=[0.1, 0.2, 0.3, 0.4])]
    columns["normal0"][draw.random(rows) < 0.1] = np.nan
    return columns


def test_unchanged_data_alarms_no_more_often_than_promised() -> None:
    draw = np.random.default_rng(11)
    looks = 60
    alarmed = sum(
        any(column.alarmed for column in compare(thirty(draw, 1000), thirty(draw, 400), 0.05).values())
        for _ in range(looks)
    )
    assert alarmed <= 7  # more than 7 of 60 has a chance below 1.5 % when each look alarms with 5 %


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_of_half_a_standard_deviation_is_found_and_named_first(seed: int) -> None:
    draw = np.random.default_rng(seed)
    before, now = thirty(draw, 1000), thirty(draw, 1000)
    now["normal3"] = now["normal3"] + 0.5
    columns = compare(before, now, 0.03)
    assert [name for name, column in columns.items() if column.alarmed] == ["normal3"]
    assert next(iter(columns)) == "normal3"
    assert columns["normal3"].alarms[0].kind == "drift"
    assert columns["normal3"].alarms[0].evidence.startswith("`normal3`: the mean value went from ")


@pytest.mark.parametrize(("move", "part"), [(0.35, 1.0), (0.0, 1.35)], ids=["place", "spread"])
def test_two_hundred_rows_show_a_small_move_of_place_or_spread(move: float, part: float) -> None:
    found = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        before, now = thirty(draw, 2000), thirty(draw, 200)
        now["normal3"] = now["normal3"] * part + move
        columns = compare(before, now, 0.012)
        found += columns["normal3"].alarmed
        assert not any(column.alarmed for name, column in columns.items() if name != "normal3")
    assert found >= 12  # a chi-squared test alone finds 2 and 8


def moved(seed: int, *, now_too: bool) -> tuple[bool, bool]:
    """Whether a move by a quarter of a deviation is found in the newest 200 rows; and in 1,400 earlier ones too."""
    draw = np.random.default_rng(seed)
    before, earlier, now = thirty(draw, 2000), thirty(draw, 1400), thirty(draw, 200)
    for rows in (earlier, now) if now_too else (earlier,):
        rows["normal3"] = rows["normal3"] + 0.25
    looks = compare(before, now, 0.002), compare(before, now, 0.002, earlier)
    alone, longer = ([name for name, column in look.items() if column.alarmed] for look in looks)
    assert {*alone, *longer} <= {"normal3"}
    if longer and not alone:
        assert ", in 1,600 rows (distance" in looks[1]["normal3"].alarms[0].evidence
        picture = looks[1]["normal3"].spread
        assert picture is not None
        assert all((1600 * share) == pytest.approx(round(1600 * share)) for share in picture.now)
        assert any((200 * share) != pytest.approx(round(200 * share)) for share in picture.now)
    return bool(alone), bool(longer)


def test_a_move_too_small_for_few_rows_is_found_where_it_lasts() -> None:
    alone, longer = zip(*(moved(seed, now_too=True) for seed in range(12)), strict=True)
    assert sum(alone) < 6
    assert sum(longer) > 8


def test_a_move_that_is_over_is_no_alarm_however_sure_it_was() -> None:
    assert sum(longer for _, longer in (moved(seed, now_too=False) for seed in range(12))) <= 1


def test_a_longer_look_alarms_no_more_often_than_promised() -> None:
    draw, looks = np.random.default_rng(12), 40
    before = [thirty(draw, 1000) for _ in range(looks)]
    alarmed = sum(
        any(column.alarmed for column in compare(one, thirty(draw, 200), 0.05, thirty(draw, 600)).values())
        for one in before
    )
    assert alarmed <= 6  # more than 6 of 40 has a chance of 0.3 % when each look alarms with 5 %


@pytest.mark.parametrize("seed", range(5))
def test_ten_points_more_of_a_category_are_found_and_named_first(seed: int) -> None:
    draw = np.random.default_rng(seed)
    before, now = thirty(draw, 1000), thirty(draw, 1000)
    now["letters2"] = LETTERS[draw.choice(4, 1000, p=[0.2, 0.2, 0.3, 0.3])]
    columns = compare(before, now, 0.03)
    assert [name for name, column in columns.items() if column.alarmed] == ["letters2"]
    assert next(iter(columns)) == "letters2"
    assert "the share of `" in columns["letters2"].alarms[0].evidence


@pytest.mark.parametrize("rows", [1_000, 10_000, 100_000, 1_000_000])
def test_the_verdict_is_the_same_at_every_size(rows: int) -> None:
    draw = np.random.default_rng(rows)
    before = {"still": draw.normal(size=rows), "trifle": draw.normal(size=rows), "moved": draw.normal(size=rows)}
    now = {"still": draw.normal(size=rows), "trifle": draw.normal(0.03, 1, rows), "moved": draw.normal(0.5, 1, rows)}
    columns = compare(before, now)
    assert [name for name, column in columns.items() if column.alarmed] == ["moved"]


def test_a_trifle_among_a_million_rows_is_significant_and_yet_no_alarm() -> None:
    draw = np.random.default_rng(5)
    column = compare({"x": draw.normal(size=1_000_000)}, {"x": draw.normal(0.02, 1, 1_000_000)})["x"]
    assert column.p_value < 1e-6
    assert not column.alarmed


def test_missing_values_are_an_alarm_of_their_own() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    holes = np.where(np.arange(1000) % 10 == 0, np.nan, values[1000:])
    column = compare({"x": values[:1000]}, {"x": holes})["x"]
    assert kinds(column) == ["missing"]
    assert (column.statistic, column.value) == ("missing_share", 0.1)
    assert "the share of rows without a value went from 0.0% to 10.0%" in column.alarms[0].evidence


def test_values_that_cease_to_be_missing_are_an_alarm_too() -> None:
    column = compare({"x": [None, 1.0] * 200}, {"x": [1.0] * 400})["x"]
    assert kinds(column) == ["missing"]


def test_unseen_categories_are_an_alarm_of_their_own() -> None:
    column = compare({"x": list("aabb") * 100}, {"x": ["a", "b"] * 190 + ["violet"] * 20})["x"]
    assert kinds(column) == ["unseen"]
    assert column.value == 0.05
    assert "5.0% of the values were never seen in the reference, such as `violet`" in column.alarms[0].evidence


def test_a_new_rare_category_is_no_surprise_where_rare_ones_are_usual() -> None:
    usual = ["a"] * 400 + [f"once{number}" for number in range(40)]
    column = compare({"x": usual}, {"x": ["a"] * 400 + [f"new{number}" for number in range(40)]})["x"]
    assert kinds(column) == []


def test_values_out_of_range_are_an_alarm_of_their_own() -> None:
    draw = np.random.default_rng(2)
    now = draw.random(1000)
    now[:30] = 7.0
    column = compare({"x": draw.random(1000)}, {"x": now})["x"]
    assert "range" in kinds(column)
    assert column.alarms[0].statistic == "out_of_range_share"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([5.0] * 100, [7.0] * 100, id="another constant"),
        pytest.param([0.0, 10.0] * 100, [5.0] * 100, id="between the only values"),
        pytest.param([0.0, 10.0] * 100, [0.0, 10.0, 10.0, float("inf")] * 25, id="infinity"),
    ],
)
def test_values_unlike_any_before_are_out_of_range(before: list[float], now: list[float]) -> None:
    assert "range" in kinds(compare({"x": before}, {"x": now})["x"])


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([], [], id="no rows"),
        pytest.param([1.0] * 50, [], id="no current rows"),
        pytest.param([], [1.0] * 50, id="no reference rows"),
        pytest.param([None] * 50, [None] * 50, id="nothing but missing"),
        pytest.param([1.0] * 50, [1.0] * 50, id="a constant"),
        pytest.param([1.0, 2.0], [3.0], id="three rows"),
    ],
)
def test_nothing_to_compare_is_no_alarm(before: list[float | None], now: list[float | None]) -> None:
    as_numbers = {"x": pl.Series(before, dtype=pl.Float64)}
    assert not compare(as_numbers, {"x": pl.Series(now, dtype=pl.Float64)})["x"].alarmed


def test_identical_rows_give_zero() -> None:
    values = np.random.default_rng(0).normal(size=500)
    column = compare({"x": values}, {"x": values})["x"]
    assert (column.effect, column.value, column.p_value) == (0.0, 0.0, 1.0)


def test_a_column_that_is_gone_is_named() -> None:
    known = profile(pl.DataFrame({"x": [1.0]}), Signature("regression", "y", (Field("x", "number"),)))
    with pytest.raises(DataError, match="no column `x`"):
        drift(known, Profile(), 0.05)


def test_the_picture_of_a_column_that_moved_holds_all_rows_of_both_sides() -> None:
    draw = np.random.default_rng(3)
    before, now = thirty(draw, 1000), thirty(draw, 1000)
    now["normal0"], now["whole1"] = now["normal0"] + 4, now["whole1"] + 1
    now["letters2"] = np.where(draw.random(1000) < 0.3, "new", now["letters2"])
    found = {name: column.spread for name, column in compare(before, now).items() if column.alarmed}
    assert found.keys() == {"normal0", "whole1", "letters2"}
    for seen in found.values():
        assert seen is not None
        assert sum(seen.usual) == pytest.approx(1)
        assert sum(seen.now) == pytest.approx(1)
        assert len(seen.cells) <= 11
    assert found["letters2"].cells[-1] == "all others"
    assert found["normal0"].cells[-1] == "no value"
    assert found["whole1"].cells[0] == "0 to 1"
