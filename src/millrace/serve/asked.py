"""What a request asks for beside its body: whose answer, in which shape, and with what around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from millrace.serve.around import asked_for
from millrace.serve.core import Core
from millrace.serve.lanes import ANYONE, Asker
from millrace.serve.rows import predict, predict_csv

JSON, CSV = "application/json", "text/csv; charset=utf-8"
_BRACKETS = frozenset((b"{", b"["))


class Named(Protocol):
    """The headers of a request, however it came; names in lower case."""

    def get(self, name: str, /) -> str | None:
        """The first value of a header."""


def asking(headers: Named) -> Asker:
    """Who is to answer, as a request's headers say: `Millrace-Key` and `Millrace-Model`.

    Examples
    --------
    >>> asking({"host": "a", "millrace-key": "customer 7"})
    Asker(key='customer 7', model='')
    """
    key, model = headers.get("millrace-key"), headers.get("millrace-model")
    return Asker(key or "", (model or "").strip()) if key or model else ANYONE


def is_csv(headers: Named) -> bool:
    """Whether a request says that its body is CSV."""
    return (headers.get("content-type") or "").startswith("text/csv")


def predicting(core: Core, headers: Named, query: str) -> Callable[[bytes], tuple[bytes, str]]:
    """What answers a body, with its content type: CSV for CSV, JSON for everything else."""
    asker = asking(headers)

    def predicted(body: bytes) -> tuple[bytes, str]:
        # JSON begins with a bracket: the headers are only looked at where they can matter.
        if body[:1] not in _BRACKETS and is_csv(headers):
            return predict_csv(core, body, asker=asker), CSV
        if query:
            return predict(core, body, asker=asker, **asked_for(query)), JSON
        return predict(core, body, asker=asker), JSON

    return predicted
