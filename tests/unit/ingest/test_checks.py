from __future__ import annotations

import polars as pl
import pytest

from millrace.errors import ProjectFileError
from millrace.ingest.checks import compile_checks

SCHEMA = {
    "tenure": pl.Int64(),
    "Contract": pl.String(),
    "charge": pl.Float64(),
    "since": pl.Date(),
    "a b": pl.Float64(),
    "active": pl.Boolean(),
}
ROWS = pl.DataFrame(
    {
        "tenure": [1, -1, None],
        "Contract": ["One year", "Two year", None],
        "charge": [1.5, 3.0, None],
        "since": ["2024-01-01", "2023-01-01", None],
        "a b": [1.0, -1.0, None],
        "active": [True, False, None],
    },
    schema_overrides={"tenure": pl.Int64},
).with_columns(pl.col("since").str.to_date())


@pytest.mark.parametrize(
    "sql",
    [
        "tenure >= 0",
        "Contract in ('One year', 'Month-to-month')",
        "charge between 1 and 2",
        "not (tenure < 0)",
        "since >= date '2024-01-01'",
        "Contract like 'One%'",
        "lower(Contract) = 'one year'",
        '"a b" > 0',
        "active",
        "tenure * 2 + 1 > 0 and charge / 2 < 1",
        "case when tenure > 0 then charge < 2 else false end or tenure is null and null",
        "year(since) = 2024",
        "try_cast(Contract as integer) is null and tenure > 0",
    ],
)
def test_an_expression_says_true_false_or_nothing(sql):
    (check,) = compile_checks({"c": sql}, SCHEMA, "s")
    assert ROWS.select(check.holds).to_series().to_list() == [True, False, None]


@pytest.mark.parametrize("name", ["type", "unreadable", "required", "new_columns", "lost_columns"])
def test_a_check_cannot_have_the_name_of_a_built_in_rule(name):
    with pytest.raises(ProjectFileError, match=f"`{name}` is the name of a built-in rule") as told:
        compile_checks({"positive": "tenure >= 0", name: "tenure >= 0"}, SCHEMA, "sources.customers")
    assert told.value.where == f"sources.customers.checks.{name}"


def test_a_required_value_is_said_so():
    (check,) = compile_checks({"c": "tenure is not null"}, SCHEMA, "s")
    assert ROWS.select(check.holds).to_series().to_list() == [True, True, False]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("tenure > (select 1)", "a subquery is not allowed"),
        ("tenure in (select 1)", "a subquery is not allowed"),
        ("exists (select 1)", "a subquery is not allowed"),
        ("row_number() over () > 1", "a window is not allowed"),
        ("charge > avg(charge)", "`avg` is not a function that checks know"),
        ("read_csv('/etc/passwd') is null", "`read_csv` is not a function"),
        ("getenv('HOME') = ''", "`getenv` is not a function"),
        ("tenure > 0; drop table x", "not an SQL expression"),
        ("tenure > 0; select 1", "more than one expression"),
        ("tenure > 0 from x", "more than one expression"),
        ("tenure > 0, charge > 0", "more than one expression"),
        ("tenure > 0 order by tenure", "more than one expression"),
        ("tenure > 0 group by tenure", "cannot be checked"),
        ("*", "a star is not allowed"),
        ("tenure > ?", "a parameter is not allowed"),
        ("tenure >", "not an SQL expression"),
        ("", "not an SQL expression"),
        ("tenure", "gives Int64, not true or false"),
        ("Contract > 1", "cannot be checked"),
        ("cast(Contract as integer) > 1", "`try_cast` gives null"),
    ],
)
def test_what_is_no_expression_over_one_row_is_refused(sql, said):
    with pytest.raises(ProjectFileError, match=said) as caught:
        compile_checks({"odd": sql}, SCHEMA, "sources.customers")
    assert caught.value.where == "sources.customers.checks.odd"


@pytest.mark.parametrize(("sql", "near"), [("tenur > 0", "tenure"), ("contract = 'x'", "Contract")])
def test_an_unknown_column_is_named_with_those_known(sql, near):
    with pytest.raises(ProjectFileError, match="is not a column of this source") as caught:
        compile_checks({"c": sql}, SCHEMA, "s")
    assert caught.value.nearest == near
    assert caught.value.allowed == tuple(SCHEMA)
