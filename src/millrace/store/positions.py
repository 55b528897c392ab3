"""Long texts of positions, each written once beside the receipts that share it.

What a source remembers may be large and change little from commit to commit. A text of more than `LONG` characters
rests under ``positions/<source>/<SHA-256>``, and the receipt names it. It is written before the receipt, and never
rewritten; like receipts, such texts must not be deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from millrace.errors import DataError
from millrace.store.objects import Store
from millrace.store.remote import resumable

LONG = 65_536
_APART = "$apart"


class LongTexts:
    """The long texts of one source's positions.

    Examples
    --------
    >>> import tempfile
    >>> texts = LongTexts(Store(tempfile.mkdtemp()), "orders")
    >>> short = texts.apart({"at": 7, "seen": ["x" * 70_000]})
    >>> list(short["seen"][0]), texts.whole(short) == {"at": 7, "seen": ["x" * 70_000]}
    (['$apart'], True)
    """

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._source = source
        self._written: dict[str, str] = {}

    def apart(self, position: Mapping[str, Any]) -> dict[str, Any]:
        """`position` with a reference for each long text, which is written. Raises `RemoteError`."""
        named: dict[str, str] = {}
        short: dict[str, Any] = _replaced(dict(position), lambda value: self._reference(value, named))
        self._written = named
        return short

    def whole(self, position: Mapping[str, Any]) -> dict[str, Any]:
        """The position that was set apart. Raises `DataError` when one of its texts is gone."""
        found: dict[str, Any] = _replaced(dict(position), self._resolved)
        return found

    def _reference(self, value: Any, named: dict[str, str]) -> Any:
        if not isinstance(value, str) or len(value) <= LONG:
            return value
        digest = self._written.get(value)
        if digest is None:
            digest = hashlib.sha256(value.encode()).hexdigest()
            with resumable():
                self._store.create(self._key(digest), value.encode())
        named[value] = digest
        return {_APART: digest}

    def _resolved(self, value: Any) -> Any:
        if not isinstance(value, dict) or list(value) != [_APART]:
            return value
        key = self._key(value[_APART])
        content = self._store.read(key)
        if content is None or hashlib.sha256(content).hexdigest() != value[_APART]:
            seen = f"{key} is gone or changed: how far {self._source} was read is unknown."
            raise DataError(
                seen, where=self._source, code="data.receipt", next_step="restore the store's folder `positions`"
            )
        return content.decode()

    def _key(self, digest: str) -> str:
        return f"positions/{self._source}/{digest}"


def _replaced(value: Any, by: Any) -> Any:
    """`value` with all that it holds replaced; what was replaced by something else is not looked into."""
    new = by(value)
    if new is not value:
        return new
    if isinstance(value, dict):
        return {name: _replaced(one, by) for name, one in value.items()}
    return [_replaced(one, by) for one in value] if isinstance(value, list | tuple) else value
