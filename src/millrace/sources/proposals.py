"""What a survey suggests for a source: key, columns, cleaning, checks; as lines of a project file."""

from __future__ import annotations

import json
import re
from functools import cache

from millrace.sources.survey import ColumnFacts, Survey
from millrace.sources.yaml_text import expression, flow, scalar

_SET = 6
_SHOWN_CHECKS = 20
_COUNTED = re.compile(
    r"(?i)(age|tenure|count|num|amount|total|price|charge|cost|income|population|household|room|hour|day|month|year"
    r"|duration|quantity|qty|size|length|weight|height|distance|visits|clicks)"
)


def key(found: Survey, target: ColumnFacts) -> ColumnFacts | None:
    """The column that identifies rows: named like an identifier, never missing, different wherever rows differ."""
    return next(
        (
            column
            for column in found.columns
            if column.identifying_name
            and column.name != target.name
            and not column.absent
            and not column.markers
            and column.type in {"text", "integer"}
            and column.distinct == found.distinct_rows
        ),
        None,
    )


def columns(found: Survey) -> list[str]:
    """The `columns` section."""
    lines = ["    columns:"]
    for column in found.columns:
        parts = [f"type: {column.type}"]
        parts += [f"format: {json.dumps(column.format)}"] if column.format else []
        parts += [f"missing: {flow(column.markers)}"] if column.markers else []
        lines.append(f"      {scalar(column.name)}: {{{', '.join(parts)}}}  # {_evidence(column, found)}")
    return lines


def cleaning(found: Survey, identity: ColumnFacts | None) -> list[str]:
    """The `clean` section, where there is something to clean."""
    lines = []
    padded = [column for column in found.columns if column.padded]
    if padded:
        most = max(padded, key=lambda column: column.padded)
        lines.append(
            f"      - trim: all  # blanks around values in {_counted(len(padded), 'column')}, "
            f"such as {json.dumps(most.name)} in {most.padded:,} rows"
        )
    if found.repeated and identity:
        lines.append(
            f"      - drop_duplicates: {scalar(identity.name)}  # {_counted(found.repeated, 'row')} "
            f"{'repeats' if found.repeated == 1 else 'repeat'} another in every column"
        )
    notes = []
    if found.repeated and not identity:
        notes.append(
            f"    # {found.repeated:,} rows repeat another in every column; kept, since no key tells them apart."
        )
    return [*notes, *(["    clean:", *lines] if lines else [])]


def checks(found: Survey, target: ColumnFacts, identity: ColumnFacts | None) -> list[str]:
    """The `checks` section: counts that were never negative, and texts of few values."""
    proposed: dict[str, str] = {}
    for column in found.columns:
        if column is identity:
            continue
        if (check := _check(column, found, column is target)) is not None:
            name, line = check
            while name in proposed:
                name += "_too"
            proposed[name] = line
    if not proposed:
        return []
    lines = [f"      {name}: {line}" for name, line in list(proposed.items())[:_SHOWN_CHECKS]]
    return ["    checks:  # rows that fail go to quarantine, with the reason", *lines]


def drops(found: Survey, target: ColumnFacts, identity: ColumnFacts | None) -> list[tuple[ColumnFacts, str]]:
    """Columns that identify rows without being the key, with the evidence: a model would learn them by heart."""
    return [
        (column, f"{scalar(column.name)} has {column.distinct:,} different values")
        for column in found.columns
        if column is not target and column is not identity and _identifies(column, found.rows)
    ]


def _identifies(column: ColumnFacts, rows: int) -> bool:
    if column.type not in {"text", "integer"} or column.spaced or rows < 20:
        return False
    named = column.identifying_name and column.distinct > 0.5 * rows
    return named or (column.type == "text" and column.distinct == rows - column.absent and column.distinct > 0.5 * rows)


def _check(column: ColumnFacts, found: Survey, is_target: bool) -> tuple[str, str] | None:
    slug = re.sub(r"[^a-z0-9]+", "_", column.name.lower()).strip("_") or "column"
    slug = f"column_{slug}" if slug[0].isdigit() else slug
    name = _identifier(column.name)
    values = [value for value in column.values if value not in column.markers]
    if column.type == "text" and 2 <= len(values) <= _SET and found.whole and max(map(len, values)) <= 40:
        allowed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        return f"{slug}_known", f"{expression(f'{name} in ({allowed})')}  # these {len(values)} values were found"
    if column.low is None or column.low < 0 or is_target or column.distinct <= 2:
        return None
    counted = _COUNTED.search(column.name) or (column.type == "integer" and column.distinct > 10)
    if not counted or column.high is None:
        return None
    return (
        f"{slug}_not_negative",
        f"{expression(f'{name} >= 0')}  # {shown(column.low)} to {shown(column.high)} were found",
    )


def _identifier(name: str) -> str:
    """`name` in SQL; quoted unless it is surely no keyword."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _keywords()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _evidence(column: ColumnFacts, found: Survey) -> str:
    parts = []
    for marker, count in column.markers.items():
        seen = scalar(marker) if marker.strip() else "blank"
        parts.append(f"{count:,} of {found.rows:,} rows are {seen}")
    if column.strays:
        count, first = sum(column.strays.values()), next(iter(column.strays))
        parts.append(f"{count:,} of {found.rows:,} rows are no number, such as {json.dumps(first)}: to quarantine")
    if column.absent:
        parts.append(f"{column.absent:,} of {found.rows:,} rows are empty")
    if column.low is not None and column.high is not None:
        parts.append(f"{shown(column.low)} to {shown(column.high)}")
    else:
        parts.append(_counted(column.distinct, "different value"))
    return "; ".join(parts)


def shown(number: float) -> str:
    """A number as people write it.

    Examples
    --------
    >>> shown(1484705.0), shown(0.25)
    ('1,484,705', '0.25')
    """
    return f"{number:,.12g}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@cache
def _keywords() -> frozenset[str]:
    """Every word that SQL gives a meaning; quoting one too many does no harm."""
    import duckdb

    with duckdb.connect() as connection:
        return frozenset(row[0] for row in connection.sql("select keyword_name from duckdb_keywords()").fetchall())
