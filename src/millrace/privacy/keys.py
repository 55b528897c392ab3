"""The keys that personal values are hashed and encrypted with: from the environment, never from a file of Millrace.

``MILLRACE_PII_KEY`` holds one key, or several with commas between: the first encrypts, every one of them decrypts, the
last one hashes. So a new key put in front rotates encryption, and hashes still join. An id that says nothing of the key
stands in each value, so that its key is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from millrace.config.secrets import KEY
from millrace.errors import ProjectFileError

_LEAST = 16
_MAKE = f"export {KEY}=$(openssl rand -hex 32), and keep it where secrets are kept: nobody can restore it"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key: its id, and what hashing (32 bytes) and sealing (64 bytes, for AES-256-SIV) are done with."""

    id: str
    hashing: bytes
    sealing: bytes

    def __repr__(self) -> str:
        return f"Key({self.id!r})"


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys, the newest first.

    Examples
    --------
    >>> keys = keys_of("b" * 32 + "," + "a" * 32)
    >>> keys.hashing == keys_of("a" * 32).sealing, keys.find(keys.sealing.id) == keys.sealing
    (True, True)
    """

    all: tuple[Key, ...]

    @property
    def sealing(self) -> Key:
        """The key that encrypts."""
        return self.all[0]

    @property
    def hashing(self) -> Key:
        """The key that hashes."""
        return self.all[-1]

    def find(self, identity: str) -> Key | None:
        """The key of an id; None when it is not here."""
        return next((key for key in self.all if key.id == identity), None)


def keys_from(environ: Mapping[str, str], where: str) -> Keys:
    """The keys in the environment. Raises `ProjectFileError` when there are none, or one is too short to be safe."""
    text = environ.get(KEY, "")
    if not text.strip(", "):
        raise ProjectFileError(
            f"Personal values are to be protected, and the environment variable `{KEY}` is not set.",
            where=where,
            code="pii.key",
            next_step=_MAKE,
        )
    try:
        return keys_of(text)
    except ValueError as error:
        raise ProjectFileError(str(error), where=where, code="pii.key", next_step=_MAKE) from None


def keys_of(text: str) -> Keys:
    """The keys that `text` lists. Raises ValueError for one that is too short."""
    secrets = [one.strip() for one in text.split(",") if one.strip()]
    if any(len(secret) < _LEAST for secret in secrets):
        raise ValueError(f"A key in `{KEY}` has fewer than {_LEAST} characters, so it could be guessed.")
    return Keys(tuple(_key(secret.encode()) for secret in dict.fromkeys(secrets)))


def _key(secret: bytes) -> Key:
    return Key(
        hashlib.blake2b(secret, digest_size=4, person=b"millrace id").hexdigest(),
        hashlib.blake2b(secret, digest_size=32, person=b"millrace hash").digest(),
        hashlib.blake2b(secret, digest_size=64, person=b"millrace seal").digest(),
    )
