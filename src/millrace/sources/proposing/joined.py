"""The query that makes one row of what several sources know, along the references between them."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.sources.proposing.checks import identifier
from millrace.sources.proposing.relations import Known, Relation


def dataset(base: Known, sources: Sequence[Known], found: Sequence[Relation]) -> list[str]:
    """The `dataset` section: a row of `base`, with what it refers to, and how many rows refer to it."""
    names = {column.name for column in base.found.columns}
    table = identifier(base.name)
    chosen, joins = [f"{table}.*"], []
    joined = {base.name}
    for one in found:
        if one.of == base.name and one.to not in joined:
            parent = next(known for known in sources if known.name == one.to)
            chosen += _columns(parent, one.key, names)
            joins.append(f"left join {identifier(one.to)} on {_at(base.name, one.column)} = {_at(one.to, one.key)}")
            joined.add(one.to)
    for one in found:
        if one.to == base.name and one.of not in joined:
            counted, column = identifier(f"{one.of}_counted"), identifier(one.column)
            chosen.append(f"coalesce({counted}.n, 0) as {identifier(f'number_of_{one.of}')}")
            inner = f"select {column}, count(*) as n from {identifier(one.of)} group by {column}"
            joins.append(f"left join ({inner}) {counted} on {_at(base.name, one.key)} = {counted}.{column}")
            joined.add(one.of)
    left = [known.name for known in sources if known.name not in joined]
    note = f"  # {', '.join(left)}: nothing was found that joins {'it' if len(left) == 1 else 'them'}" if left else ""
    lines = [f"select {', '.join(chosen)}", f"from {table}", *joins]
    return [f"dataset:  # one row of {base.name} each{note}", "  sql: |", *(f"    {line}" for line in lines)]


def _columns(parent: Known, key: str, taken: set[str]) -> list[str]:
    """The columns of a source that is joined; one whose name is taken gets that of its source before it."""
    chosen = []
    for column in parent.found.columns:
        if column.name == key:
            continue
        name = column.name if column.name not in taken else f"{parent.name}_{column.name}"
        taken.add(name)
        renamed = "" if name == column.name else f" as {identifier(name)}"
        chosen.append(_at(parent.name, column.name) + renamed)
    return chosen


def _at(source: str, column: str) -> str:
    return f"{identifier(source)}.{identifier(column)}"
