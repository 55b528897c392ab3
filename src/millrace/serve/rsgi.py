"""What is used here of RSGI, Granian's interface to an application.

The specification: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Protocol


class Headers(Protocol):
    """The headers of a request, by names in lower case; values that are not ASCII are not told."""

    def __contains__(self, name: str, /) -> bool: ...

    def get(self, name: str, /) -> str | None:
        """The first value of a header."""

    def get_all(self, name: str, /) -> list[str]:
        """Each value of a header."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Each header."""


class Scope(Protocol):
    """What is known of a request before its body; `client` and `server` are ``host:port``."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Headers


class Exchange(Protocol):
    """Where a request's body comes from and its response goes to."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        """Respond."""
