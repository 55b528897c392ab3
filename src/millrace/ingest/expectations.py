"""Whether a load is as it is expected to be; nothing is refused or removed for it.

The newest load counts, whenever it came: what it brought stays as odd as it was until another one comes. A load without
rows is none; `fresh` is what notices that nothing comes any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median

import polars as pl

from millrace.config.expectations import Expectations, parse_bounds
from millrace.errors import ExpectationError, ProjectFileError, nearest
from millrace.records.ingestion import Expectation, Ingested
from millrace.store.loads import Load, newest
from millrace.store.objects import Store
from millrace.store.tables import Snapshot, Table

#: So many loads before it a load is compared with.
_BEFORE = 7
_DAY = 86_400


def judge(source: str, expect: Expectations, store: Store, at: datetime) -> tuple[Expectation, ...]:
    """What is expected of `source`, and whether its newest load and its table, at the moment `at`, are like that.

    Raises `ProjectFileError` where `fresh` names what is no time column of the table.
    """
    if not expect:
        return ()
    loads = newest(store, source, _BEFORE + 1)
    now = Table(store, f"tables/{source}").snapshot()
    if now.number:
        check_columns(expect, now.schema(), f"sources.{source}")
    counted = list(_counted(expect, loads[0], loads[1:])) if loads else []
    return (*counted, *(_fresh(column, limit, now, at) for column, limit in expect.fresh.items() if now.number))


def hold(ingested: Iterable[Ingested]) -> None:
    """Raise `ExpectationError` unless every load is as expected."""
    failed = [f"{one.source}: {told.text}" for one in ingested for told in one.expectations if not told.holds]
    if failed:
        raise ExpectationError(
            f"A load is not as expected: {'; '.join(failed)}. Its rows are in the table; nothing learns from them.",
            where="expect",
            next_step="mend the source and ingest again, or change `expect` in the project file",
        )


def check_columns(expect: Expectations, columns: Mapping[str, pl.DataType], where: str) -> None:
    """Raise `ProjectFileError` where `fresh` names what is no time column."""
    for column in expect.fresh:
        if column not in columns:
            raise ProjectFileError(
                f"`{column}` is not a column of this source.",
                where=f"{where}.expect.fresh",
                code="config.unknown-column",
                allowed=columns,
                nearest=nearest(column, columns),
            )
        if not columns[column].is_temporal():
            times = [name for name, dtype in columns.items() if dtype.is_temporal()]
            seen = f"`{column}` holds no time, so it cannot be fresh."
            raise ProjectFileError(seen, where=f"{where}.expect.fresh", code="config.value", allowed=times)


def _counted(expect: Expectations, load: Load, before: list[Load]) -> Iterator[Expectation]:
    read, refused = load.counts.read, load.counts.quarantined
    if expect.rows:
        holds = parse_bounds(expect.rows).hold(read)
        yield Expectation("rows", holds, f"{read:,} rows were read; expected: {expect.rows}")
    if expect.rows_change and before:
        usual = median(one.counts.read for one in before)
        change = (read - usual) / usual
        told = f"{read:,} rows were read, {change:+.0%} against {usual:,.0f}, the median of {len(before)} before"
        holds = parse_bounds(expect.rows_change).hold(abs(change))
        yield Expectation("rows_change", holds, f"{told}; expected: {expect.rows_change}")
    if expect.quarantined:
        share = refused / read
        told = f"{refused:,} of {read:,} rows were refused, {share:.2%}; expected: {expect.quarantined}"
        yield Expectation("quarantined", parse_bounds(expect.quarantined).hold(share), told)


def _fresh(column: str, limit: float, now: Snapshot, at: datetime) -> Expectation:
    """A value of the future tells nothing about what came lately, so it does not count; dates count as whole days."""
    day = now.schema()[column] == pl.Date
    moment = at.astimezone(UTC).replace(tzinfo=None)
    until = moment.date() if day else moment
    values = now.scan().select(pl.col(column).filter(pl.col(column) <= until).max())
    found = values.collect(engine="streaming").item()
    within = _span(limit)
    if found is None:
        return Expectation("fresh", False, f"no row has a value of {column} up to now; expected: within {within}")
    age = (until - found) / timedelta(seconds=1)
    told = f"the newest {column} is {found}, {_span(age)} ago; expected: within {within}"
    return Expectation("fresh", age <= limit, told)


def _span(seconds: float) -> str:
    for unit, length in (("day", _DAY), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = f"{seconds / length:.4g}"
            return f"{count} {unit}" if count == "1" else f"{count} {unit}s"
    return f"{seconds:.4g} s"
