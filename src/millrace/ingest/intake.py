"""One ingest of one source: batch by batch into its table, its quarantine and its receipts.

Each batch passes the points named in `POINTS`, in this order; the process may die between any two of them, or run twice
at once, and the table and quarantine end up the same. Why that holds is in
docs/decisions/2026-11-23-exactly-once.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.engine.base import Engine
from millrace.engine.here import Here
from millrace.errors import RemoteError
from millrace.ingest.ahead import Ahead, looked_at
from millrace.ingest.compiling import compile_rules
from millrace.ingest.contract import agree, hold_columns, hold_types
from millrace.ingest.departures import leaving
from millrace.ingest.expectations import check_columns, judge
from millrace.ingest.keys import Keys
from millrace.ingest.personal import noted, same_protection, source_types
from millrace.ingest.places import Places
from millrace.ingest.quarantine import set_aside
from millrace.ingest.reading import read
from millrace.ingest.reasons import misfits, unreadable
from millrace.ingest.references import Parents
from millrace.ingest.retention import check_column, tidy
from millrace.ingest.rules import Rules, Split, same_schema
from millrace.ingest.suppression import suppressed
from millrace.records.batch import Batch, Position
from millrace.records.ingestion import Counts, Ingested
from millrace.records.progress import Step, Watch
from millrace.store import loads, receipts
from millrace.store.objects import Store
from millrace.store.positions import LongTexts
from millrace.store.receipts import Receipt
from millrace.store.remote import answering
from millrace.store.tables import Table

#: What a batch goes through; a `Step` is reported after each.
POINTS = ("read", "checked", "noted", "quarantined", "committed", "acknowledged")
#: Longer texts are not repeated in Delta's log, which every reader reads.
_LONGEST_NOTE = 4096


class Opened(Protocol):
    """An opened source: its columns, and batches of rows from after a position."""

    def schema(self) -> dict[str, ColumnType]:
        """The columns in order, with their types."""
        ...

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The batches that follow `after`, from the beginning when it is None."""
        ...


@dataclass(slots=True)
class _Tally:
    """What this ingest has done so far."""

    counts: Counts = field(default_factory=Counts)
    reasons: Counter[str] = field(default_factory=Counter)
    origins: set[str] = field(default_factory=set)
    changes: dict[str, None] = field(default_factory=dict)
    deleted: int = 0


class Intake:
    """One ingest of one source: the table as it is now, and what was done so far."""

    def __init__(self, name: str, settings: SourceSettings, store: Store, run: str, watch: Watch) -> None:
        self.name = name
        self.settings = settings
        self.store = store
        self.run = run
        self.watch = watch
        self.table = Table(store, f"tables/{name}")
        self.texts = LongTexts(store, name)
        self.now = self.table.snapshot()
        self.tally = _Tally()
        self.keys = Keys()
        self.parents = Parents(store)
        self.own: dict[int, loads.Committed] = {}
        self.rules: Rules | None = None

    def exhaust(self, source: Opened, engine: Engine) -> bool:
        """Commit every batch from the table's position on; False when another writer moved the position meanwhile."""
        self.now = self.table.snapshot()
        last = receipts.read(self.store, self.name, self.now.number) if self.now.number else None
        after = self.texts.whole(last.position) if last else None
        hold_columns(source, after, source_types(self.table), self.settings, self.name)
        with closing(Here().stream(self._ahead, [read(source, after, engine)])) as batches:
            for batch, ahead in batches:
                self._tell("read")
                landed = self._commit(source, batch, last, ahead)
                if landed is None:
                    return False
                last = landed
        if last and self.settings.removable is not None and not self._depart(source, last):
            return False
        if self.now.number:
            loads.note(self.store, self.name, self.now.number, self.run, self.own)
        return True

    def tidy(self) -> None:
        """Join the small files that many commits leave; where that fails, every row is where it was."""
        if not self.tally.counts.read:
            return
        for kind in ("tables", "quarantine"):
            try:
                Table(self.store, f"{kind}/{self.name}").compact(self._tell)
            except RemoteError as error:
                self._tell(f"small files stay: {error.seen}")

    def report(self) -> Ingested:
        """What this ingest has done."""
        counts, reasons = self.tally.counts, dict(self.tally.reasons.most_common())
        return Ingested(
            source=self.name,
            read=counts.read,
            kept=counts.kept,
            quarantined=counts.quarantined,
            duplicate=counts.duplicate,
            late=counts.late,
            table_version=self.now.version,
            files=len(self.tally.origins),
            reasons=reasons,
            erased=counts.erased,
            expired=tidy(self.name, self.settings, self.store, datetime.now(UTC)),
            changes=tuple(self.tally.changes),
            deleted=self.tally.deleted,
            expectations=judge(self.name, self.settings.expect, self.store, datetime.now(UTC)),
            replaced=counts.replaced,
        )

    def _ahead(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Ahead | None]]:
        return looked_at(batches, lambda: self.rules)

    def _commit(self, source: Opened, batch: Batch, last: Receipt | None, ahead: Ahead | None) -> Receipt | None:
        """Put the rows of `batch` where they belong; None when another writer's commit came first."""
        rules = self._rules(source, batch)
        same_protection(last, rules.privacy, f"{self.name}, {batch.origin}")
        places = Places.of(batch)
        split = self._split(rules, batch, places, ahead)
        unread = places.lines(unreadable(rules.privacy.unread(batch.refused)))
        refused = pl.concat([places.named(split.refused), unread], how="diagonal")
        counts = split.counts(batch.read, refused.height)
        counts.check(f"{self.name}, {batch.origin}")
        if refused.height:
            hold_types(self.settings, lambda: misfits(split.refused, batch.refused), f"{self.name}, {batch.origin}")
        kept = places.named(split.kept)
        self._tell("checked")

        if not self.now.number:
            loads.begin(self.store, self.name)
        origins = places.counted(kept, refused, split.erased) if batch.pieces else {}
        receipt = self._receipt(batch, last, counts, refused, rules, origins)
        number = receipts.number(self.now.number, _identity(receipt, batch, refused))
        receipts.write(self.store, self.name, number, receipt)
        self._tell("noted")
        if refused.height:
            with answering("The rows that are there cannot be read", f"quarantine/{self.name}"):
                set_aside(self.store, self.name, number, refused, receipt)
        self._tell("quarantined")
        kept = kept.select(*rules.final, pl.lit(self.run).alias("_run"), "_origin", "_row")
        self.now = self.table.exchange(self.now, split.replaced, kept, number, _metadata(receipt))
        if self.now.number != number:
            return None
        self.keys.add(self.now, kept)
        self.own[number] = loads.Committed(receipt.previous, self.run, counts)
        self.tally.counts += counts
        self.tally.reasons.update(receipt.reasons)
        self.tally.origins |= {piece.origin for piece in batch.whole}
        self._tell("committed")
        batch.acknowledge()
        self._tell("acknowledged")
        return receipt

    def _depart(self, source: Opened, last: Receipt) -> bool:
        """Let rows leave that the source has no more; False when another writer came first."""
        position = self.texts.whole(last.position)
        going = leaving(source, self.name, self.settings, self.now, source_types(self.table), position)
        if going.places.is_empty() and going.position == position:
            return True
        self._tell("compared")
        receipt = self._left(last, going.position)
        places = int(going.places.hash_rows(seed=0).sum() or 0) % 2**64
        number = receipts.number(self.now.number, {"left": places, "position": receipt.position})
        receipts.write(self.store, self.name, number, receipt)
        nothing = self.now.scan().head(0).collect()
        self.now = self.table.exchange(self.now, going.places, nothing, number, _metadata(receipt))
        if self.now.number != number:
            return False
        self.own[number] = loads.Committed(receipt.previous, self.run, Counts())
        self.tally.deleted += going.places.height
        self._tell("removed")
        return True

    def _left(self, last: Receipt, position: Position) -> Receipt:
        """The receipt of a commit that takes rows out of the table, behind `last`."""
        apart = self.texts.apart(position)
        return replace(
            last,
            previous=self.now.number,
            position=apart,
            counts=Counts(),
            run=self.run,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            reasons={},
            origins={},
            format=2 if apart != position else 1,
        )

    def _split(self, rules: Rules, batch: Batch, places: Places, ahead: Ahead | None) -> Split:
        own = ahead if ahead and ahead.rules is rules else None
        with answering("The rows that are there cannot be read", self.table.key):
            erased = suppressed(self.store, self.name, os.environ)
            if own and own.split and not erased:
                return own.split
            examined = own.examined if own else rules.examine(batch.frame, batch.first_row, batch.misfits)
            return rules.settle(examined, self.keys.of(self.now), erased=erased, called=places.told)

    def _rules(self, source: Opened, batch: Batch) -> Rules:
        """The rules for `batch`, compiled anew only where its columns or those of the table changed."""
        written, delivered = self.now.schema(), dict(batch.frame.schema)
        if self.rules and self.rules.delivered == delivered and self.rules.final == written:
            return self.rules
        where = f"{self.name}, {batch.origin}"
        contract = agree(batch.frame, source_types(self.table) or source.schema(), self.settings, where)
        self.tally.changes |= dict.fromkeys(f"{batch.origin}: {change}" for change in contract.changes)
        self.rules = compile_rules(self.name, self.settings, delivered, contract=contract, parents=self.parents)
        same_schema(written, self.rules.final, where)
        check_columns(self.settings.expect, self.rules.final, f"sources.{self.name}")
        check_column(self.settings.retain, self.rules.final, self.name)
        return self.rules

    def _receipt(
        self,
        batch: Batch,
        last: Receipt | None,
        counts: Counts,
        refused: pl.DataFrame,
        rules: Rules,
        origins: dict[str, Counts],
    ) -> Receipt:
        reasons = Counter(refused["_rules"].explode(empty_as_null=True, keep_nulls=True).to_list())
        position = self.texts.apart(batch.position)
        return Receipt(
            previous=self.now.number,
            position=position,
            counts=counts,
            totals=(last.totals if last else Counts()) + counts,
            run=self.run,
            origin=batch.origin,
            rules=rules.digest,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            reasons=dict(reasons),
            format=3 if origins else 2 if position != batch.position else 1,
            origins=origins,
            **noted(rules.privacy, rules.cleaned),
        )

    def _tell(self, point: str) -> None:
        self.watch(Step("ingest", f"{self.name}: {point}", done=self.tally.counts.read))


def _identity(receipt: Receipt, batch: Batch, refused: pl.DataFrame) -> dict[str, object]:
    """What makes two tries the same commit: all but when and in which run they were tried."""
    return {
        "position": receipt.position,
        "origin": batch.origin,
        "first_row": batch.first_row,
        "rules": receipt.rules,
        "counts": receipt.counts,
        "refused": int(refused.select("_row", "_reasons", "_raw").hash_rows(seed=0).sum() or 0) % 2**64,
    }


def _metadata(receipt: Receipt) -> dict[str, str]:
    """What the commit says of itself in Delta's log, for people who look there; nothing is read back from it.

    A long position, which grows with the number of files, is in the receipt alone.
    """
    told = {"run": receipt.run, "origin": receipt.origin, "rules": receipt.rules}
    encoded = {"position": receipt.position, "counts": receipt.counts}
    texts = {name: msgspec.json.encode(value).decode() for name, value in encoded.items()}
    return told | {name: text for name, text in texts.items() if len(text) <= _LONGEST_NOTE}
