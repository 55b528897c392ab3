"""A file at a URL: fetched into a temporary folder and read in its format, and not fetched again while it is the same.

The position holds the file's `ETag` (RFC 9110, 8.8.3) beside that of the file itself. A file that changed after it was
read is refused like a local one: reading it again would repeat or lose rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from millrace.config.schema import ColumnType, SourceSettings
from millrace.records.batch import Batch, Position
from millrace.sources.base import Look, Source
from millrace.sources.http.auth import revealed
from millrace.sources.http.client import Client
from millrace.sources.proposing.looking import from_line
from millrace.sources.registry import kind_of
from millrace.sources.scratch import Scratch

#: A packed file must come as it is, not unpacked on the way.
_WHOLE = {"Accept": "*/*", "Accept-Encoding": "identity"}


class DownloadSource:
    """The rows of one file at a URL."""

    def __init__(
        self, name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None
    ) -> None:
        del base
        self.name = name
        self._settings = settings
        self._schema = schema
        self._client = Client(settings.from_, settings.api, f"sources.{name}")
        self._scratch = Scratch()
        self._file: Source | None = None
        self._path = Path()
        self._tag: str | None = None

    def __repr__(self) -> str:
        return f"DownloadSource({self.name!r}, {self._client.host!r})"

    def look(self, folder: Path) -> Look | None:
        """The first look that the file's kind takes at it, for a project file in `folder`; None where it takes none."""
        kind = kind_of(urlsplit(self._settings.from_).path)
        if kind.look is None:
            return None
        self._fetched()
        url = self._settings.from_
        seen = kind.look(self._settings.model_copy(update={"from_": str(self._path)}), folder)
        if seen is None:
            return None
        elsewhere = {name: said.model_copy(update={"from_": url}) for name, said in seen.elsewhere.items()}
        return replace(seen, lines=(from_line(url, folder), *seen.lines[1:]), elsewhere=elsewhere)

    def schema(self) -> dict[str, ColumnType]:
        """The columns of the file, which is fetched for that."""
        return self._fetched().schema()

    def batches(self, after: Position | None) -> Iterator[Batch]:
        """The rows of the file behind `after`. A file that is read whole is asked for only in case it changed."""
        known = after or {}
        whole = bool(after) and not known["file"]["reading"]
        if self._file is None and not self._fetch(known["tag"] if whole else None):
            return
        for batch in self._fetched().batches(known.get("file")):
            yield replace(batch, position={"tag": self._tag, "file": batch.position})

    def _fetched(self) -> Source:
        if self._file is None:
            self._fetch(None)
        assert self._file is not None
        return self._file

    def _fetch(self, tag: str | None) -> bool:
        """Fetch the file, unless its tag is still `tag`; says whether there is something to read."""
        parts = urlsplit(self._settings.from_)
        query = [*parse_qsl(parts.query, keep_blank_values=True), *revealed(self._settings.api.params).items()]
        answer = self._client.get(parts.path, query, {**_WHOLE, **({"If-None-Match": tag} if tag else {})})
        if answer.status == 304:
            return False
        self._tag = answer.headers.get("etag")
        self._path = path = self._scratch.place(PurePosixPath(unquote(parts.path)).name)
        path.write_bytes(answer.body)
        self._client.close()
        local = self._settings.model_copy(update={"from_": path.name})
        self._file = kind_of(path.name).open(self.name, local, path.parent, self._schema)
        return True
