"""Datasets made by a query: each a Delta table at ``datasets/<name>`` whose versions replace one another.

``recipes/<name>/<version>-<digest>.json`` says what a version was made from. The digest is that of the recipe, the
query and the exact versions of its tables, so the same recipe finds the version that it made before, and nothing is
written again. The recipe is noted after its commit. A writer that dies between the two loses nothing: the commit
carries the digest in its number, by which the next try of the same recipe knows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import polars as pl

from millrace.errors import DataError, RemoteError, UsageError, nearest
from millrace.records.dataset import Dataset
from millrace.store import receipts
from millrace.store.objects import Store
from millrace.store.remote import said
from millrace.store.tables import Snapshot, Table

#: Written into every recipe; readers accept every older one.
FORMAT = 1
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a version of a dataset was made from: the text of the query and the version of each table it names.

    Where a query draws at random or reads the clock, these do not settle its answer: then `content` tells it apart.
    """

    sql: str
    tables: Mapping[str, int]
    content: str = ""
    rows: int = 0
    at: str = ""
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of query, versions and content."""
        content = msgspec.json.encode([self.sql, dict(self.tables), self.content], order="sorted")
        return hashlib.sha256(content).hexdigest()[:_DIGITS]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What of a run's record is about its dataset."""

    dataset: Dataset | None = None


def find(store: Store, name: str, recipe: Recipe) -> Dataset | None:
    """The newest version that `recipe` made; None when it made none."""
    made = made_versions(store, name).items()
    return next((_dataset(name, version, one) for version, one in reversed(made) if one.digest == recipe.digest), None)


def write(store: Store, name: str, recipe: Recipe, rows: pl.DataFrame) -> Dataset:
    """Make `rows`, in their order, the newest version. Raises `RemoteError` when the store refuses to write."""
    table = Table(store, _table(name))
    numbered = rows.with_columns(pl.int_range(1, rows.height + 1, dtype=pl.Int64).alias("_row"))
    now, mark = table.snapshot(), int(recipe.digest[:8], 16)
    while not _marked(now, mark):
        now = table.replace(now, numbered, (receipts.sequence(now.number) + 1) << 32 | mark, _told(recipe))
    noted = replace(recipe, rows=rows.height, at=datetime.now(UTC).isoformat(timespec="seconds"))
    store.create(f"recipes/{name}/{now.version:010d}-{recipe.digest}.json", msgspec.json.encode(noted))
    return _dataset(name, now.version, noted)


def read(store: Store, dataset: Dataset) -> pl.DataFrame:
    """The rows of a dataset in their order. Raises `DataError` when the store no longer keeps that version."""
    try:
        return Table(store, dataset.key).read(dataset.version)
    except (RemoteError, OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"Version {dataset.version} of {dataset.key} can no longer be read: {said(error)}.",
            where="dataset",
            code="data.version",
            next_step="millrace run",
        ) from error


def of_run(store: Store, run: str) -> Dataset:
    """What a run learned from. Raises `UsageError` when no such run is recorded."""
    content = store.read(f"runs/{run}.json")
    if content is None:
        known = [key.rsplit("/", 1)[1].removesuffix(".json") for key in store.keys("runs")]
        seen = f"There is no record of a run `{run}`."
        raise UsageError(seen, where="runs", allowed=known[-5:], nearest=nearest(run, known))
    recorded = msgspec.json.decode(content, type=_Recorded).dataset
    if recorded is None:
        raise DataError(f"Run {run} was made before datasets were kept.", where="runs", code="data.version")
    return recorded


def made_versions(store: Store, name: str) -> dict[int, Recipe]:
    """What each version of a dataset was made from, oldest first. Raises `DataError` for a newer format."""
    found: dict[int, Recipe] = {}
    for key in store.keys(f"recipes/{name}"):
        recipe = msgspec.json.decode(store.read(key) or b"", type=Recipe)
        if recipe.format > FORMAT:
            seen = f"{key} has format {recipe.format}; this Millrace reads up to {FORMAT}."
            raise DataError(seen, where=name, code="data.recipe", next_step="pip install --upgrade millrace")
        found[int(key.rsplit("/", 1)[1].partition("-")[0])] = recipe
    return found


def _table(name: str) -> str:
    return f"datasets/{name}"


def _dataset(name: str, version: int, recipe: Recipe) -> Dataset:
    sql = hashlib.sha256(recipe.sql.encode()).hexdigest()
    return Dataset(_table(name), version, dict(recipe.tables), recipe.rows, sql)


def _marked(now: Snapshot, mark: int) -> bool:
    return now.number & 0xFFFFFFFF == mark


def _told(recipe: Recipe) -> dict[str, str]:
    """What the commit says of itself in Delta's log, for people who look there; nothing is read back from it."""
    return {"sql": recipe.sql, "tables": msgspec.json.encode(recipe.tables).decode()}
