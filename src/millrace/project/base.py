"""The loaded project file, its store, and where its work runs."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Self

from millrace.config.load import load
from millrace.config.schema import ProjectSettings
from millrace.config.secrets import redaction
from millrace.engine import Engine, open_engine
from millrace.errors import UsageError, nearest
from millrace.lifecycle import Site, package
from millrace.records.package import PackageInfo
from millrace.records.progress import Watch, unwatched
from millrace.store.objects import Store


class Loaded:
    """A project file and everything that grew from it."""

    def __init__(self, path: Path, settings: ProjectSettings) -> None:
        self.path = path
        self.settings = settings
        self.hide = redaction(path, os.environ)
        store = settings.store
        self.store = Store(store if "://" in store else path.parent / store)

    @classmethod
    def load(cls, path: str | Path = "millrace.yaml") -> Self:
        """Read a project file. Raises `ProjectFileError` with every problem at once."""
        path = Path(path).resolve()
        return cls(path, load(path))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.project!r}, {str(self.path)!r})"

    def _site(self, watch: Watch = unwatched) -> Site:
        return Site(self.settings, self.store, self.path.parent, self._engine, watch)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self.settings.engine)

    def _known(self, source: str) -> str:
        if source not in self.settings.sources:
            known = tuple(self.settings.sources)
            near = nearest(source, known)
            raise UsageError(f"`{source}` is not a source.", where=str(self.path), allowed=known, nearest=near)
        return source

    def _package(self, version: int | None) -> PackageInfo:
        return package(self._site(), version)
