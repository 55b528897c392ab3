"""What is read from a URL: an API's records, or a file in one of the formats that files have.

A URL whose path ends like a file of a known format is downloaded, unless `api.pages` says that it is an API.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import ProjectFileError
from millrace.sources.base import Look, Source, SourceKind


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    from millrace.sources.http.download import DownloadSource
    from millrace.sources.http.numbered import NumberedApi, can_be_asked_ahead
    from millrace.sources.http.source import ApiSource

    if not urlsplit(settings.from_).hostname:
        raise ProjectFileError("The URL names no host.", where=f"sources.{name}.from", code="config.value")
    if is_file(settings):
        return DownloadSource(name, settings, base, schema)
    return (NumberedApi if can_be_asked_ahead(settings) else ApiSource)(name, settings, base, schema)


def is_file(settings: SourceSettings) -> bool:
    """Whether the URL ends like a file that is to be downloaded.

    Examples
    --------
    >>> is_file(SourceSettings.model_validate({"from": "https://example.com/prices.csv.gz?v=2"}))
    True
    >>> is_file(SourceSettings.model_validate({"from": "https://example.com/orders.json", "api": {"pages": "link"}}))
    False
    """
    from millrace.sources.registry import kinds, suffix

    ending = suffix(urlsplit(settings.from_).path)
    return "pages" not in settings.api.model_fields_set and any(ending in kind.suffixes for kind in kinds().values())


def _look(said: SourceSettings, folder: Path) -> Look | None:
    from millrace.sources.http.download import DownloadSource
    from millrace.sources.http.proposals import look

    return DownloadSource("init", said, Path.cwd(), None).look(folder) if is_file(said) else look(said.from_)


KIND = SourceKind("http", _open, schemes=("http", "https"), look=_look)
