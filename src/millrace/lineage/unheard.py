"""Why a catalogue was told nothing, in words, and what a person can do about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

#: So much of an answer is quoted.
_QUOTED = 200
_REACHED = "correct OPENLINEAGE_URL or start the catalogue"
_LOOK = "look at the log of the catalogue"
_KEY = "set OPENLINEAGE_API_KEY to a key that it accepts"
_PLACE = "correct OPENLINEAGE_URL or OPENLINEAGE_ENDPOINT"


def unheard(problem: Exception, transport: Any) -> tuple[str, str]:
    """What happened when `transport` sent an event, and the next step.

    Examples
    --------
    >>> unheard(OSError("the disk is full"), None)
    ('the disk is full', 'correct what OPENLINEAGE_URL, OPENLINEAGE__TRANSPORT or openlineage.yml say')
    """
    place = address(transport)
    try:
        from requests import RequestException
    except ImportError:
        return _otherwise(problem)
    if not place or not isinstance(problem, RequestException):
        return _otherwise(problem)
    if problem.response is not None:
        return _answered(place, problem.response)
    return _unanswered(place, problem, transport.timeout)


def address(transport: Any) -> str:
    """Where a transport sends events over HTTP, without user and password; empty for another one."""
    url, endpoint = getattr(transport, "url", None), getattr(transport, "endpoint", "")
    if not isinstance(url, str):
        return ""
    parts = urlsplit(urljoin(url, endpoint))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _unanswered(place: str, problem: Exception, timeout: float) -> tuple[str, str]:
    from requests.exceptions import RetryError, SSLError

    if isinstance(problem, SSLError):
        return f"{place} cannot be trusted: {_cause(problem)}", "let the client know its certificate"
    if isinstance(problem, RetryError):
        return f"{place} answers with errors again and again: {_cause(problem)}", _LOOK
    if "timed out" in str(problem):
        return f"{place} does not answer within {timeout:g} s", _REACHED
    return f"{place} cannot be reached: {_cause(problem)}", _REACHED


def _answered(place: str, response: Any) -> tuple[str, str]:
    status = f"{response.status_code} {response.reason}".strip()
    if response.status_code in {401, 403}:
        return f"{place} answers {status}", _KEY
    if response.status_code in {404, 405}:
        return f"{place} answers {status}, so no catalogue listens there", _PLACE
    text = " ".join(response.text.split())[:_QUOTED]
    said = f"{place} answers {status}{f': {text}' if text else ''}"
    return said, _LOOK if response.status_code >= 500 else "see whether it speaks OpenLineage 2"


def _cause(problem: BaseException) -> str:
    """What the operating system, or else the innermost exception, says: those around it print objects."""
    seen: list[BaseException] = []
    inner: Any = problem
    while isinstance(inner, BaseException) and inner not in seen:
        seen.append(inner)
        inner = next(
            (
                one
                for one in (*inner.args, getattr(inner, "reason", None), inner.__cause__)
                if isinstance(one, Exception)
            ),
            None,
        )
    said = getattr(seen[-1], "strerror", None) or str(seen[-1]) or type(seen[-1]).__name__
    return str(said)


def _otherwise(problem: Exception) -> tuple[str, str]:
    step = "correct what OPENLINEAGE_URL, OPENLINEAGE__TRANSPORT or openlineage.yml say"
    return str(problem) or type(problem).__name__, step
