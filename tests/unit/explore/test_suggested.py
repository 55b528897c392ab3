import polars as pl
import pytest

from millrace.explore.suggested import as_table, suggested
from millrace.ingest.checks import compile_checks

FRAME = pl.DataFrame(
    {
        "tenure": [float(i % 73) for i in range(300)],
        "plan": [f"plan {i % 3}" for i in range(300)],
        "plate": [f"HH-{i:04}" for i in range(300)],
        "lat": [i % 90 - 44.5 for i in range(300)],
        "order_id": list(range(300)),
        "y": [i % 2 for i in range(300)],
    }
)


def test_they_hold_for_the_rows_that_suggest_them_and_are_checks_that_can_be_made():
    found = suggested(FRAME, "y")
    assert {check.name for check in found} == {
        "tenure_not_negative",
        "plan_known",
        "plate_shaped",
        "lat_in_bounds",
        "order_id_there",
        "order_id_not_negative",
        "y_there",
    }
    checks = compile_checks({check.name: check.sql for check in found}, dict(FRAME.schema), "here")
    for check in checks:
        assert FRAME.select(check.holds).to_series().all(), check.name


@pytest.mark.parametrize(
    ("column", "value", "broken"),
    [("plate", "HH-12", "plate_shaped"), ("lat", 91.0, "lat_in_bounds"), ("order_id", None, "order_id_there")],
)
def test_a_row_unlike_the_others_fails_the_check(column, value, broken):
    sql = {check.name: check.sql for check in suggested(FRAME, "y")}[broken]
    odd = FRAME.head(1).with_columns(pl.lit(value, dtype=FRAME.schema[column]).alias(column))
    (check,) = compile_checks({broken: sql}, dict(FRAME.schema), "here")
    assert odd.select(check.holds).to_series().to_list() == [False]


def test_what_is_checked_already_is_not_told_again():
    known = [check.sql.upper().replace(" >= ", "  >=  ") for check in suggested(FRAME, "y") if "tenure" in check.name]
    assert "tenure_not_negative" not in {check.name for check in suggested(FRAME, "y", known)}


def test_the_table_has_the_evidence():
    html = as_table(suggested(FRAME, "y"))
    assert "so are all of 300, 300 of them different" in html
    assert "there in 300 of 300 rows" in html
