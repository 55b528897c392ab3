"""Encoding promises: the order of operations that the packaged graph repeats, worked by hand."""

from datetime import date, datetime

import numpy as np
import polars as pl

from millrace.records.encoding import Encoding, LookupEncoding, NumberEncoding, PeriodEncoding
from millrace.train.encode import encode, numbers


def encoded(values: list[object], encoding: Encoding) -> list[list[float]]:
    matrix = encode(pl.DataFrame({"x": values}), [encoding])
    assert matrix.dtype == np.float32
    return matrix.tolist()


def test_numbers_are_clipped_filled_centred_and_scaled_in_this_order() -> None:
    # 9 → 4 → (4-2)*0.5 = 1; missing → 8 (not clipped) → 3, flagged; -1 → 0 → -1.
    encoding = NumberEncoding("x", fill=8.0, indicator=True, center=2.0, factor=0.5, low=0.0, high=4.0)
    assert encoded([9.0, None, -1.0], encoding) == [[1.0, 0.0], [3.0, 1.0], [-1.0, 0.0]]


def test_scaling_happens_in_float64_and_rounding_last() -> None:
    # 2**24 + 1 has no float32: rounding first would give 0.
    assert encoded([16_777_217], NumberEncoding("x", center=16_777_216.0)) == [[1.0]]


def test_missing_stays_nan_without_a_fill() -> None:
    assert np.isnan(encoded([None, 1.0], NumberEncoding("x", low=0.0))[0][0])


def test_lookup_tells_known_missing_and_unseen_apart() -> None:
    encoding = LookupEncoding("x", ("a", "b"), ((1.0, 2.0), (3.0, 4.0)), missing=(5.0, 6.0), unseen=(7.0, 8.0))
    assert encoded(["b", "", None, "z", "a"], encoding) == [[3.0, 4.0], [5.0, 6.0], [5.0, 6.0], [7.0, 8.0], [1.0, 2.0]]


def test_a_quarter_of_a_period_is_a_quarter_turn() -> None:
    waves = encode(
        pl.DataFrame({"x": [datetime(1970, 1, 1, 6), None, datetime(1970, 1, 3)]}), [PeriodEncoding("x", 86400.0)]
    )
    np.testing.assert_allclose(waves, [[1, 0], [0, 0], [0, 1]], atol=1e-7)


def test_dates_are_days_and_datetimes_seconds() -> None:
    frame = pl.DataFrame({"day": [date(1970, 1, 3)], "moment": [datetime(1970, 1, 1, 0, 0, 1, 500_000)]})
    assert (numbers(frame, "day").tolist(), numbers(frame, "moment").tolist()) == ([2.0], [1.5])


def test_a_datetime_of_any_resolution_gives_seconds() -> None:
    frame = pl.DataFrame({"moment": pl.Series([datetime(1970, 1, 2)]).cast(pl.Datetime("ms"))})
    assert numbers(frame, "moment").tolist() == [86400.0]
