"""Asking an HTTP server: bounded in size and time, patient where that helps, and silent about secrets.

What passes by itself is tried again: 408, 425, 429, 5xx other than 501, and connections that fail or break off; after
`Retry-After` where the server states it, else with exponential backoff and full jitter (Brooker, 2015). All else is an
error at once. Credentials, headers and parameters of the project file go to the host of `from` and to no other.
"""

from __future__ import annotations

import random
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, sleep
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as LateError

from millrace.config.api import ApiSettings, parse_rate
from millrace.config.section import secrets_in
from millrace.errors import MillraceError, ProjectFileError, RemoteError, SourceError
from millrace.sources.http.auth import authorization, revealed

_PASSING = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_TRIES = 8
FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
_PIECE = 1 << 16
_SHOWN = 200
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: status below 400, headers with names in lower case, and the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its credentials, which any process may send, once: patience is for the one who let it out."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeout: float
    max_answer_mb: int

    def answer(self) -> Answer | None:
        """What comes at once; None when it fails, is refused or redirected, so that a `Client` must see to it."""
        client = Client(self.url, ApiSettings(timeout=self.timeout, max_answer_mb=self.max_answer_mb), "")
        try:
            answer = client.sent("GET", self.url, self.headers, None)
        except (_PassingError, MillraceError):
            return None
        finally:
            client.close()
        return answer if answer.status < 300 else None


class _PassingError(Exception):
    """A failure that may not happen again; `pause` is how long the server asks to wait."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class Refused(SourceError):  # noqa: N818 - the server did
    """The server answered that it will not; `status` says how."""

    def __init__(self, seen: str, status: int, *, where: str) -> None:
        super().__init__(seen, where=where, code="source.http", next_step=_ADVICE.get(status, ""))
        self.status = status


class Client:
    """One HTTP server, asked as the project file says. It may be used by one thread at a time."""

    def __init__(self, url: str, settings: ApiSettings, where: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
        self.where = where
        self._settings = settings
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._auth = authorization(settings.auth, login, self._post, where)
        credentials = [*secrets_in(settings.auth), *(login or ())]
        self._carried = [text for text in (*credentials, *revealed(settings.headers).values()) if len(text) > 3]
        said = [*revealed(settings.params).values(), *(value for _, value in parse_qsl(parts.query))]
        self._hidden = [*self._carried, *(text for text in said if len(text) > 7)]
        _check_headers({**revealed(settings.headers), **self._auth.fixed_headers}, where)
        self._pool = _pool(parts.scheme, self.host)
        self._interval = 1 / parse_rate(settings.rate) if settings.rate else 0.0
        self._next = 0.0

    def __repr__(self) -> str:
        return f"Client({self.host!r})"

    def get(self, path: str, query: Query, headers: Mapping[str, str] | None = None) -> Answer:
        """What the server answers to `path` of its own, with the credentials and headers of the project file.

        Raises `Refused` for an answer of 400 and above, `RemoteError` when trying again did not help, `SourceError` for
        an answer that is too large or a redirection that must not be followed.
        """
        return self._patiently(lambda: self._authorized(path, query, headers or {}))

    def let_out(self, path: str, query: Query) -> Request:
        """A request for `path` to be sent elsewhere now; its turn is taken here, so the rate holds for all of them."""
        request = self._request(path, query, {})
        self._wait_for_turn()
        return request

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def hide(self, text: str) -> str:
        """`text` without any secret."""
        for secret in sorted({*self._hidden, *self._auth.secrets}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def tells(self, text: str) -> bool:
        """Whether `text` holds a credential."""
        return any(len(secret) > 7 and secret in text for secret in (*self._auth.secrets, *self._carried))

    def _authorized(self, path: str, query: Query, headers: Mapping[str, str]) -> Answer:
        """One request; once more with new credentials where they can be renewed and the server refuses these."""
        renewed = False
        while True:
            request = self._request(path, query, headers)
            answer = self._followed("GET", request.url, request.headers, None)
            if answer.status == 401 and not renewed and self._auth.renew():
                renewed = True
                continue
            return self._judged(answer, self.host)

    def _request(self, path: str, query: Query, headers: Mapping[str, str]) -> Request:
        carried = self._auth.credentials()
        url = f"{self.origin}{path}?{urlencode([*query, *carried.query.items()])}".rstrip("?")
        sent = {**revealed(self._settings.headers), **headers, **carried.headers}
        return Request(url, sent, self._settings.timeout, self._settings.max_answer_mb)

    def _post(self, url: str, headers: Mapping[str, str], form: Mapping[str, str]) -> bytes:
        """What a form sent to `url` brings; redirections are not followed."""
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return self._judged(self.sent("POST", url, sent, urlencode(form)), urlsplit(url).hostname or "").body

    def _followed(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self.sent(method, url, headers, body)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            there = urljoin(url, target)
            before, after = urlsplit(url), urlsplit(there)
            if after.scheme not in {"http", "https"} or (before.scheme == "https" and after.scheme == "http"):
                raise self._error(f"{self.host} redirects to {after.scheme}://: not followed.", "source.redirect")
            if (before.scheme, before.netloc) != (after.scheme, after.netloc):
                headers = {}
            url = there
        raise self._error(f"{self.host} redirects more than {_MOST_REDIRECTS} times.", "source.redirect")

    def sent(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Answer:
        """One exchange with the server, in its turn."""
        self._wait_for_turn()
        patience = self._settings.timeout
        deadline = monotonic() + patience
        common = {"User-Agent": "millrace", "Accept-Encoding": "gzip", "Accept": "application/json, */*;q=0.5"}
        with self._failures():
            response = self._pool.request(
                method,
                url,
                headers={**common, **headers},
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=min(patience, 30.0), read=patience),
            )
            try:
                told = {name.lower(): value for name, value in response.headers.items()}
                content = b"".join(self._pieces(response, told, deadline))
            except BaseException:
                response.close()
                raise
            response.release_conn()
        return Answer(response.status, told, content)

    def _pieces(
        self, response: urllib3.BaseHTTPResponse, headers: Mapping[str, str], deadline: float
    ) -> Iterator[bytes]:
        most = self._settings.max_answer_mb << 20
        stated = headers.get("content-length", "")
        size = int(stated) if stated.isdigit() else 0
        if size <= most:
            size = 0
            while size <= most and (piece := response.read1(_PIECE)):
                size += len(piece)
                yield piece
                if monotonic() > deadline:
                    raise _PassingError(f"its answer took longer than {self._settings.timeout:g} s")
        if size > most:
            raise self._error(
                f"{self.host} answers with more than {self._settings.max_answer_mb} MB at once.",
                "source.too-large",
                "ask for smaller pages, or raise `api.max_answer_mb`",
            )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What the library says of a failure, without the URL that it would show."""
        try:
            yield
        except SSLError as error:
            raise self._error(
                f"The certificate of {self.host} is not trusted: {self.hide(_root(error))}.", "source.certificate"
            ) from None
        except (NewConnectionError, ssl.SSLError) as error:
            raise _PassingError(f"it cannot be reached ({self.hide(_root(error))})") from None
        except LateError:
            raise _PassingError(f"it did not answer within {self._settings.timeout:g} s") from None
        except (HTTPError, OSError) as error:
            raise _PassingError(f"its answer broke off ({type(error).__name__})") from None

    def _judged(self, answer: Answer, host: str) -> Answer:
        status = answer.status
        if status < 400:
            return answer
        if status in _PASSING or (status >= 500 and status != 501):
            raise _PassingError(f"it answers {status}", pause(answer.headers.get("retry-after"), datetime.now(UTC)))
        told = self.hide(" ".join(answer.body[:2000].decode("utf-8", errors="replace").split()))[:_SHOWN]
        raise Refused(f"{host} answers {status}{f': {told}' if told else '.'}", status, where=self.where)

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until it is answered, or trying again is hopeless."""
        began = monotonic()
        for number in range(1, _TRIES + 1):
            try:
                return ask()
            except _PassingError as failure:
                backoff = random.uniform(0, min(_LONGEST_PAUSE, FIRST_PAUSE * 2**number))  # noqa: S311 - no secret
                wait = backoff if failure.pause is None else failure.pause + backoff / 10
                left = self._settings.retry - (monotonic() - began)
                if number == _TRIES or wait > left:
                    asked = f", and asks to wait {failure.pause:,.0f} s" if failure.pause and wait > left else ""
                    raise RemoteError(
                        f"{self.host} does not serve: {failure.reason}{asked}. It was tried {number} times.",
                        where=self.where,
                        code="remote.http",
                        next_step="run again when it is back; what was committed is not read again",
                    ) from None
            sleep(wait)
        raise AssertionError

    def _wait_for_turn(self) -> None:
        if self._interval:
            now = monotonic()
            sleep(max(0.0, self._next - now))
            self._next = max(now, self._next) + self._interval

    def _error(self, seen: str, code: str, next_step: str = "") -> MillraceError:
        return SourceError(seen, where=self.where, code=code, next_step=next_step)


def _check_headers(headers: Mapping[str, str], where: str) -> None:
    """Raise `ProjectFileError` for a header that cannot be sent, without showing it: it may be a secret."""
    for name, value in headers.items():
        fits = re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) and re.fullmatch(r"[ -~\xa0-\xff]*", value)
        if not fits:
            raise ProjectFileError(
                f"The header `{name!r}` cannot be sent: it holds a line break, or a sign that headers do not have.",
                where=f"{where}.api",
                code="config.value",
                next_step="check the value of the environment variable; a line break at its end is common",
            )


def pause(stated: str | None, now: datetime) -> float | None:
    """How many seconds a `Retry-After` asks to wait: a number, or a date (RFC 9110, 10.2.3); None when it says nothing.

    Examples
    --------
    >>> pause("120", datetime.now(UTC)), pause("soon", datetime.now(UTC))
    (120.0, None)
    >>> pause("Fri, 31 Dec 1999 23:59:59 GMT", datetime(1999, 12, 31, 23, 59, 29, tzinfo=UTC))
    30.0
    """
    if stated is None:
        return None
    if stated.strip().isdigit():
        return float(stated)
    try:
        return max(0.0, (parsedate_to_datetime(stated) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _pool(scheme: str, host: str) -> urllib3.PoolManager:
    """Connections, through the proxy that the environment names."""
    proxy = None if proxy_bypass(host) else getproxies().get(scheme)
    return urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()


def _root(error: BaseException) -> str:
    """The innermost reason, in the operating system's words."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return str(getattr(error, "strerror", None) or error)


_ADVICE = {
    400: "check `api.params`",
    401: "check `api.auth`",
    403: "check `api.auth`, and what these credentials may read",
    404: "check `from`",
    422: "check `api.params`",
}
