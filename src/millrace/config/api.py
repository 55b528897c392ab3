"""What a source may say of the API that it reads: parameters, pages, credentials, and how much the API bears."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from millrace.config.refusal import must_parse, refused
from millrace.config.section import Duration, Name, Secret, Section, Whole
from millrace.config.units import unit
from millrace.errors import ProjectFileError, nearest

_PERIODS = ("second", "minute", "hour", "day")


def parse_rate(text: str) -> float:
    """How many requests per second a rate like ``600 per minute`` allows. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_rate("600 per minute"), parse_rate("2.5 per second")
    (10.0, 2.5)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s+per\s+(\w+)\s*", text.casefold())
    if match is None or float(match[1]) == 0 or match[2] not in _PERIODS:
        word = nearest(match[2], _PERIODS) if match else None
        raise ProjectFileError(
            f"`{text}` is not a rate of requests.",
            code="config.value",
            allowed=[f"N per {period}" for period in _PERIODS],
            nearest=f"{match[1]} per {word}" if match and word else None,
        )
    return float(match[1]) / unit(match[2])


def _web(url: str) -> str:
    """Refuse what is no URL of a web server."""
    if not re.match(r"https?://[^/?#\s]+", url, re.IGNORECASE):
        raise ProjectFileError("A URL of a web server is expected.", code="config.value", allowed=["https://…"])
    return url


def _only_one(section: Section, names: tuple[str, ...], what: str) -> None:
    """Refuse a section that states none of `names`, or several."""
    stated = [name for name in names if getattr(section, name) is not None]
    if len(stated) != 1:
        seen = f"{what} has {' and '.join(f'`{name}`' for name in stated)}" if stated else f"{what} is not stated"
        raise refused(
            ProjectFileError(
                f"{seen}; exactly one is needed.", code="config.value", allowed=names, next_step="keep one of them"
            )
        )


class PagesSettings(Section):
    """How the next page is asked for: one of `next`, `token`, `page`, `offset`."""

    next: Name | None = Field(None, description="path in the answer to the URL of the next page: paging.next")
    token: Name | None = Field(None, description="path in the answer to the token of the next page: meta.cursor")
    param: Name | None = Field(None, description="query parameter that takes the `token`")
    page: Name | None = Field(None, description="query parameter that takes the number of the page")
    first: Whole = Field(1, ge=0, description="number of the first `page`")
    offset: Name | None = Field(None, description="query parameter that takes how many records to skip")

    @model_validator(mode="after")
    def _be_one_way(self) -> Self:
        _only_one(self, ("next", "token", "page", "offset"), "`pages`")
        if (self.token is None) != (self.param is None):
            raise refused(
                ProjectFileError(
                    "`token` and `param` belong together: where the token stands, and which parameter takes it.",
                    code="config.missing-key",
                    next_step="write `pages: {token: meta.next_cursor, param: cursor}`",
                )
            )
        return self


#: Told apart before they are read, so that an error speaks of the one that was meant.
Pages = Annotated[
    Annotated[Literal["auto", "link", "none"], Tag("word")] | Annotated[PagesSettings, Tag("mapping")],
    Discriminator(lambda value: "mapping" if isinstance(value, dict | PagesSettings) else "word"),
]


class BasicSettings(Section):
    """HTTP Basic authentication."""

    user: Secret = Field(description="user name")
    password: Secret = Field(description="such as ${API_PASSWORD}")


class OAuth2Settings(Section):
    """OAuth 2.0 client credentials (RFC 6749, 4.4); the token is fetched, and fetched again when it expires."""

    token_url: Annotated[str, must_parse(_web)] = Field(description="where tokens are given out", repr=False)
    client_id: Secret = Field(description="such as ${CLIENT_ID}")
    client_secret: Secret = Field(description="such as ${CLIENT_SECRET}")
    scope: Name | None = Field(None, description="scopes, separated by spaces")
    params: dict[Name, Secret] = Field(default_factory=dict, description="further fields, such as audience")
    credentials_in: Literal["header", "body"] = Field("header", description="where the id and the secret are sent")


class AuthSettings(Section):
    """Who asks: one of `bearer`, `basic`, `header`, `query`, `oauth2`."""

    bearer: Secret | None = Field(None, description="a token sent as `Authorization: Bearer …`")
    basic: BasicSettings | None = Field(None, description="user and password")
    header: Annotated[dict[Name, Secret], Field(min_length=1)] | None = Field(
        None, description="an API key in a header: `X-Api-Key: ${KEY}`"
    )
    query: Annotated[dict[Name, Secret], Field(min_length=1)] | None = Field(
        None, description="an API key in the URL: `api_key: ${KEY}`"
    )
    oauth2: OAuth2Settings | None = Field(None, description="client credentials")

    @model_validator(mode="after")
    def _be_one_way(self) -> Self:
        _only_one(self, ("bearer", "basic", "header", "query", "oauth2"), "`auth`")
        return self


class ApiSettings(Section):
    """How an API is asked; `record` and `key` of the source say what in its answers is a row."""

    params: dict[Name, Secret] = Field(default_factory=dict, description="query parameters of every request")
    headers: dict[Name, Secret] = Field(default_factory=dict, description="headers of every request")
    auth: AuthSettings | None = Field(None, description="who asks: bearer, basic, header, query or oauth2")
    pages: Pages = Field("auto", description="auto, link (header), none, or one of {next, token, page, offset}")
    since: Name | None = Field(None, description="query parameter that takes the newest `cursor`: only new rows come")
    rate: Annotated[str, must_parse(parse_rate)] | None = Field(
        None, description="how often it may be asked, such as 10 per second"
    )
    timeout: Duration = Field(60.0, description="for one answer, such as 30 s")
    retry: Duration = Field(300.0, description="how long failures that pass are tried again, such as 5 min")
    max_answer_mb: Whole = Field(64, ge=1, description="an answer larger than this is refused")
