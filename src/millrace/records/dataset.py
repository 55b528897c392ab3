"""Which rows a model learned from: one version of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dataset:
    """Version `version` of the Delta table at `key`, made from version ``tables[name]`` of each table that was asked.

    Without a query the dataset is the only source's table itself, and `sql` is empty; with one, `sql` is the SHA-256
    of its text. Reading `version` again gives the same rows in the same order, for as long as the store keeps it.
    """

    key: str
    version: int
    tables: Mapping[str, int]
    rows: int
    sql: str = ""

    @property
    def name(self) -> str:
        """What people call it: the last part of its key."""
        return self.key.rsplit("/", 1)[-1]
