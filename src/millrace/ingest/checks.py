"""What must hold for a row: SQL expressions over its columns, compiled to Polars expressions.

A check that gives null passes, as a CHECK constraint does in SQL: say `tenure is not null` to require a value. An
expression is parsed once by DuckDB, to allow only what looks at one row and nothing else, and then compiled by Polars,
which runs it. Neither evaluates anything of the text while looking at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from millrace.errors import ProjectFileError, nearest
from millrace.ingest.built_in import BUILT_IN, REQUIRED

if TYPE_CHECKING:
    import duckdb

_CLASSES = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "TYPE"}
)
_OPERATORS = frozenset(
    {"+", "-", "*", "/", "%", "||", "~~", "!~~", "~~*", "!~~*", "regexp_full_match", "regexp_matches"}
)
# fmt: off
_FUNCTIONS = frozenset({
    "abs", "ceil", "ceiling", "coalesce", "concat", "contains", "date_part", "day", "ends_with", "exp", "floor",
    "greatest", "ifnull", "least", "left", "length", "ln", "log10", "lower", "ltrim", "mod", "month", "nullif",
    "pow", "power", "regexp_like", "replace", "right", "round", "rtrim", "sign", "sqrt", "starts_with", "strpos",
    "substr", "substring", "trim", "upper", "year",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Check:
    """One compiled check: `holds` is Boolean per row, null where it cannot say; `columns` are those it looks at.

    `refusal` says what is wrong with a row for which it does not hold.
    """

    name: str
    refusal: str
    holds: pl.Expr
    columns: tuple[str, ...]


def compile_checks(checks: Mapping[str, str], schema: Mapping[str, pl.DataType], where: str) -> tuple[Check, ...]:
    """The checks by name, for rows of `schema`.

    Raises `ProjectFileError` for what is no expression over one row of these columns: another statement, a subquery,
    an aggregate or window, an unknown function or column, a result that is not true or false; and for the name of a
    built-in rule.

    Examples
    --------
    >>> (check,) = compile_checks({"positive": "tenure >= 0"}, {"tenure": pl.Int64()}, "sources.customers")
    >>> pl.DataFrame({"tenure": [3, -1, None]}).select(check.holds).to_series().to_list()
    [True, False, None]
    """
    for name in checks:
        if name in BUILT_IN:
            raise ProjectFileError(
                f"`{name}` is the name of a built-in rule, so refused rows could not tell the two apart.",
                where=f"{where}.checks.{name}",
                code="config.check-name",
                allowed=[f"any other name than {', '.join(sorted(BUILT_IN))}"],
                next_step=f"rename the check, for example `{name}_holds`",
            )
    return tuple(_compile(name, sql, schema, f"{where}.checks.{name}") for name, sql in checks.items())


def required(columns: Iterable[str], schema: Mapping[str, pl.DataType], where: str) -> tuple[Check, ...]:
    """A check for each column that must have a value. Raises `ProjectFileError` for one that is not in `schema`."""
    for column in columns:
        if column not in schema:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=f"{where}.required",
                code="config.unknown-column",
                allowed=schema,
                nearest=nearest(column, schema),
            )
    return tuple(Check(REQUIRED, "there is no value", pl.col(column).is_not_null(), (column,)) for column in columns)


def _compile(name: str, sql: str, schema: Mapping[str, pl.DataType], at: str) -> Check:
    columns = tuple(dict.fromkeys(_examine(node, schema, at) for node in _nodes(_parse(sql, at))))
    try:
        holds = pl.sql_expr(sql)
        dtype = pl.LazyFrame(schema=schema).select(holds.alias(name)).collect().dtypes[0]
    except pl.exceptions.PolarsError as error:
        raise _refuse(f"`{sql}` cannot be checked: {str(error).splitlines()[0]}", at, schema) from error
    if dtype != pl.Boolean:
        raise _refuse(f"`{sql}` gives {dtype}, not true or false.", at, schema)
    return Check(name, f"`{sql}` does not hold", holds, tuple(column for column in columns if column))


def _parse(sql: str, at: str) -> Any:
    """The syntax tree of the one expression `sql`, as DuckDB writes it in JSON."""
    with _parser().cursor() as session:
        ((text,),) = session.execute("select json_serialize_sql(?::varchar)", [f"select {sql}\n"]).fetchall()
    tree = json.loads(text)
    if tree.get("error", True):
        raise _refuse(f"`{sql}` is not an SQL expression: {tree.get('error_message', 'not understood')}", at)
    node = tree["statements"][0]["node"]
    only = len(tree["statements"]) == 1 and node["type"] == "SELECT_NODE" and len(node.get("select_list", ())) == 1
    if not only or node["from_table"]["type"] != "EMPTY" or node["where_clause"] or node["modifiers"]:
        raise _refuse(f"`{sql}` is more than one expression over a row.", at)
    return node["select_list"][0]


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One session parses everything; to open one takes longer than to parse."""
    import duckdb

    return duckdb.connect(config={"enable_external_access": "false"})


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, Mapping):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _examine(node: Mapping[str, Any], schema: Mapping[str, pl.DataType], at: str) -> str:
    """The column that `node` names, or nothing. Raises `ProjectFileError` when a check may not say this."""
    kind = node["class"]
    if kind not in _CLASSES:
        raise _refuse(f"A check looks at one row alone; a {kind.lower()} is not allowed.", at)
    if kind == "FUNCTION":
        name = str(node["function_name"]).lower()
        if name not in (_OPERATORS if node["is_operator"] else _FUNCTIONS | _OPERATORS):
            seen = f"`{name}` is not a function that checks know."
            raise ProjectFileError(
                seen, where=at, code="config.check", allowed=sorted(_FUNCTIONS), nearest=nearest(name, _FUNCTIONS)
            )
    if kind == "CAST" and not node["try_cast"] and node["child"]["class"] != "CONSTANT":
        raise _refuse("`cast` stops at the first value that does not fit; `try_cast` gives null there.", at)
    if kind != "COLUMN_REF":
        return ""
    column = ".".join(node["column_names"])
    if column not in schema:
        seen = f"`{column}` is not a column of this source."
        raise ProjectFileError(
            seen, where=at, code="config.unknown-column", allowed=schema, nearest=nearest(column, schema)
        )
    return column


def _refuse(seen: str, at: str, columns: Mapping[str, pl.DataType] | None = None) -> ProjectFileError:
    return ProjectFileError(seen, where=at, code="config.check", allowed=columns or ())
