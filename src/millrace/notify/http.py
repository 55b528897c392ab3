"""Handing JSON to a URL; what answers 2xx has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from millrace.errors import ProjectFileError, RemoteError
from millrace.notify.base import PATIENCE


class _Stay(HTTPRedirectHandler):
    """Follow no redirection: it would turn a POST into a GET that delivers nothing, or carry it to a stranger."""

    def redirect_request(self, *_: object) -> None:
        return None


def address(kind: str, target: str | Mapping[str, Any]) -> str:
    """The URL behind `kind`. Raises `ProjectFileError` for anything but an http(s) URL; its text shows no secret."""
    if isinstance(target, str):
        parts = urlsplit(target)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return target
    raise ProjectFileError(
        f"`{kind}` needs the URL of its receiver.",
        where="monitor.alert",
        code="config.value",
        allowed=[f"{kind}: https://…", f'{kind}: "${{ALERT_URL}}"'],
    )


def post(url: str, content: Mapping[str, object], identity: str) -> None:
    """Hand `content` over as JSON. Raises `RemoteError`, naming the host alone: paths of such URLs are secrets."""
    request = Request(  # noqa: S310 - `address` admitted http and https only
        url,
        json.dumps(content, ensure_ascii=False).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": identity, "User-Agent": "millrace"},
    )
    host = urlsplit(url).hostname
    try:
        with build_opener(_Stay).open(request, timeout=PATIENCE) as response:
            response.read()
    except HTTPError as error:
        with error:
            raise RemoteError(f"{host} answered {error.code}.", where="notify", code="notify.refused") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise RemoteError(f"{host} cannot be reached: {reason}.", where="notify", code="notify.unreachable") from None
