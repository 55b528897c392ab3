"""What a survey suggests for a source: key, columns, cleaning, checks; as lines of a project file."""

from __future__ import annotations

import json
from collections.abc import Sequence

from millrace.sources.proposing.checks import proposed_checks, shown
from millrace.sources.proposing.personal_names import protection
from millrace.sources.proposing.relations import Relation
from millrace.sources.proposing.survey import ColumnFacts, Survey
from millrace.sources.proposing.yaml_text import expression, flow, scalar

#: In fewer rows, values may be different by chance.
_FEWEST = 20


def key(found: Survey, target: ColumnFacts | None) -> ColumnFacts | None:
    """The column that identifies rows: named like an identifier, never missing, different wherever rows differ."""
    return next(
        (
            column
            for column in found.columns
            if column.identifying_name
            and column is not target
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


def unique(found: Survey, target: ColumnFacts | None, identity: ColumnFacts | None, *, keyed: bool) -> list[str]:
    """The `unique` section: columns that identify rows beside the key; where no column does, two that do together.

    `keyed` says that the source has a key of several columns.
    """
    if not found.whole or found.rows < _FEWEST:
        return []
    fit = [
        column
        for column in found.columns
        if column not in (target, identity)
        and column.type in {"text", "integer"}
        and not (column.absent or column.markers or column.strays)
    ]
    alone = [column for column in fit if column.distinct == found.rows and (column.identifying_name or column.pattern)]
    if alone:
        names = flow([alone[0].name])[1:-1] if len(alone) == 1 else f"[{', '.join(flow([one.name]) for one in alone)}]"
        each = " each" if len(alone) > 1 else ""
        return [f"    unique: {names}  # {found.rows:,} of {found.rows:,} rows have another value{each}"]
    if identity or keyed or len(found.together) < 2:
        return []
    return [f"    unique: {flow(found.together)}  # together different in all of {found.rows:,} rows"]


def references(found: Sequence[Relation]) -> list[str]:
    """The `references` section, where columns refer to other sources."""
    if not found:
        return []
    lines = [f"      {scalar(one.column)}: {scalar(f'{one.to}.{one.key}')}  # {one.evidence}" for one in found]
    return ["    references:  # rows that refer to nothing go to quarantine", *lines]


def checks(found: Survey, target: ColumnFacts | None, identity: ColumnFacts | None) -> list[str]:
    """The `checks` section, where the rows suggest any."""
    proposed = proposed_checks(found, target, identity)
    lines = [f"      {check.name}: {expression(check.sql)}  # {check.evidence}" for check in proposed]
    return ["    checks:  # rows that fail go to quarantine, with the reason", *lines] if lines else []


def personal(found: Survey, target: ColumnFacts | None) -> list[str]:
    """What `pii` could say, commented out: whether values are personal is for people to say, and it needs a key."""
    looks = {column.name: protection(column.name) for column in found.columns if column is not target}
    words = [f"{scalar(name)}: {word}" for name, word in looks.items() if word]
    return [f"    # pii: {{{', '.join(words)}}}  # these look personal; needs MILLRACE_PII_KEY"] if words else []


def drops(found: Survey, target: ColumnFacts | None, identity: ColumnFacts | None) -> list[tuple[ColumnFacts, str]]:
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


def _evidence(column: ColumnFacts, found: Survey) -> str:
    parts = []
    for marker, count in column.markers.items():
        seen = scalar(marker) if marker.strip() else "blank"
        parts.append(f"{count:,} of {found.rows:,} rows are {seen}")
    if column.strays:
        count, first = sum(column.strays.values()), next(iter(column.strays))
        example = "" if protection(column.name) else f", such as {json.dumps(first)}"
        parts.append(f"{count:,} of {found.rows:,} rows are no number{example}: to quarantine")
    if column.absent:
        parts.append(f"{column.absent:,} of {found.rows:,} rows are empty")
    if column.low is not None and column.high is not None and not protection(column.name):
        parts.append(f"{shown(column.low)} to {shown(column.high)}")
    else:
        parts.append(_counted(column.distinct, "different value"))
    return "; ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
