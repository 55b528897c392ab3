"""Where the rows came from, what became of them, and which columns the model takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from millrace.evaluate.page import code, items, number, section, table
from millrace.records.dataset import Dataset
from millrace.records.fit import Fit
from millrace.records.ingestion import Ingested
from millrace.records.signature import Field, Signature


def data(ingested: Mapping[str, Ingested], fit: Fit, learned_from: Dataset | None = None) -> str:
    """Where the rows came from, and what became of each."""
    rows = [
        (f"`{name}`", *(f"{count:,}" for count in (one.read, one.kept, one.quarantined, one.duplicate, one.late)))
        for name, one in ingested.items()
    ]
    columns = ("source", "read", "kept", "quarantined", "duplicate", "late")
    counted = table(columns, rows, numbers=frozenset(range(1, 6))) if rows else ""
    reasons = [
        f"{code(name)}: {count:,} rows refused by {code(rule)}"
        for name, one in ingested.items()
        for rule, count in sorted(one.reasons.items(), key=lambda item: -item[1])
    ]
    split = f"{fit.train_rows.height:,} rows trained the model, {fit.test_rows.height:,} were kept apart to judge it."
    split += _version(learned_from)
    note = f"Every row read is in exactly one place. {split}" if rows else split
    return section("Data", counted or "<span></span>", items(reasons), note=note)


def _version(learned_from: Dataset | None) -> str:
    if learned_from is None:
        return ""
    made = ", ".join(f"`{name}` version {version}" for name, version in learned_from.tables.items())
    said = f" They are version {learned_from.version} of `{learned_from.key}`"
    return f"{said}, made by SQL from {made}." if learned_from.sql else f"{said}."


def columns(signature: Signature) -> str:
    """What the model takes."""
    rows = [
        (f"`{field.name}`", field.type, _seen(field), "" if field.example is None else f"`{field.example}`")
        for field in signature.inputs
    ]
    return section("Columns", table(("column", "type", "seen in training", "example"), rows) if rows else "")


def _seen(field: Field) -> str:
    if field.low is not None and field.high is not None:
        return f"{_amount(field, field.low)} to {_amount(field, field.high)}"
    shown = ", ".join(f"`{name}`" for name in field.categories[:6])
    return shown + (f" and {len(field.categories) - 6:,} more" if len(field.categories) > 6 else "")


def _amount(field: Field, value: float) -> str:
    """A bound in the user's words: a date where the graph sees days or seconds since 1970."""
    if field.type in {"date", "datetime"}:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value * (86400 if field.type == "date" else 1))
        return f"{moment:%Y-%m-%d}" if field.type == "date" else f"{moment:%Y-%m-%d %H:%M}"
    return f"{value:,.0f}" if float(value).is_integer() else number(value)
