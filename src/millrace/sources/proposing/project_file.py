"""The project file that a first look at data suggests, each line with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from millrace.config.schema import SourceSettings
from millrace.errors import UsageError, nearest
from millrace.sources.base import Look
from millrace.sources.files.dialect import distinct, numbered
from millrace.sources.proposing.checks import shown
from millrace.sources.proposing.joined import dataset
from millrace.sources.proposing.looking import asked, look
from millrace.sources.proposing.relations import Known, Relation, relations
from millrace.sources.proposing.source import (
    checks,
    cleaning,
    columns,
    drops,
    key,
    personal,
    references,
    unique,
)
from millrace.sources.proposing.survey import ColumnFacts, Survey, survey
from millrace.sources.proposing.yaml_text import flow, scalar
from millrace.sources.registry import kind_of

_TARGETS = re.compile(
    r"(target|label|class|outcome|response|y|churn(ed)?|default(ed)?|income|price|sale_?price|quality|survived"
    r"|species|diagnosis|fraud|is_?fraud|converted|result|attrition|\w+_(target|label|class|outcome))",
    re.IGNORECASE,
)

_NAMED = "chosen because targets often have this name"
_HEAD = (
    "# Comments say what each line rests on; correct what you know better.",
    "version: 1",
    "",
    "sources:",
)


def propose(
    path: str | Sequence[str],
    predict: str | None = None,
    folder: Path | None = None,
    *,
    table: str | Sequence[str] | None = None,
    query: str | None = None,
) -> str:
    """The text of a commented project file for the data at `path`.

    Parameters
    ----------
    path
        A file or glob, relative to the working folder, a URL, or ``package.module:function``; or several, each of which
        becomes a source.
    predict
        The target column, or ``last``; without it the likeliest is proposed.
    folder
        Where the project file will stand; the data's path is written relative to it. Default: the working folder.
    table, query
        What to read of a database; each of several tables becomes a source.

    Raises
    ------
    UsageError
        `predict` is no column of the data; or a database's table is not named, not there, or asked of something else.
    SourceError
        The data cannot be read, or has no rows.
    """
    here = folder or Path.cwd()
    looks = [_looked(one, here, predict) for one in asked(path, table, query)]
    surveys = [survey(seen.frame, seen.schema, seen.refused, seen.whole) for _, seen in looks]
    base, target, reason = _targeted(surveys, predict)
    known = [
        Known(name, seen.frame, found, _identity(seen, found, target if found is base else None))
        for name, (_, seen), found in zip(_names(looks), looks, surveys, strict=True)
    ]
    found = relations(known) if len(known) > 1 else ()
    lines = [f"# Proposed by `millrace init` from {_rows(known)}.", *_HEAD]
    for (said, seen), one in zip(looks, known, strict=True):
        lines += _section(said, seen, one, target, [relation for relation in found if relation.of == one.name])
    rows = next(one for one in known if one.found is base)
    lines += ["", *dataset(rows, known, found)] if len(known) > 1 else []
    lines += ["", *_model(target, reason, drops(base, target, rows.key))]
    return "\n".join(lines) + "\n"


def _section(
    said: SourceSettings, seen: Look, known: Known, target: ColumnFacts, found: Sequence[Relation]
) -> list[str]:
    """The lines of one source."""
    rows, identity = known.found, known.key
    return [
        f"  {scalar(known.name)}:",
        *seen.lines,
        *_headless(said, rows),
        *_refusals(rows),
        *([f"    key: {scalar(identity.name)}  # {_distinct(identity, rows)}"] if identity and not seen.key else []),
        *_keyless(seen, identity),
        *columns(rows),
        *cleaning(rows, identity),
        *unique(rows, target, identity, keyed=bool(seen.key)),
        *references(found),
        *checks(rows, target, identity),
        *personal(rows, target),
    ]


def _looked(said: SourceSettings, folder: Path, predict: str | None) -> tuple[SourceSettings, Look]:
    """What is said, and a look at it, rather at its part that has the column to predict."""
    seen = look(said, folder)
    if predict is not None and predict not in seen.schema and predict in seen.elsewhere:
        said = seen.elsewhere[predict]
        seen = look(said, folder)
    return said, seen


def _names(looks: Sequence[tuple[SourceSettings, Look]]) -> list[str]:
    """The names of the sources, each once."""
    return list(distinct([seen.name for _, seen in looks]))


def _rows(known: Sequence[Known]) -> str:
    """How many rows were looked at."""
    counts = [f"{one.found.rows:,} rows{'' if one.found.whole else ' (the first ones)'}" for one in known]
    told = [f"{count} of {one.name}" for count, one in zip(counts, known, strict=True)]
    return counts[0] if len(known) == 1 else ", ".join(told[:-1]) + f" and {told[-1]}"


def _identity(seen: Look, found: Survey, target: ColumnFacts | None) -> ColumnFacts | None:
    """The column that identifies rows, if a single one does."""
    if seen.key:
        return next((column for column in found.columns if (column.name,) == seen.key), None)
    return key(found, target)


def _distinct(identity: ColumnFacts, found: Survey) -> str:
    repeats = f"; {found.repeated:,} rows repeat another whole" if found.repeated else ""
    return f"{identity.distinct:,} of {found.rows:,} distinct, none missing{repeats}"


def _targeted(surveys: Sequence[Survey], predict: str | None) -> tuple[Survey, ColumnFacts, str]:
    """The survey that has the column to predict, that column, and why it was chosen; the first one that has it."""
    names = [column.name for found in surveys for column in found.columns]
    if predict not in {None, "last", *names}:
        raise UsageError(
            f"There is no column `{predict}` to predict.",
            where="millrace init --predict",
            allowed=[*dict.fromkeys(names), "last"],
            nearest=nearest(predict or "", names),
        )
    chosen = [(found, *_target(found, predict)) for found in surveys if predict in {None, "last", *_by_name(found)}]
    return next((one for one in chosen if one[2] == _NAMED), chosen[0])


def _by_name(found: Survey) -> dict[str, ColumnFacts]:
    return {column.name: column for column in found.columns}


def _target(found: Survey, predict: str | None) -> tuple[ColumnFacts, str]:
    if predict in (by_name := _by_name(found)):
        return by_name[predict], ""
    if predict == "last":
        return found.columns[-1], ""
    usable = [column for column in found.columns if column.distinct > 1] or list(found.columns)
    named = next((column for column in reversed(usable) if _TARGETS.fullmatch(column.name)), None)
    if named:
        return named, _NAMED
    return usable[-1], "chosen because it is the last column"


def _headless(said: SourceSettings, found: Survey) -> list[str]:
    names = tuple(column.name for column in found.columns)
    if said.use or not kind_of(said.from_).otherwise or names != numbered(len(names)):
        return []
    return [
        "    header: false  # the first line holds values, not names",
        f"    names: {flow(names)}  # rename them here and below",
    ]


def _keyless(seen: Look, identity: ColumnFacts | None) -> list[str]:
    if identity or seen.key or not seen.keyed:
        return []
    return ["    # key: <column>  # is needed; no identifier was found that is different in every row"]


def _refusals(found: Survey) -> list[str]:
    if not found.refused:
        return []
    return [f"    # {found.refused:,} lines cannot be read and will go to quarantine with the reason."]


def _model(target: ColumnFacts, reason: str, dropped: list[tuple[ColumnFacts, str]]) -> list[str]:
    comments = "; ".join(part for part in (reason, _values_of(target)) if part)
    lines = ["model:", f"  predict: {scalar(target.name)}  # {comments}", f"  {_task(target)}"]
    if dropped:
        why = "; ".join(evidence for _, evidence in dropped)
        lines.append(f"  drop: {flow(column.name for column, _ in dropped)}  # {why}")
    lines += [
        "  split: {test: 15%, validation: 15%}",
        "  budget: 1 min",
        "  # gate:  # conditions a model must meet to be released",
        f"  #   - {'r2 >= 0.50' if _many_numbers(target) else 'accuracy >= 0.80'}",
        "  #   - better than champion",
    ]
    return lines


def _values_of(target: ColumnFacts) -> str:
    if target.low is not None and target.high is not None and _many_numbers(target):
        return f"{shown(target.low)} to {shown(target.high)}"
    listed = ", ".join(f"{scalar(value)} {count:,}" for value, count in list(target.values.items())[:4])
    more = ", …" if target.distinct > 4 else ""
    return f"{target.distinct:,} different values" + (f": {listed}{more}" if listed else "")


def _task(target: ColumnFacts) -> str:
    if target.distinct == 2:
        rarer = scalar(list(target.values)[-1])
        return f"task: auto  # two values, so binary; `positive` is the rarer one, {rarer}, unless stated"
    if _many_numbers(target):
        return "task: auto  # numbers of many values, so regression"
    if target.low is not None:
        return "task: auto  # few whole numbers; `multiclass` or `regression` states it outright"
    return "task: auto  # texts of several values, so multiclass"


def _many_numbers(target: ColumnFacts) -> bool:
    return target.low is not None and (target.distinct > 20 or target.type == "number")
