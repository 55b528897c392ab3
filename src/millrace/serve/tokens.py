"""Tokens of an identity provider (OpenID Connect) in place of access keys: who they are for, and what they allow.

A token is a JWT (RFC 7519) signed with one of the provider's published keys (RFC 7517), by a public-key algorithm; its
`scope` holds ``millrace:predict`` and the like. What a token claims of algorithms and keys is believed only as far as
the provider's own list goes (RFC 8725, section 3.1).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from millrace.errors import MissingExtraError, RemoteError, UsageError
from millrace.records.key import Key, KeyVerb

if TYPE_CHECKING:
    from jwt import PyJWKSet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_PREFIX = "millrace:"
_REFRESH_SECONDS = 300.0
#: Tokens remembered as good until they expire, so that each is checked once.
_REMEMBERED = 10_000
#: Clocks of two machines may be so far apart.
_LEEWAY_SECONDS = 30


class Issuer(NamedTuple):
    """A provider: where its keys are (a file, or an ``https`` URL), its name, and for whom its tokens must be."""

    keys: str
    issuer: str
    audience: str


class Tokens:
    """Checks the tokens of one issuer; `refresh` reads its keys anew, now and then.

    Raises `MissingExtraError` without the extra `oidc`, `UsageError` for keys that cannot be read.
    """

    def __init__(self, issuer: Issuer) -> None:
        try:
            import jwt
        except ImportError as error:
            raise MissingExtraError(
                "`serve: {tokens: …}` needs PyJWT.", where="serve", next_step='pip install "millrace[oidc]"'
            ) from error
        self._jwt = jwt
        self._issuer = issuer
        self._keys: PyJWKSet | None = None
        self._read_at = float("-inf")
        self._good: dict[str, tuple[float, Key]] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._issuer.issuer!r})"

    def refresh(self) -> None:
        """Read the issuer's keys unless they were read lately. Raises `RemoteError` or `UsageError`; the known stay."""
        now = time.monotonic()
        if now - self._read_at < _REFRESH_SECONDS:
            return
        content = _content(self._issuer.keys)
        try:
            self._keys = self._jwt.PyJWKSet.from_json(content)
        except (self._jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{self._issuer.keys} holds no keys: {error}.",
                where="serve.tokens",
                code="serve.tokens",
                allowed=["a JSON Web Key Set with public keys"],
            ) from error
        self._read_at = now
        self._good.clear()

    def find(self, token: str) -> Key | str:
        """What a token is good for, as a key whose id is its subject; the reason when it is good for nothing."""
        remembered = self._good.get(token)
        if remembered and remembered[0] > time.time():
            return remembered[1]
        try:
            claims = self._claims(token)
        except self._jwt.PyJWTError as error:
            return f"{error}"
        key = Key(f"{claims['sub']}", f"{claims['sub']}", _verbs(claims), "", self._issuer.issuer, "", _models(claims))
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good[token] = (float(claims["exp"]), key)
        return key

    def _claims(self, token: str) -> dict[str, Any]:
        header = self._jwt.get_unverified_header(token)
        known = [key for key in (self._keys.keys if self._keys else []) if key.key_id == header.get("kid")]
        if not known:
            raise self._jwt.InvalidKeyError("no key of the issuer has its id")
        return self._jwt.decode(
            token,
            known[0],
            # The key says by what it is used, not the token; a shared secret is none of these.
            algorithms=[name for name in ALGORITHMS if name == known[0].algorithm_name],
            audience=self._issuer.audience,
            issuer=self._issuer.issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


def _content(at: str) -> str:
    if not at.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        try:
            return Path(at).read_text()
        except OSError as error:
            raise UsageError(
                f"The keys {at} cannot be read: {error.strerror}.", where="serve.tokens", code="serve.tokens"
            ) from error
    import urllib.request

    try:
        with urllib.request.urlopen(at, timeout=10) as response:  # noqa: S310 - one of the schemes above
            return str(response.read(1 << 20).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise RemoteError(f"The issuer's keys cannot be read: {error}.", where=at, code="serve.tokens") from error


def _verbs(claims: dict[str, Any]) -> tuple[KeyVerb, ...]:
    scope = claims.get("scope", claims.get("scp", ""))
    words = scope.split() if isinstance(scope, str) else [str(word) for word in scope]
    return tuple(verb for verb in get_args(KeyVerb) if f"{_PREFIX}{verb}" in words)


def _models(claims: dict[str, Any]) -> tuple[str, ...]:
    models = claims.get("millrace_models", ())
    return (models,) if isinstance(models, str) else tuple(str(model) for model in models)
