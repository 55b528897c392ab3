"""Who asks an API: what each way of saying so adds to a request, and when it can be renewed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec
from pydantic import SecretStr

from millrace.config.api import AuthSettings, OAuth2Settings
from millrace.errors import SourceError

#: A token is renewed so many seconds before it expires.
_EARLY = 30.0
_LIFETIME = 300.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries: headers, and query parameters."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> list[str]:
        """The texts that nobody may see; of `Bearer x`, also `x`."""
        texts = [*self.headers.values(), *self.query.values()]
        return [*texts, *(text.partition(" ")[2] for text in texts if " " in text)]


#: Sends a form (URL, headers, fields) and gives the answer's body; raises what a failed request raises.
Post = Callable[[str, Mapping[str, str], Mapping[str, str]], bytes]


class OAuth2:
    """Client credentials: a token, fetched when there is none or it is about to expire."""

    def __init__(self, settings: OAuth2Settings, post: Post, where: str) -> None:
        self._settings = settings
        self._post = post
        self._where = where
        self._token: str | None = None
        self._until = 0.0

    def credentials(self) -> Credentials:
        """The token of now."""
        if self._token is None or monotonic() >= self._until:
            self._token = self._fetched()
        return Credentials({"Authorization": f"Bearer {self._token}"})

    def renew(self) -> bool:
        """Forget the token, since the API refuses it; another will be fetched."""
        self._token = None
        return True

    @property
    def fixed_headers(self) -> Mapping[str, str]:
        """None: tokens change, and are looked at when they come."""
        return {}

    @property
    def secrets(self) -> list[str]:
        """The token."""
        return [self._token] if self._token else []

    def _fetched(self) -> str:
        said = self._settings
        form = {"grant_type": "client_credentials", **revealed(said.params)}
        if said.scope:
            form["scope"] = said.scope
        identity, secret = said.client_id.get_secret_value(), said.client_secret.get_secret_value()
        headers = {}
        if said.credentials_in != "body":
            headers = basic(identity, secret)
        else:
            form |= {"client_id": identity, "client_secret": secret}
        try:
            answer: Any = msgspec.json.decode(self._post(said.token_url, headers, form))
        except (msgspec.DecodeError, RecursionError):
            answer = None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not (token.isascii() and token.isprintable()):
            raise SourceError(
                "`token_url` answered without an `access_token`.",
                where=f"{self._where}.api.auth.oauth2",
                code="source.api-auth",
                next_step="check `token_url`, `scope` and `credentials_in`",
            )
        lifetime = answer.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) else _LIFETIME
        self._until = monotonic() + max(seconds - _EARLY, seconds / 2)
        return token


@dataclass(frozen=True, slots=True)
class Fixed:
    """Credentials that stay the same."""

    fixed: Credentials

    def credentials(self) -> Credentials:
        """Always the same."""
        return self.fixed

    def renew(self) -> bool:
        """Nothing can be renewed."""
        return False

    @property
    def fixed_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return self.fixed.headers

    @property
    def secrets(self) -> list[str]:
        """The texts that nobody may see."""
        return self.fixed.secrets


def authorization(
    settings: AuthSettings | None, login: tuple[str, str] | None, post: Post, where: str
) -> Fixed | OAuth2:
    """What `auth` states, or the `login` (user, password) of the URL; no credentials when there is neither."""
    if settings is None:
        return Fixed(Credentials(basic(*login)) if login else Credentials())
    if settings.oauth2:
        return OAuth2(settings.oauth2, post, where)
    if settings.basic:
        return Fixed(
            Credentials(basic(settings.basic.user.get_secret_value(), settings.basic.password.get_secret_value()))
        )
    if settings.bearer:
        return Fixed(Credentials({"Authorization": f"Bearer {settings.bearer.get_secret_value()}"}))
    return Fixed(Credentials(revealed(settings.header or {}), revealed(settings.query or {})))


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication (RFC 7617).

    Examples
    --------
    >>> basic("Aladdin", "open sesame")
    {'Authorization': 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='}
    """
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def revealed(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    """The texts behind `secrets`, to be sent and never to be shown."""
    return {name: secret.get_secret_value() for name, secret in secrets.items()}
