"""The audit log: one JSON object per entry, created and never changed, each holding the hash of the one before.

Entry *n* is ``audit/<n>.json``. A number is taken by creating its object, which one of many writers can do, so the log
has no gaps, and a changed, removed or inserted entry breaks the chain behind it. A chain cannot show that its newest
entries were cut off: keep its head elsewhere, and ask `verify` whether the log still holds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from millrace.errors import DataError
from millrace.records.audit import FORMAT, Action, AuditEntry, AuditVerdict
from millrace.store.objects import Store

FOLDER = "audit"


def append(store: Store, entry: Callable[[int, str], AuditEntry]) -> AuditEntry:
    """Write the entry that `entry` makes of its number and the hash of the entry before; give it as written."""
    while True:
        before = _newest(store)
        made = entry(before + 1, _digest(store.read(_key(before)) or b"") if before else "")
        if store.create(_key(made.number), msgspec.json.format(msgspec.json.encode(made), indent=2)):
            return made


def actions(store: Store) -> tuple[Action, ...]:
    """Every verb that was run, oldest first. Raises `DataError` when the log is damaged."""
    found = [_decoded(number, store.read(_key(number))) for number in range(1, _newest(store) + 1)]
    ends = {entry.began: entry for entry in found if entry.kind == "end"}
    return tuple(
        Action(
            began.number,
            began.verb,
            began.actor,
            began.at,
            began.arguments,
            ends[began.number].outcome if began.number in ends else "no end",
            ends[began.number].ids if began.number in ends else {},
        )
        for began in found
        if began.kind == "begin"
    )


def verify(store: Store, head: str = "") -> AuditVerdict:
    """Whether no entry was changed, removed or inserted; with `head`, whether the log holds an entry of that hash too.

    Raises `DataError` for an entry newer than this Millrace.
    """
    newest, seen, before = _newest(store), set(), ""
    for number in range(1, newest + 1):
        content = store.read(_key(number))
        try:
            entry = _decoded(number, content)
        except DataError as error:
            if error.code == "audit.format":
                raise
            return AuditVerdict(False, newest, before, error.seen)
        if entry.previous != before:
            problem = f"Entry {number} follows another entry {number - 1} than the one that is there."
            return AuditVerdict(False, newest, before, problem)
        before = _digest(content or b"")
        seen.add(before)
    if head and head not in seen:
        return AuditVerdict(False, newest, before, "The log does not hold the entry of this head: its end was cut off.")
    return AuditVerdict(True, newest, before)


def _newest(store: Store) -> int:
    keys = store.keys(FOLDER)
    return int(keys[-1].removeprefix(f"{FOLDER}/").removesuffix(".json")) if keys else 0


def _decoded(number: int, content: bytes | None) -> AuditEntry:
    if content is None:
        raise _damaged(number, "it is gone")
    try:
        found = msgspec.json.decode(content)
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            seen = f"Entry {number} has format {found['format']}; this Millrace reads up to {FORMAT}."
            raise DataError(seen, where=_key(number), code="audit.format", next_step="pip install --upgrade millrace")
        entry = msgspec.convert(found, AuditEntry)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise _damaged(number, "it cannot be read") from error
    if entry.number != number:
        raise _damaged(number, f"it calls itself {entry.number}")
    return entry


def _damaged(number: int, what: str) -> DataError:
    return DataError(
        f"Entry {number} of the audit log is damaged: {what}.",
        where=_key(number),
        code="audit.damaged",
        next_step="millrace audit verify",
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _key(number: int) -> str:
    return f"{FOLDER}/{number:010d}.json"
