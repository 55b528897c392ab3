"""Checks that rows suggest, each with what was found: what `init` writes down, and `explore` points at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from millrace.sources.proposing.personal_names import protection
from millrace.sources.proposing.survey import ColumnFacts, Survey

#: Texts of no more different values than this are a set.
_SET = 6
_MOST = 40
_COUNTED = re.compile(
    r"(?i)(age|tenure|count|num|amount|total|price|charge|cost|income|population|household|room|hour|day|month|year"
    r"|duration|quantity|qty|size|length|weight|height|distance|visits|clicks)"
)
#: Names whose values have bounds by their meaning.
_BOUNDS = (
    (re.compile(r"(?i)(^|[_\W])lat(itude)?$"), -90, 90),
    (re.compile(r"(?i)(^|[_\W])(lon|lng|long)(itude)?$"), -180, 180),
    (re.compile(r"(?i)(percent|pct|percentage)"), 0, 100),
    (re.compile(r"(?i)(prob(ability)?|share|fraction|ratio)$"), 0, 1),
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A check by its `name`, as an SQL expression over the row, and what was found that suggests it."""

    name: str
    sql: str
    evidence: str


def proposed_checks(found: Survey, target: ColumnFacts | None, identity: ColumnFacts | None) -> tuple[Proposed, ...]:
    """What held for every row and is likely to be meant: presence, sets of values, bounds, patterns.

    The key needs no check: it is held to be there and different by being the key.
    """
    proposed: dict[str, Proposed] = {}
    for column in found.columns:
        for check in _checks(column, found, column is target) if column is not identity else ():
            name = check.name
            while name in proposed:
                name += "_too"
            proposed[name] = Proposed(name, check.sql, check.evidence)
    return tuple(proposed.values())[:_MOST]


def _checks(column: ColumnFacts, found: Survey, is_target: bool) -> Iterator[Proposed]:
    slug = re.sub(r"[^a-z0-9]+", "_", column.name.lower()).strip("_") or "column"
    slug = f"column_{slug}" if slug[0].isdigit() else slug
    name = identifier(column.name)
    here = found.rows - column.absent - sum(column.markers.values())
    if here == found.rows and not column.strays and (is_target or column.identifying_name or column.type == "datetime"):
        yield Proposed(f"{slug}_there", f"{name} is not null", f"there in {here:,} of {found.rows:,} rows")
    if protection(column.name):
        return  # any other check would quote personal values
    values = [value for value in column.values if value not in column.markers]
    if column.type == "text" and 2 <= len(values) <= _SET and found.whole and max(map(len, values)) <= _MOST:
        allowed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        yield Proposed(f"{slug}_known", f"{name} in ({allowed})", f"these {len(values)} values were found")
    elif column.pattern:
        sql = f"regexp_like({name}, '^{column.pattern}$')"
        yield Proposed(f"{slug}_shaped", sql, f"so are all of {here:,}, {column.distinct:,} of them different")
    if not is_target:
        yield from _bounded(column, slug, name)


def _bounded(column: ColumnFacts, slug: str, name: str) -> Iterator[Proposed]:
    """Bounds that the name gives, where the values keep them; else zero for what is counted."""
    if column.low is None or column.high is None or column.distinct <= 2:
        return
    evidence = f"{shown(column.low)} to {shown(column.high)} were found"
    for pattern, low, high in _BOUNDS:
        if pattern.search(column.name) and low <= column.low and column.high <= high:
            yield Proposed(f"{slug}_in_bounds", f"{name} between {low} and {high}", evidence)
            return
    counted = _COUNTED.search(column.name) or (column.type == "integer" and column.distinct > 10)
    if column.low >= 0 and counted:
        yield Proposed(f"{slug}_not_negative", f"{name} >= 0", evidence)


def shown(number: float) -> str:
    """A number as people write it.

    Examples
    --------
    >>> shown(1484705.0), shown(0.25)
    ('1,484,705', '0.25')
    """
    return f"{number:,.12g}"


def identifier(name: str) -> str:
    """`name` in SQL; quoted unless it is surely no keyword."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _keywords()
    return name if plain else '"' + name.replace('"', '""') + '"'


@cache
def _keywords() -> frozenset[str]:
    """Every word that SQL gives a meaning; quoting one too many does no harm."""
    import duckdb

    with duckdb.connect() as connection:
        return frozenset(row[0] for row in connection.sql("select keyword_name from duckdb_keywords()").fetchall())
