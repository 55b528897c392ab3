"""The access keys of a project, each change on record in its audit log."""

from __future__ import annotations

from collections.abc import Callable

from millrace.records.key import Key, NewKey
from millrace.store import keys
from millrace.store.audited import actor, audited
from millrace.store.objects import Store


class KeyBook:
    """Makes, lists and revokes the access keys that rest in a store.

    Examples
    --------
    >>> import tempfile
    >>> book = KeyBook(Store(tempfile.mkdtemp()))
    >>> made = book.create("the shop", "predict,feedback")
    >>> [key.name for key in book.listed()], bool(book.revoke(made.key.id).revoked)
    (['the shop'], True)
    """

    def __init__(self, store: Store, hide: Callable[[str], str] = str) -> None:
        self.store = store
        self._hide = hide

    @property
    def hide(self) -> Callable[[str], str]:
        """Takes out of a text what must not be kept."""
        return self._hide

    @audited("key create")
    def create(self, name: str, verbs: str = "predict", models: str = "") -> NewKey:
        """Make a key; `verbs`, separated by commas, is what it is good for, at servers of `models` alone if any.

        Its secret rests nowhere: it is in the answer, and never seen again. Raises `UsageError` for an unknown verb.
        """
        return keys.create(self.store, name, verbs.split(","), actor(), models.split(",") if models else ())

    def listed(self) -> tuple[Key, ...]:
        """Every key, revoked ones too, oldest first; without secrets."""
        return keys.listed(self.store)

    @audited("key revoke")
    def revoke(self, identity: str) -> Key:
        """End a key; running servers refuse it within a second. Raises `UsageError` for an id that no key has."""
        return keys.revoke(self.store, identity, actor())
