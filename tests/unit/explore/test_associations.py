import numpy as np
import polars as pl
import pytest

from millrace.explore.associations import associate, nearest_to
from millrace.explore.columns import summarise


def associated(**columns):
    frame = pl.DataFrame(columns)
    return associate(frame, summarise(frame))


def test_a_two_by_two_table_by_hand():
    # 30 and 10, 10 and 30: chi² = 20 of 80, phi² = 0.25; without chance: phi² - 1/79 over min(2 - 1/79) - 1
    a = ["u"] * 40 + ["v"] * 40
    b = ["s"] * 30 + ["t"] * 10 + ["s"] * 10 + ["t"] * 30
    assert associated(a=a, b=b).between("a", "b") == pytest.approx(((0.25 - 1 / 79) / (1 - 1 / 79)) ** 0.5)


def test_a_curve_is_seen_where_correlation_is_zero():
    x = np.linspace(-1, 1, 2001)
    assert associated(x=x, y=x**2).between("x", "y") > 0.6


def test_chance_gives_almost_nothing():
    rng = np.random.default_rng(5)
    found = associated(a=rng.normal(size=3000), b=rng.normal(size=3000))
    assert found.between("a", "b") < 0.05


def test_what_is_missing_can_tell():
    flag = ["y", "n"] * 200
    value = [None if f == "y" else 1.5 + i for i, f in enumerate(flag)]
    assert associated(flag=flag, value=value).between("flag", "value") > 0.95


def test_the_closest_come_first():
    x = list(range(500))
    found = associated(target=[i // 250 for i in x], close=x, unrelated=[i % 7 for i in x])
    assert next(iter(nearest_to("target", found))) == "close"
