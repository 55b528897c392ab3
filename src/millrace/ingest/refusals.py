"""Refused rows looked at in groups: by source, day, load or origin, beside how many rows were read there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

import polars as pl

from millrace.errors import UsageError, nearest
from millrace.ingest.quarantine import landed_rows
from millrace.records.quarantine import RefusedGroup
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.receipts import Receipt
from millrace.store.tables import Table

#: By what rows are grouped: which group the rows of an origin in a commit belong to, and which one a refused row.
_GROUPS: Mapping[str, tuple[Callable[[Receipt, str], str], pl.Expr]] = MappingProxyType(
    {
        "source": (lambda _, __: "", pl.lit("")),
        "day": (lambda receipt, _: receipt.at[:10], pl.col("_at").str.slice(0, 10)),
        "load": (lambda receipt, _: receipt.run, pl.col("_run")),
        "origin": (lambda _, origin: origin, pl.col("_origin")),
    }
)
#: What rows can be grouped by, besides their rules.
BY = tuple(_GROUPS)


def grouped(store: Store, source: str, by: str) -> tuple[RefusedGroup, ...]:
    """How many rows of `source` were refused in each group, and how many were read there, in the order of time.

    A group in which nothing was refused is there too. Raises `UsageError` when `source` was never ingested, and for
    another `by`.
    """
    if by not in _GROUPS:
        raise UsageError(f"Refused rows are not counted by `{by}`.", where="quarantine", allowed=("rule", *BY))
    group_of, expression = _GROUPS[by]
    refused = dict(landed_rows(store, source).group_by(expression.alias("g")).len().collect().iter_rows())
    read: dict[str, int] = {}
    last = Table(store, f"tables/{source}").snapshot().number
    for number in sorted(receipts.landed(store, source, last)):
        receipt = receipts.read(store, source, number)
        for origin, counts in receipt.by_origin.items():
            if counts.read:  # a replay reads nothing new
                group = group_of(receipt, origin)
                read[group] = read.get(group, 0) + counts.read
    return tuple(RefusedGroup(source, by, name, refused.get(name, 0), rows) for name, rows in read.items())


def matching(store: Store, source: str, *, rule: str | None = None, origin: str | None = None) -> pl.LazyFrame:
    """The refused rows of `source` that `rule` refused, from an `origin`: a path, the end of one, or a glob.

    Raises `UsageError` where no row was refused by such a rule, or came from such an origin.
    """
    rows = landed_rows(store, source)
    if rule is not None:
        known = rows.select(pl.col("_rules").explode(empty_as_null=True, keep_nulls=True).unique()).collect()
        _named("rule", rule, [rule] if rule in known["_rules"] else [], known["_rules"].drop_nulls().to_list())
        rows = rows.filter(pl.col("_rules").list.contains(rule))
    if origin is not None:
        origins = rows.select(pl.col("_origin").unique()).collect()["_origin"].to_list()
        found = [one for one in origins if one == origin or one.endswith(f"/{origin}") or fnmatchcase(one, origin)]
        rows = rows.filter(pl.col("_origin").is_in(_named("origin", origin, found, origins)))
    return rows


def _named(what: str, asked: str, found: list[str], known: list[str]) -> list[str]:
    """What was found. Raises `UsageError` when nothing was."""
    if not found:
        seen = f"No row was refused with the {what} `{asked}`."
        allowed = sorted(known)
        raise UsageError(seen, where="quarantine", allowed=allowed[:12], nearest=nearest(asked, allowed))
    return found
