"""Object stores by URL: which there are, how they are reached, and how their errors read.

Credentials and endpoints come from the environment alone, by the names that the clouds' own tools use (``AWS_*``,
``AZURE_*``, ``GOOGLE_*``); obstore, deltalake and Polars each read them there, so none is passed on, kept or shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from millrace.errors import ProjectFileError, RemoteError, nearest

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

#: What stands before ``://`` of an object store.
SCHEMES = ("s3", "gs", "az", "abfss")
#: A store that does not answer is asked so often again, a second or two in all.
RETRIES = 4
_RETRY_SECONDS = 60

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ANSWER = re.compile(r"<\?xml.*?<Code>(?P<code>.*?)</Code>\s*<Message>(?P<message>.*?)</Message>.*", re.DOTALL)
_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\")]*")


def is_remote(location: str) -> bool:
    """Whether `location` is a URL of an object store.

    Examples
    --------
    >>> is_remote("s3://lake/raw/*.csv"), is_remote("data/*.csv"), is_remote("https://example.org/a.csv")
    (True, False, False)
    """
    return location.partition("://")[0].lower() in SCHEMES and "://" in location


def connect(url: str, where: str) -> ObjectStore:
    """The prefix of an object store, or the local folder, that `url` names; nothing is asked of it yet.

    Raises `ProjectFileError` for a URL of another kind, or one with a secret in it (which is not repeated).
    """
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    scheme = urlsplit(url).scheme.lower()
    if scheme == "file":
        return from_url(url)
    checked(url, where)
    patience: RetryConfig = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)}
    try:
        return from_url(url, retry_config=patience)
    except (BaseError, ValueError) as error:
        raise ProjectFileError(
            f"`{url}` cannot be opened: {said(error)}.",
            where=where,
            code="store.url",
            next_step="set the credentials in the environment, such as AWS_REGION or AZURE_STORAGE_ACCOUNT_NAME",
        ) from error


def checked(url: str, where: str) -> str:
    """`url`, if it names an object store and holds no secret. Raises `ProjectFileError`."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in SCHEMES or not parts.netloc:
        raise ProjectFileError(
            f"`{parts.scheme}://{parts.hostname or ''}` is not an object store.",
            where=where,
            code="store.url",
            allowed=["a folder", *(f"{scheme}://" for scheme in SCHEMES)],
            nearest=nearest(parts.scheme, SCHEMES),
        )
    secret = parts.query or (parts.password if parts.scheme == "abfss" else "@" in parts.netloc)
    if secret:
        raise ProjectFileError(
            f"The URL of the object store in `{parts.scheme}://{parts.hostname or ''}` carries more than a place.",
            where=where,
            code="store.secret",
            next_step="take keys and tokens out of the URL and set them in the environment, such as AWS_ACCESS_KEY_ID",
        )
    return url


@contextmanager
def answering(what: str, where: str) -> Iterator[None]:
    """Turn what an object store refuses inside into `RemoteError`, told as ``what: why``."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as error:
        raise RemoteError(f"{what}: {said(error)}.", where=where) from error


@contextmanager
def resumable(what: str = "Nothing of this batch took effect") -> Iterator[None]:
    """Say of a refusal to write inside that `what` is so, what is safe, and how to go on."""
    try:
        yield
    except RemoteError as error:
        raise RemoteError(
            f"{error.seen} {what}; what was committed is safe.",
            where=error.where,
            next_step="mend the cause and run the same command again; it continues where it stopped",
        ) from error


def said(error: Exception) -> str:
    r"""What a library's error says, in one line, without signatures of requests.

    Examples
    --------
    >>> said(OSError("Error performing GET http://h/lake?sig=abc in 2ms\n\nDebug source:\nGeneric {"))
    'Error performing GET http://h/lake in 2ms'
    """
    text = _COLOURS.sub("", str(error)).partition("Debug source:")[0]
    text = _ANSWER.sub(r"\g<code>: \g<message>", text)
    return _QUERY.sub(r"\1", " ".join(text.replace("↳", " ").split())).rstrip(". ")


#: What delta-rs takes for a broken host where it stands in the path of a table, and panics; or for an escaped sign.
_UNFIT = re.compile(r"[\[\]^|\\]|%[0-9A-Fa-f]{2}")


def local_or_url(place: str | Path) -> str:
    """`place` as a full path, or as the URL that it is, without a slash at the end.

    Raises `ProjectFileError` for a folder with a character in its path that no table can lie under.
    """
    text = str(place)
    if "://" in text:
        return text.rstrip("/")
    path = Path(text).resolve()
    if os.sep == "/" and (unfit := _UNFIT.findall(str(path))):
        raise ProjectFileError(
            f"Tables cannot lie in a folder with {' '.join(unfit)} in its path: {path}.",
            where="store",
            code="config.store",
            next_step="rename the folder, or say `store: <another folder>` in the project file",
        )
    return str(path)
