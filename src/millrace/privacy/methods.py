"""How one personal value is protected. Equal values give equal results under equal keys, whenever and wherever.

=======  ==============================================================================================================
hash     ``hash:<key id>:<32 hex digits>``: keyed BLAKE2b (Aumasson et al. 2013; RFC 7693), joins across sources
encrypt  ``enc:<key id>:<base64>``: AES-256-SIV (RFC 5297), authenticated, and the same for the same value
mask     ``***@example.org`` of an e-mail address; else letters and digits become ``*`` but the last four at most
drop     nothing
=======  ==============================================================================================================
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from millrace.config.secrets import KEY
from millrace.errors import DataError, MissingExtraError
from millrace.privacy.keys import Keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

#: Gives a protected text for a text; None leaves nothing of it.
Method = Callable[[str], str | None]
#: What has been encrypted, wherever it stands in a text.
SEALED = re.compile(r"enc:([0-9a-f]{8}):([A-Za-z0-9_=-]+)")
_FORMAT = b"1"
_CONTEXT = b"millrace pii"
_SHOWN = 4
_MAIL = re.compile(r"[^@\s]+@([^@\s]+)")


def hashing(keys: Keys) -> Callable[[str], str]:
    """Hash with the oldest key."""
    key = keys.hashing

    def hashed(text: str) -> str:
        digest = hashlib.blake2b(text.encode(), key=key.hashing, digest_size=16, person=b"millrace pii")
        return f"hash:{key.id}:{digest.hexdigest()}"

    return hashed


def sealing(keys: Keys) -> Callable[[str], str]:
    """Encrypt with the newest key. Raises `MissingExtraError` without the library."""
    key = keys.sealing
    cipher = _cipher(key.sealing)

    def sealed(text: str) -> str:
        content = cipher.encrypt(_FORMAT + text.encode(), [_CONTEXT])
        return f"enc:{key.id}:{base64.urlsafe_b64encode(content).decode()}"

    return sealed


def unsealing(keys: Keys) -> Method:
    """Decrypt everything in a text that was encrypted with one of the keys; the rest stays as it is.

    Raises `DataError` where the key is not here, or the value was altered.
    """
    ciphers = {key.id: _cipher(key.sealing) for key in keys.all}

    def unsealed(text: str) -> str:
        return SEALED.sub(lambda found: _opened(ciphers, found), text)

    return unsealed


def masking(_: Keys | None = None) -> Method:
    """Mask; a masked text stays as it is."""
    return masked


def dropping(_: Keys | None = None) -> Method:
    """Leave nothing."""
    return lambda _: None


def masked(text: str) -> str:
    """The shape of a text, with at most the last four letters and digits, and never more than half of them.

    Examples
    --------
    >>> masked("ada@example.org"), masked("DE89 3704 0044"), masked("1984"), masked(masked("+44 20 7946 0018"))
    ('***@example.org', '**** **** 0044', '**84', '+** ** **** 0018')
    """
    if mail := _MAIL.fullmatch(text.strip()):
        return f"***@{mail[1]}"
    signs = [at for at, sign in enumerate(text) if sign.isalnum() or sign == "*"]
    hidden = set(signs[: len(signs) - min(_SHOWN, len(signs) // 2)])
    return "".join("*" if at in hidden else sign for at, sign in enumerate(text))


#: How each word of `pii` protects.
METHODS: Mapping[str, Callable[[Keys], Method]] = MappingProxyType(
    {"hash": hashing, "mask": masking, "encrypt": sealing, "drop": dropping}
)
#: Those that work without a key.
KEYLESS = frozenset({"mask", "drop"})
#: Those whose values can be had back.
REVERSIBLE = frozenset({"encrypt"})


def _cipher(key: bytes) -> AESSIV:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Encryption needs the library `cryptography`.", where="pii", next_step="pip install 'millrace[encrypt]'"
        ) from error
    return AESSIV(key)


def _opened(ciphers: Mapping[str, AESSIV], found: re.Match[str]) -> str:
    from cryptography.exceptions import InvalidTag

    cipher = ciphers.get(found[1])
    if cipher is None:
        raise DataError(
            f"This was encrypted with the key {found[1]}, which is not in `{KEY}`.",
            where="pii",
            code="pii.key",
            allowed=ciphers,
            next_step=f"append the key to `{KEY}`, after a comma",
        )
    try:
        content = cipher.decrypt(base64.urlsafe_b64decode(found[2]), [_CONTEXT])
    except (InvalidTag, ValueError) as error:
        raise DataError("An encrypted value was altered, or cut short.", where="pii", code="pii.altered") from error
    return content[len(_FORMAT) :].decode()
