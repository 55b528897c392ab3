"""Where everything of a project rests: one folder, or one prefix of an object store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError

from millrace.errors import RemoteError
from millrace.store.remote import answering, connect, local_or_url


class Store:
    """A folder (created on first write) or an ``s3://``, ``gs://``, ``az://`` prefix, addressed by keys with slashes.

    Everything that the place refuses is a `RemoteError`; a URL that cannot be one is a `ProjectFileError`.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.create("releases/1.json", b"{}"), store.create("releases/1.json", b"again")
    (True, False)
    >>> store.read("releases/1.json"), store.keys("releases")
    (b'{}', ('releases/1.json',))
    """

    def __init__(self, url: str | Path) -> None:
        self.url = local_or_url(url)
        self.local = "://" not in self.url
        if self.local:
            Path(self.url).mkdir(parents=True, exist_ok=True)
        self._objects = connect(Path(self.url).as_uri() if self.local else self.url, where="store")

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    def at(self, key: str) -> str:
        """Where `key` is: a path or a URL that other libraries open."""
        return f"{self.url}/{key}"

    def create(self, key: str, content: bytes) -> bool:
        """Write `content` unless `key` exists; say whether this call wrote it. Atomic among all writers."""
        try:
            with answering("The store refuses to write", key):
                obstore.put(self._objects, key, content, mode="create")
        except RemoteError as error:
            if isinstance(error.__cause__, AlreadyExistsError):
                return False
            # The answer may have been lost on its way back, after the object was written.
            if content and self._holds(key, content):
                return True
            raise
        return True

    def write(self, key: str, content: bytes) -> None:
        """Write `content`, replacing what was there, atomically."""
        with answering("The store refuses to write", key):
            obstore.put(self._objects, key, content)

    def read(self, key: str) -> bytes | None:
        """What rests at `key`; None when nothing does."""
        with answering("The store cannot be read", key):
            try:
                return bytes(obstore.get(self._objects, key).bytes())
            except (NotFoundError, FileNotFoundError):
                return None

    def keys(self, prefix: str, *, after: str | None = None) -> tuple[str, ...]:
        """Every key below the folder `prefix`, sorted; only those behind the key `after`, where one is given."""
        with answering("The store cannot be listed", prefix):
            found = obstore.list(self._objects, prefix=prefix.rstrip("/"), offset=after).collect()
        return tuple(sorted(str(entry["path"]) for entry in found))

    def older(self, prefix: str, than: datetime) -> tuple[str, ...]:
        """Every key below the folder `prefix` that was last written before an aware time, sorted."""
        with answering("The store cannot be listed", prefix):
            found = obstore.list(self._objects, prefix=prefix.rstrip("/")).collect()
        return tuple(sorted(str(entry["path"]) for entry in found if entry["last_modified"] < than))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove what rests at `keys`; what is not there is no error."""
        with answering("The store refuses to delete", keys[0] if keys else ""):
            for key in keys:
                with suppress(NotFoundError, FileNotFoundError):
                    obstore.delete(self._objects, key)

    def _holds(self, key: str, content: bytes) -> bool:
        try:
            return self.read(key) == content
        except RemoteError:
            return False
