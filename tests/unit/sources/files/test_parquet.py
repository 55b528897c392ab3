from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources import open_source
from millrace.testing.sources import read


def opened(path, schema=None):
    return open_source("s", SourceSettings(**{"from": path.name}), path.parent, schema)


def test_types_are_those_of_the_file(tmp_path):
    frame = pl.DataFrame(
        {
            "small": pl.Series([1], dtype=pl.Int16),
            "ratio": pl.Series([0.5], dtype=pl.Float32),
            "price": [Decimal("9.99")],
            "day": [date(2024, 1, 31)],
            "at": pl.Series([datetime(2024, 1, 31, 12)]).dt.replace_time_zone("Europe/Berlin"),
            "ok": [True],
            "zip": ["01067"],
            "tags": [["a", "b"]],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    source = opened(tmp_path / "a.parquet")
    assert source.schema() == {
        "small": "integer",
        "ratio": "number",
        "price": "number",
        "day": "date",
        "at": "datetime",
        "ok": "boolean",
        "zip": "text",
        "tags": "text",
    }
    assert read(source)[0].frame.rows() == [
        (1, 0.5, 9.99, date(2024, 1, 31), datetime(2024, 1, 31, 11), True, "01067", '["a","b"]')
    ]


def test_a_value_that_does_not_fit_a_given_schema_stands_beside_its_row(tmp_path):
    pl.DataFrame({"n": ["1", "x"]}).write_parquet(tmp_path / "a.parquet")
    batch = read(opened(tmp_path / "a.parquet", {"n": "integer"}))[0]
    assert batch.frame.rows() == [(1,), (None,)]
    assert (batch.misfits.rows(), batch.refused.height) == ([(1, "n", "x")], 0)


def test_a_fraction_in_a_column_of_whole_numbers_is_not_cut(tmp_path):
    pl.DataFrame({"n": [1.0, 1.5, None]}).write_parquet(tmp_path / "a.parquet")
    batch = read(opened(tmp_path / "a.parquet", {"n": "integer"}))[0]
    assert batch.frame.rows() == [(1,), (None,), (None,)]
    assert batch.misfits.rows() == [(1, "n", "1.5")]


def test_a_file_that_is_no_parquet_is_an_error(tmp_path):
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(SourceError, match=r"`a.parquet` cannot be read as Parquet"):
        opened(tmp_path / "a.parquet").schema()
