"""Persons who were erased and are not ingested again, each known by a keyed hash alone.

``erased/<source>/<key id>-<hash>.json`` says which columns name a person, and when and by whom they were erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import polars as pl

from millrace.config.secrets import KEY
from millrace.errors import DataError, ProjectFileError
from millrace.privacy.columns import protected
from millrace.privacy.keys import Keys, keys_from
from millrace.privacy.methods import hashing
from millrace.records.erasure import Suppression
from millrace.store.objects import Store

FOLDER = "erased"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Who is left out: by the columns that name them and the id of the key, the hashes."""

    hashes: Mapping[tuple[tuple[str, ...], str], frozenset[str]]
    keys: Keys

    @property
    def columns(self) -> frozenset[str]:
        """Every column that names somebody."""
        return frozenset(column for columns, _ in self.hashes for column in columns)

    def matches(self, texts: pl.DataFrame) -> pl.Series:
        """Which rows are of somebody who was erased; `texts` has the plain values of `columns`."""
        gone = pl.repeat(False, texts.height, dtype=pl.Boolean, eager=True)
        for (columns, identity), hashes in self.hashes.items():
            if not set(columns) <= set(texts.columns):
                continue
            key = self.keys.find(identity)
            if key is None:
                raise DataError(
                    f"Somebody was erased under the key {identity}, which is not in `MILLRACE_PII_KEY`.",
                    where="erased",
                    code="pii.key",
                    next_step="append that key, after a comma",
                )
            named = texts.select(pl.concat_str(_named(columns), separator="\x1f")).to_series()
            gone |= protected(named, hashing(Keys((key,)))).is_in(list(hashes)).fill_null(value=False)
        return gone


def suppressed(store: Store, source: str, environ: Mapping[str, str]) -> Suppressed | None:
    """Who was erased from `source`; None when nobody was. Raises `ProjectFileError` when the key is missing."""
    found: dict[tuple[tuple[str, ...], str], set[str]] = {}
    for key in store.keys(f"{FOLDER}/{source}"):
        entry = msgspec.json.decode(store.read(key) or b"", type=Suppression)
        identity, _, digest = key.rsplit("/", 1)[1].removesuffix(".json").partition("-")
        found.setdefault((entry.columns, identity), set()).add(f"hash:{identity}:{digest}")
    if not found:
        return None
    if not environ.get(KEY, "").strip(", "):
        raise ProjectFileError(
            f"Somebody was erased from `{source}` and must not come back; "
            f"only the key in `{KEY}` tells who, and it is not set.",
            where=f"sources.{source}",
            code="pii.key",
            next_step=f"set `{KEY}` to the key that was there when they were erased",
        )
    keys = keys_from(environ, f"sources.{source}")
    return Suppressed({columns: frozenset(hashes) for columns, hashes in found.items()}, keys)


def suppress(store: Store, source: str, person: Mapping[str, str], keys: Keys, entry: Suppression) -> None:
    """Leave `person` out of `source` from now on."""
    name = hashed(person, keys).removeprefix("hash:").replace(":", "-")
    store.create(f"{FOLDER}/{source}/{name}.json", msgspec.json.encode(entry))


def hashed(person: Mapping[str, str], keys: Keys) -> str:
    """The keyed hash by which a person is known: of the columns that name them, and their values."""
    return hashing(keys)("\x1f".join(f"person:{column}={person[column]}" for column in sorted(person)))


def _named(columns: tuple[str, ...]) -> list[pl.Expr]:
    return [pl.concat_str(pl.lit(f"person:{column}="), pl.col(column).str.strip_chars()) for column in sorted(columns)]
