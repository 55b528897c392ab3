"""Take a person out of all that came from a source: table, quarantine, predictions, datasets, and their history.

The source's position stays, so what was read is not read again; who was erased is noted by a keyed hash, so that a file
that still names them does not bring them back when it is read anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from millrace.errors import UsageError, nearest
from millrace.ingest.built_in import UNREADABLE
from millrace.ingest.retention import keys
from millrace.ingest.suppression import hashed, suppress
from millrace.privacy.columns import Privacy, privacy
from millrace.privacy.keys import Keys, keys_from
from millrace.privacy.methods import hashing, sealing
from millrace.records.erasure import Erased, Suppression
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.prediction_log import FEEDBACK, PREDICTIONS, feedback, predictions
from millrace.store.removal import KEPT_HOURS, noted_removal, purge, remove
from millrace.store.tables import Table

_SWEEPS = 3
_LINE = f"array_has(\"_rules\", '{UNREADABLE}')"


def erase(
    source: str, store: Store, person: Mapping[str, str], by: str, *, now: bool = False, dry_run: bool = False
) -> Erased:
    """Remove the rows whose columns have the values of `person`, all of them, from all that rests in `store`.

    Values are texts as the source has them after cleaning, in plain also where a column is hashed or encrypted. With
    `now` old versions go at once: whoever reads one of them meanwhile fails. `dry_run` counts, and changes nothing.
    Raises `UsageError` for columns that the source does not have or cannot be searched, `ProjectFileError` when the
    key is missing, `RemoteError` when the store refuses; then run it again.
    """
    known = keys_from(os.environ, "erase")
    search = _Search(store, source, person, known)
    at = datetime.now(UTC)
    if not dry_run:
        entry = Suppression(tuple(sorted(person)), at.isoformat(timespec="seconds"), by)
        suppress(store, source, search.person, known, entry)
    removed = search.count() if dry_run else search.sweep()
    until = ""
    if not dry_run:
        for key in search.keys:
            purge(store, key, 0 if now else KEPT_HOURS)
    if not now:
        until = (at + timedelta(hours=KEPT_HOURS + 1)).isoformat(timespec="seconds")
        if not dry_run:
            noted_removal(store, source, at)
    return Erased(
        source, hashed(search.person, known), tuple(sorted(person)), removed, until, search.unsearched, (), dry_run
    )


def named(
    source: str, key: str | Sequence[str] | None, values: Sequence[str], where: Mapping[str, str]
) -> dict[str, str]:
    """Who is meant: the values of the source's `key`, and of other columns. Raises `UsageError` when nobody is."""
    columns = [key] if isinstance(key, str) else list(key or ())
    if values and len(values) != len(columns):
        told = f"the columns {', '.join(columns)}" if columns else "no `key`"
        seen = f"{len(values)} values were given for the key, and `{source}` has {told}."
        raise UsageError(seen, where="erase", next_step=f"millrace erase {source} --where COLUMN=VALUE")
    person = {**dict(zip(columns, values, strict=False)), **where}
    if not person or not all(value.strip() for value in person.values()):
        seen = "Nobody was named."
        raise UsageError(seen, where="erase", allowed=["--key VALUE", "--where COLUMN=VALUE"])
    return person


class _Search:
    """Where a person is: by the key of a table, the rows that name them."""

    def __init__(self, store: Store, source: str, person: Mapping[str, str], known: Keys) -> None:
        self.store = store
        self.person = {column: value.strip() for column, value in person.items()}
        self.table = Table(store, f"tables/{source}")
        now = self.table.snapshot()
        if not now.number:
            raise UsageError(f"No rows of `{source}` were ingested here.", where="erase", next_step="millrace ingest")
        last = receipts.read(store, source, now.number)
        self.private = privacy(last.pii, os.environ, f"sources.{source}")
        self.accepted = _accepted(self.person, self.private, known, last.columns or now.schema())
        self.quarantine = f"quarantine/{source}"
        self.keys = keys(store, source)
        self.datasets = [key for key in self.keys if key.startswith("datasets/")]
        self.unsearched: tuple[str, ...] = ()

    def count(self) -> dict[str, int]:
        """How many rows of each table name the person."""
        found: dict[str, int] = {}
        for key, rows, _ in self.found():
            found[key] = found.get(key, 0) + rows.height
        return found

    def sweep(self) -> dict[str, int]:
        """Remove them, again where another writer brought rows back meanwhile; give how many."""
        removed: dict[str, int] = {}
        for _ in range(_SWEEPS):
            again = False
            for key, rows, only in self.found():
                again = again or rows.height > 0
                done = remove(self.store, key, rows, "erase", only) if rows.height else 0
                removed[key] = removed.get(key, 0) + done
            if not again:
                break
        return removed

    def found(self) -> Iterator[tuple[str, pl.DataFrame, str]]:
        """For each table that can be searched: its key, the places of the rows, and what else must hold of them."""
        unsearched = []
        for key, places in [
            (self.table.key, ("_run", "_origin", "_row")),
            *((key, ("_row",)) for key in self.datasets),
        ]:
            rows = Table(self.store, key).snapshot().scan()
            if (match := self.match(rows.collect_schema())) is None:
                unsearched.append(key)
            else:
                yield key, rows.filter(match).select(places).collect(), ""
        yield from self.refused()
        told = predictions(self.store)
        if (match := self.match(told.schema)) is None:
            unsearched += [PREDICTIONS] if told.height else []
        else:
            answered = told.filter(match).select("prediction_id")
            outcomes = feedback(self.store).join(answered, on="prediction_id", how="semi").select("prediction_id")
            yield PREDICTIONS, answered, ""
            yield FEEDBACK, outcomes, ""
        self.unsearched = tuple(unsearched)

    def match(self, schema: Mapping[str, pl.DataType]) -> pl.Expr | None:
        """Whether a row names the person; None where the table has not all of the columns."""
        every = []
        for column, accepted in self.accepted.items():
            # The prediction log keeps a column whose type changed beside the first, as ``name (type)``.
            names = [name for name in schema if name == column or name.startswith(f"{column} (")]
            if not names:
                return None
            every.append(pl.any_horizontal(_text(name, schema[name]).is_in(accepted) for name in names))
        return pl.all_horizontal(every)

    def refused(self) -> Iterator[tuple[str, pl.DataFrame, str]]:
        """The refused rows that name the person, and the unreadable lines that hold all of the values as words."""
        now = Table(self.store, self.quarantine).snapshot()
        if now.delta is None:
            return
        places = ["_batch", "_origin", "_row"]
        rows = now.scan().select(*places, "_rules", "_raw").collect()
        line = pl.col("_rules").list.contains(UNREADABLE)
        form = pl.Struct(dict.fromkeys(self.accepted, pl.String()))
        read = rows.filter(~line)
        told = read.select(*places, pl.col("_raw").str.json_decode(form).struct.unnest())
        same = [
            pl.col(column).str.strip_chars().is_in([*accepted, f"{accepted[0]}.0"])
            for column, accepted in self.accepted.items()
        ]
        yield self.quarantine, told.filter(pl.all_horizontal(same)).select(places), f"not {_LINE}"
        lines = self.private.reveal(rows.filter(line))
        words = [pl.col("_raw").str.contains(rf"(^|\W){re.escape(value)}(\W|$)") for value in self.person.values()]
        yield self.quarantine, lines.filter(pl.all_horizontal(words)).select(places), _LINE


def _accepted(
    person: Mapping[str, str], private: Privacy, known: Keys, columns: Mapping[str, object]
) -> dict[str, list[str]]:
    """The texts that stand for the value of each column. Raises `UsageError` where none does."""
    found = {}
    for column, value in person.items():
        if column not in columns:
            seen = f"`{column}` is not a column of this source."
            raise UsageError(seen, where="erase", allowed=columns, nearest=nearest(column, columns))
        word = private.words.get(column, "")
        if word in {"mask", "drop"}:
            raise UsageError(
                f"Nobody can be found by `{column}`: of its values only a mask, or nothing, is kept.",
                where="erase",
                allowed=[name for name in columns if private.words.get(name, "") not in {"mask", "drop"}],
            )
        make = {"hash": hashing, "encrypt": sealing}.get(word)
        found[column] = [value, *(make(Keys((key,)))(value) for key in known.all if make)]
    return found


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return text.str.strip_suffix(".0") if dtype.is_float() else text
