"""Who may ask a server for what: the access key of a request, and what each path asks of it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable

import msgspec

from millrace.records.key import Key, KeyVerb
from millrace.serve.rate import Rate
from millrace.store.keys import KeyRing

#: Whoever probes a server has no key; these say no more than that it is well, and which package answers.
_PROBES = frozenset(("/healthz", "/v2/health/live", "/v2/health/ready"))
_MODEL_READY = re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?/ready")
_NO_STORE = (b"cache-control", b"no-store")

Headers = Iterable[tuple[bytes, bytes]]
Refusal = tuple[int, bytes, list[tuple[bytes, bytes]]]


class Access:
    """Lets requests in by their keys, and only so many of each client; probes are asked and counted for nothing."""

    def __init__(
        self,
        ring: KeyRing | None,
        rate: Rate | None = None,
        probes: Collection[str] = (),
        predict: Collection[str] = (),
    ) -> None:
        self._ring = ring
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
        if self._ring:
            key = _key(self._ring, headers, needed)
            if not isinstance(key, Key):
                return key
            client = key.id
        if self._rate and (wait := self._rate.wait(client)):
            return _too_often(wait)
        return None


def _key(ring: KeyRing, headers: Headers, needed: KeyVerb) -> Key | Refusal:
    given = [value for name, value in headers if name == b"authorization"]
    kind, _, secret = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not secret.strip():
        return _refused(401, "access.missing", "This request carries no access key.", b"")
    key = ring.find(secret.strip())
    if key is None:
        return _refused(401, "access.key", "This access key is unknown or was revoked.", b', error="invalid_token"')
    if needed not in key.verbs and "admin" not in key.verbs:
        seen = f"This access key is good for {', '.join(key.verbs)}, not for {needed}."
        return _refused(403, "access.verb", seen, b', error="insufficient_scope", scope="%s"' % needed.encode())
    return key


def _too_often(wait: float) -> Refusal:
    seen = f"This client asks too often; it may ask again in {wait:.2g} seconds."
    body = msgspec.json.encode({"error": {"code": "access.rate", "seen": seen}})
    return 429, body, [(b"retry-after", str(math.ceil(wait)).encode())]


def _refused(status: int, code: str, seen: str, challenge: bytes) -> Refusal:
    allowed = ["Authorization: Bearer <a key of `millrace key create`>"]
    body = msgspec.json.encode({"error": {"code": code, "seen": seen, "allowed": allowed}})
    return status, body, [(b"www-authenticate", b'Bearer realm="millrace"' + challenge), _NO_STORE]
