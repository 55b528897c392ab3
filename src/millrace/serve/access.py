"""Who may ask a server for what: the access key of a request, and what each path asks of it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from millrace.records.key import Key, KeyVerb
from millrace.serve.rate import Rate
from millrace.serve.tokens import Tokens
from millrace.store.keys import KeyRing

#: Whoever probes a server has no key; these say no more than that it is well, and which package answers.
_PROBES = frozenset(("/healthz", "/v2/health/live", "/v2/health/ready"))
_MODEL_READY = re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?/ready")
_NO_STORE = (b"cache-control", b"no-store")

Headers = Iterable[tuple[bytes, bytes]]
Refusal = tuple[int, bytes, list[tuple[bytes, bytes]]]


class Guard(NamedTuple):
    """What is asked for a key: the ring of access keys, the tokens of an issuer, and the package that is served."""

    ring: KeyRing | None
    tokens: Tokens | None
    package: str

    def key(self, headers: Headers, needed: KeyVerb) -> Key | Refusal:
        """The key of a request that is good for what is `needed`, or why it is refused."""
        given = [value for name, value in headers if name == b"authorization"]
        kind, _, secret = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        if kind.lower() != "bearer" or not secret.strip():
            return _refused(401, "access.missing", "This request carries no access key.", b"")
        key = self._found(secret.strip())
        if not isinstance(key, Key):
            return key
        if needed not in key.verbs and "admin" not in key.verbs:
            seen = f"This access key is good for {', '.join(key.verbs) or 'nothing'}, not for {needed}."
            scope = b', error="insufficient_scope", scope="%s"' % needed.encode()
            return _refused(403, "access.verb", seen, scope)
        if key.models and self.package not in key.models:
            seen = f"This access key is good for {', '.join(key.models)}, and {self.package} is served here."
            return _refused(403, "access.model", seen, b', error="insufficient_scope"')
        return key

    def _found(self, secret: str) -> Key | Refusal:
        if self.tokens and secret.count(".") == 2:
            found = self.tokens.find(secret)
            if isinstance(found, Key):
                return found
            return _refused(401, "access.token", f"This token is not taken: {found}.", b', error="invalid_token"')
        key = self.ring.find(secret) if self.ring else None
        if key is None:
            return _refused(401, "access.key", "This access key is unknown or was revoked.", b', error="invalid_token"')
        return key


class Access:
    """Lets requests in by their keys, and only so many of each client; probes are asked and counted for nothing."""

    def __init__(
        self,
        guard: Guard | None,
        rate: Rate | None = None,
        probes: Collection[str] = (),
        predict: Collection[str] = (),
    ) -> None:
        self._guard = guard
        self._rate = rate
        self._probes = _PROBES.union(probes)
        self._predict = frozenset(("/predict", *predict))

    def needed(self, path: str) -> KeyVerb | None:
        """What a key must be good for at `path`; None where no key is needed."""
        if path in self._predict or path.endswith("/infer"):
            return "predict"
        if path == "/feedback":
            return "feedback"
        if path == "/metrics":
            return "metrics"
        return None if path in self._probes or _MODEL_READY.fullmatch(path) else "predict"

    def refusal(self, path: str, headers: Headers, client: str) -> Refusal | None:
        """Why a request is not answered: status, body and headers; None when it may pass.

        A client is the key that it has, or its address. RFC 6750, section 3: 401 for a missing or wrong key, 403 for
        one that is good for other things. RFC 6585, section 4: 429 for too many requests.
        """
        needed = self.needed(path)
        if needed is None:
            return None
        if self._guard:
            key = self._guard.key(headers, needed)
            if not isinstance(key, Key):
                return key
            client = key.id
        if self._rate and (wait := self._rate.wait(client)):
            return _too_often(wait)
        return None


def _too_often(wait: float) -> Refusal:
    seen = f"This client asks too often; it may ask again in {wait:.2g} seconds."
    body = msgspec.json.encode({"error": {"code": "access.rate", "seen": seen}})
    return 429, body, [(b"retry-after", str(math.ceil(wait)).encode())]


def _refused(status: int, code: str, seen: str, challenge: bytes) -> Refusal:
    allowed = ["Authorization: Bearer <a key of `millrace key create`>"]
    body = msgspec.json.encode({"error": {"code": code, "seen": seen, "allowed": allowed}})
    return status, body, [(b"www-authenticate", b'Bearer realm="millrace"' + challenge), _NO_STORE]
