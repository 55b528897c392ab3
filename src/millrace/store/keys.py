"""Access keys: ``keys/<id>.json`` says what a key is good for, ``keys/<id>.revoked.json`` that it no longer is.

Both are created and never changed. A secret is 256 random bits, so nothing can be guessed from its hash and no slow
hash is needed to stop guessing (as scrypt is for passwords, which people choose): BLAKE2b takes a microsecond, so a
flood of wrong keys is no way to keep the server busy. Only the hash rests, made for its key alone by the key's id as
salt (RFC 7693; Python's `hashlib.blake2b`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import get_args

import msgspec

from millrace.errors import MillraceError, UsageError
from millrace.records.key import FORMAT, Key, KeyVerb, NewKey
from millrace.store.objects import Store

FOLDER = "keys"
_PREFIX = "millrace"
_VERBS: tuple[KeyVerb, ...] = get_args(KeyVerb)


class Kept(msgspec.Struct, frozen=True):
    """A key as it rests: `digest` is the BLAKE2b-256 (hex) of its secret."""

    id: str
    name: str
    verbs: tuple[KeyVerb, ...]
    created: str
    by: str
    digest: str
    format: int = FORMAT
    models: tuple[str, ...] = ()


class _Revoked(msgspec.Struct, frozen=True):
    at: str
    by: str
    format: int = FORMAT


def create(store: Store, name: str, verbs: Iterable[str], by: str, models: Iterable[str] = ()) -> NewKey:
    """Make a key that is good for `verbs`, at servers of `models` alone when any are named.

    Raises `UsageError` for a verb there is not, or for none.
    """
    wanted = set(verbs)
    if not wanted or wanted - set(_VERBS):
        unknown = ", ".join(sorted(wanted - set(_VERBS))) or "nothing"
        raise UsageError(f"A key cannot be good for {unknown}.", where="key", code="key.verb", allowed=_VERBS)
    identity = secrets.token_hex(6)
    drawn = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    secret = f"{_PREFIX}_{identity}_{drawn}"
    key = Key(identity, name, tuple(verb for verb in _VERBS if verb in wanted), _now(), by, "", tuple(models))
    digest = _digest(identity, secret).hex()
    kept = Kept(key.id, key.name, key.verbs, key.created, key.by, digest, models=key.models)
    if not store.create(f"{FOLDER}/{identity}.json", msgspec.json.format(msgspec.json.encode(kept), indent=2)):
        raise MillraceError(f"The key {identity} is there already.", where=FOLDER, code="key.exists")
    return NewKey(key, secret)


def revoke(store: Store, identity: str, by: str) -> Key:
    """End a key; one that was ended before stays as it was. Raises `UsageError` for an id that no key has."""
    known = {key.id: key for key in listed(store)}
    if identity not in known:
        raise UsageError(
            f"There is no key {identity}.",
            where="key",
            code="key.unknown",
            allowed=list(known),
            next_step="millrace key list",
        )
    store.create(f"{FOLDER}/{identity}.revoked.json", msgspec.json.encode(_Revoked(_now(), by)))
    return next(key for key in listed(store) if key.id == identity)


def listed(store: Store) -> tuple[Key, ...]:
    """Every key, revoked ones too, oldest first."""
    ring = KeyRing(store)
    ring.refresh()
    return tuple(sorted(ring.keys(), key=lambda key: (key.created, key.id)))


class KeyRing:
    """The keys of a store, in memory; `refresh` reads only what is new.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> made = create(store, "the shop", ["predict"], "ada")
    >>> ring = KeyRing(store)
    >>> ring.refresh()
    >>> ring.find(made.secret).name, ring.find(made.secret + "x"), ring.find("")
    ('the shop', None, None)
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: Mapping[str, Kept] = {}
        self._revoked: Mapping[str, str] = {}

    def keys(self) -> list[Key]:
        """Every key as of the last `refresh`."""
        return [_shown(kept, self._revoked.get(kept.id, "")) for kept in self._kept.values()]

    def refresh(self) -> None:
        """Learn of new and of revoked keys. Raises `MillraceError` when a key cannot be read; what was known stays."""
        kept, revoked = {}, {}
        for path in self._store.keys(FOLDER):
            identity, _, kind = path.removeprefix(f"{FOLDER}/").partition(".")
            if kind == "revoked.json":
                # A revocation counts because it is there, even if its text were damaged.
                revoked[identity] = self._revoked.get(identity) or _time(self._store.read(path))
            elif kind == "json":
                kept[identity] = self._kept.get(identity) or _read(path, identity, self._store.read(path))
        self._revoked, self._kept = revoked, kept

    def find(self, secret: str) -> Key | None:
        """The good key with this secret, found in a time that says nothing about how near a wrong one came."""
        parts = secret.split("_", 2)
        identity = parts[1] if len(parts) == 3 else ""
        kept = self._kept.get(identity)
        given = _digest(identity, secret)
        right = hmac.compare_digest(given, bytes.fromhex(kept.digest) if kept else bytes(32))
        return _shown(kept, "") if kept and right and identity not in self._revoked else None


def _digest(identity: str, secret: str) -> bytes:
    salt = identity.encode("utf-8", "surrogateescape")[:16]
    given = secret.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(given, digest_size=32, salt=salt, person=b"millrace-key").digest()


def _read(path: str, identity: str, content: bytes | None) -> Kept:
    try:
        kept = msgspec.json.decode(content or b"", type=Kept)
        whole = kept.id == identity and len(bytes.fromhex(kept.digest)) == 32 and kept.format <= FORMAT
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        whole = False
    if not whole:
        raise MillraceError(
            f"The key `{path}` cannot be read.",
            where=path,
            code="key.damaged",
            next_step=f"remove `{path}`, and make a new key with millrace key create",
        )
    return kept


def _time(content: bytes | None) -> str:
    try:
        return msgspec.json.decode(content or b"", type=_Revoked).at
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "unknown"


def _shown(kept: Kept, revoked: str) -> Key:
    return Key(kept.id, kept.name, kept.verbs, kept.created, kept.by, revoked, kept.models)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
