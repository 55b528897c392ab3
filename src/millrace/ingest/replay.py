"""Which refused rows pass now that a rule, a type or a missing marker was mended; they move into the table.

A replay is a commit like any other: it has a number and a receipt, it follows the newest commit of the source, and the
source's position stays as it is. The rows that leave are noted in ``replayed/<source>`` before the commit and are gone
from the quarantine once it lands, so a replay may die at any point, or run twice at once. Lines that the reader could
not parse stay: what is kept of them is not a row. Personal values were protected when they were refused; those that
cannot be had back go into the table as they are, and a row refused for one of them stays while that rule is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl

from millrace.config.contract import agreed
from millrace.config.schema import ColumnType, SourceSettings
from millrace.ingest.built_in import LOST, NEW, UNREADABLE
from millrace.ingest.compiling import compile_rules
from millrace.ingest.contract import Agreed, stated_type
from millrace.ingest.keys import Keys
from millrace.ingest.mapping import with_tables
from millrace.ingest.personal import as_read, same_protection, source_types
from millrace.ingest.quarantine import REPLAYED, landed_rows, once
from millrace.ingest.references import Parents
from millrace.ingest.rules import Rules, Split, same_schema
from millrace.records.ingestion import Counts
from millrace.records.progress import Step, Watch, unwatched
from millrace.records.quarantine import Replayed
from millrace.sources.column_types import kind_of
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt
from millrace.store.tables import Snapshot, Table

#: So many rows are looked at together.
_ROWS = 100_000
_ORIGIN = "quarantine replay"
_AT = "_at_"


@dataclass(frozen=True, slots=True)
class _Passed:
    """Refused rows that pass: `leaving` (`_of`, `_origin`, `_row`) and `kept`, those of them that are no duplicates."""

    leaving: pl.DataFrame
    kept: pl.DataFrame
    counts: Counts
    reasons: dict[str, int]
    replaced: pl.DataFrame


def replay(
    name: str, settings: SourceSettings, store: Store, run: str, watch: Watch = unwatched, *, base: Path = Path()
) -> Replayed:
    """Clean and check the refused rows of source `name` again, and keep those that pass; `run` is the id they carry.

    Rows keep their origin. A row whose identity is in the table by now leaves as a duplicate. Files that the rules name
    are relative to `base`. Raises `UsageError` when the source was never ingested, `ProjectFileError` for rules that
    cannot mean anything, `DataError` when the settings state types that the table does not have, `RemoteError` when the
    store refuses to write.
    """
    counts, settings = Counts(), with_tables(name, settings, base)
    while True:
        done = _sweep(name, settings, store, run, watch)
        counts += done.counts
        if done.finished:
            break
    remaining = landed_rows(store, name).select(pl.len()).collect().item()
    version = Table(store, f"tables/{name}").version()
    return Replayed(name, -counts.quarantined, counts.kept, counts.duplicate, remaining, version)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What was moved until the rows ended, or another writer came first (then not `finished`)."""

    counts: Counts
    finished: bool


def _sweep(name: str, settings: SourceSettings, store: Store, run: str, watch: Watch) -> _Sweep:
    table = Table(store, f"tables/{name}")
    staying = pl.col("_rules").list.set_intersection(_staying(settings)).list.len() > 0
    refused = landed_rows(store, name).filter(~staying).sort("_batch", "_origin", "_row").collect()
    now, moved = table.snapshot(), Counts()
    types = source_types(table)
    types |= _new_columns(refused, types, settings)
    rules = compile_rules(
        name, settings, dict.fromkeys(types, pl.String()), contract=Agreed(types), parents=Parents(store)
    )
    same_protection(receipts.read(store, name, now.number), rules.privacy, f"{name}, {_ORIGIN}")
    refused, rules = _judgeable(refused, rules)
    same_schema(now.schema(), rules.final, f"{name}, {_ORIGIN}")
    keys = Keys()
    for rows in refused.iter_slices(_ROWS):
        passed = _passed(rows, rules, now, keys)
        if passed.leaving.is_empty():
            continue
        now, landed = _commit(table, now, passed, rules.digest, run)
        if not landed:
            return _Sweep(moved, finished=False)
        keys.add(now, passed.kept)
        moved += passed.counts
        watch(Step("replay", f"{name}: {passed.leaving.height:,} rows left the quarantine"))
    return _Sweep(moved, finished=True)


def _staying(settings: SourceSettings) -> list[str]:
    """The rules whose rows cannot pass: they are no rows, or the contract still refuses their columns."""
    contract = agreed(settings.contract)
    columns = {NEW: contract.new_columns, LOST: contract.lost_columns}
    return [UNREADABLE, *(rule for rule, way in columns.items() if way != "evolve")]


def _new_columns(
    refused: pl.DataFrame, known: Mapping[str, ColumnType], settings: SourceSettings
) -> dict[str, ColumnType]:
    """The columns that rows bring which were refused for them, with the types that all their values have."""
    raw = refused.filter(pl.col("_rules").list.contains(NEW))["_raw"]
    fields = dict.fromkeys(name for row in raw for name in msgspec.json.decode(row) if name not in known)
    texts = raw.str.json_decode(pl.Struct(dict.fromkeys(fields, pl.String()))).struct.unnest() if fields else None
    return {name: stated_type(name, settings) or kind_of(texts[name]) or "text" for name in fields if texts is not None}


def _judgeable(refused: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, Rules]:
    """The refused rows that `rules` can judge anew, and the rules without those that look at what cannot be had back.

    A row that failed such a rule when it was read, or the type of such a column, stays: no one can say whether it would
    pass now.
    """
    opaque = rules.privacy.opaque
    blind = {check.name for check in rules.checks if opaque & set(check.columns)}
    if not opaque:
        return refused, rules
    failed = pl.col("_rules").list.eval(pl.element().is_in(list(blind))).list.any()
    typed = [pl.col("_reasons").str.contains(f"type: {column} is not ", literal=True) for column in sorted(opaque)]
    judged = refused.filter(~pl.any_horizontal(failed, *typed))
    return judged, replace(rules, checks=tuple(check for check in rules.checks if check.name not in blind))


def _passed(rows: pl.DataFrame, rules: Rules, now: Snapshot, keys: Keys) -> _Passed:
    places = rows.with_row_index(_AT).select(
        pl.col(_AT).cast(pl.Int64), pl.col("_batch").alias("_of"), "_origin", "_row"
    )
    plain, protected = as_read(_decoded(rows["_raw"], rules), rules.privacy)
    split = rules.split(plain, 0, keys.of(now), protected)
    leaving = places.join(split.refused.select(pl.col("_row").alias(_AT)), on=_AT, how="anti", maintain_order="left")
    kept = split.kept.rename({"_row": _AT}).join(
        places.select(_AT, "_origin", "_row"), on=_AT, how="left", maintain_order="left"
    )
    left = rows[leaving[_AT]]["_rules"].explode(empty_as_null=True, keep_nulls=True)
    reasons = dict(Counter(left.to_list()))
    return _Passed(leaving.drop(_AT), kept.drop(_AT), _counted(split, leaving.height), reasons, split.replaced)


def _counted(split: Split, leaving: int) -> Counts:
    """No row is read again; those that leave the quarantine are kept or were there already."""
    counts = split.counts(0, -leaving)
    counts.check(_ORIGIN)
    return counts


def _decoded(raw: pl.Series, rules: Rules) -> pl.DataFrame:
    """The rows as texts, as a source without any types would deliver them."""
    row = pl.Struct(dict.fromkeys(rules.delivered, pl.String()))
    return raw.str.json_decode(row).struct.unnest()


def _commit(table: Table, now: Snapshot, passed: _Passed, digest: str, run: str) -> tuple[Snapshot, bool]:
    """Move the rows; say whether this commit took effect, or another writer's came first."""
    name, store = table.name, table.store
    last = receipts.read(store, name, now.number)
    receipt = Receipt(
        previous=now.number,
        position=last.position,
        counts=passed.counts,
        totals=last.totals + passed.counts,
        run=run,
        origin=_ORIGIN,
        rules=digest,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        reasons={rule: -rows for rule, rows in passed.reasons.items()},
        pii=last.pii,
        pii_key=last.pii_key,
        columns=last.columns,
        format=last.format,
    )
    left = passed.leaving.select("_of", "_origin", "_row")
    identity = {"replay": int(left.hash_rows(seed=0).sum() or 0) % 2**64, "rules": digest, "counts": passed.counts}
    number = receipts.number(now.number, identity)
    receipts.write(store, name, number, receipt)
    once(store, f"{REPLAYED}/{name}", number, left.with_columns(pl.lit(number, dtype=pl.Int64).alias("_batch")))
    columns = passed.kept.drop("_origin", "_row").columns
    rows = passed.kept.select(*columns, pl.lit(run).alias("_run"), "_origin", "_row")
    after = table.exchange(now, passed.replaced, rows, number, {"run": run, "origin": _ORIGIN, "rules": digest})
    return after, after.number == number
