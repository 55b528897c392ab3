"""Where everything of a project rests: one folder, or one prefix of an object store."""

from __future__ import annotations

from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import from_url


class Store:
    """A folder (created on first write) or an ``s3://``, ``gs://``, ``az://`` prefix, addressed by keys with slashes.

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
        text = str(url)
        self.local = "://" not in text
        self.url = str(Path(text).resolve()) if self.local else text.rstrip("/")
        if self.local:
            Path(self.url).mkdir(parents=True, exist_ok=True)
        self._objects = from_url(Path(self.url).as_uri() if self.local else self.url)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    def at(self, key: str) -> str:
        """Where `key` is: a path or a URL that other libraries open."""
        return f"{self.url}/{key}"

    def create(self, key: str, content: bytes) -> bool:
        """Write `content` unless `key` exists; say whether this call wrote it. Atomic among all writers."""
        try:
            obstore.put(self._objects, key, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def write(self, key: str, content: bytes) -> None:
        """Write `content`, replacing what was there, atomically."""
        obstore.put(self._objects, key, content)

    def read(self, key: str) -> bytes | None:
        """What rests at `key`; None when nothing does."""
        try:
            return bytes(obstore.get(self._objects, key).bytes())
        except (NotFoundError, FileNotFoundError):
            return None

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Every key below the folder `prefix`, sorted."""
        found = obstore.list(self._objects, prefix=prefix.rstrip("/")).collect()
        return tuple(sorted(str(entry["path"]) for entry in found))
