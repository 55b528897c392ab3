"""Which kind reads a location: the built-in kinds and those of plugins, by one table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError, nearest
from millrace.sources.base import Source, SourceKind
from millrace.sources.files.unpack import COMPRESSIONS
from millrace.store.remote import SCHEMES, is_remote

GROUP = "millrace.sources"

#: The entry points that Millrace itself declares; a copy, so that a source tree works without being installed.
BUILT_IN: Mapping[str, str] = {
    "arrow": "millrace.sources.files.arrow:KIND",
    "delimited": "millrace.sources.files.delimited:KIND",
    "excel": "millrace.sources.files.excel:KIND",
    "http": "millrace.sources.http.kind:KIND",
    "json": "millrace.sources.files.json_files:KIND",
    "mongodb": "millrace.sources.databases.mongodb:KIND",
    "ndjson": "millrace.sources.files.ndjson:KIND",
    "own": "millrace.sources.own.source:KIND",
    "parquet": "millrace.sources.files.parquet:KIND",
    "sql": "millrace.sources.databases.source:KIND",
    "xml": "millrace.sources.files.xml_files:KIND",
}


def kinds() -> dict[str, SourceKind]:
    """Every kind of source that is installed, by name; a plugin may replace a built-in kind.

    Examples
    --------
    >>> set(BUILT_IN) <= set(kinds())
    True
    """
    found = {name: _load(target) for name, target in BUILT_IN.items()}
    for point in entry_points(group=GROUP):
        if point.value != BUILT_IN.get(point.name):
            found[point.name] = point.load()
    return found


def open_source(
    name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None = None
) -> Source:
    """The source that reads what `settings` names.

    Parameters
    ----------
    name
        The source's name in the project file.
    settings
        Its section; `from` decides the kind, or `use` names the project's own code.
    base
        The folder that relative paths start from.
    schema
        The columns written down at the first ingest; without it, types are inferred once.

    Raises
    ------
    SourceError
        No kind reads such a location.
    """
    kind = kinds()["own"] if settings.use else kind_of(settings.from_, where=name)
    return kind.open(name, settings, base, schema)


def kind_of(location: str, where: str = "sources") -> SourceKind:
    """The kind that reads `location`, by scheme or by suffix. Raises `SourceError` when none does.

    Examples
    --------
    >>> kind_of("data/customers-*.csv.gz").name, kind_of("events.jsonl").name
    ('delimited', 'ndjson')
    """
    installed = kinds().values()
    if "://" in location and not is_remote(location):
        scheme = location.split("://", 1)[0].lower()
        # A driver may be named behind a plus, as SQLAlchemy writes it.
        named = [kind for kind in installed if {scheme, scheme.partition("+")[0]} & set(kind.schemes)]
    else:
        ending = suffix(location)
        named = [kind for kind in installed if ending in kind.suffixes] or [k for k in installed if k.otherwise]
    if named:
        return named[-1]
    endings = sorted(ending for kind in installed for ending in kind.suffixes)
    schemes = sorted({*SCHEMES, *(scheme for kind in installed for scheme in kind.schemes)})
    raise SourceError(
        f"No kind of source reads `{location}`.",
        where=where,
        code="source.kind",
        allowed=[*endings, *(f"{scheme}://" for scheme in schemes)],
        nearest=nearest(location.split("://", 1)[0], schemes),
        next_step="name a file, a glob, or a scheme of an installed kind",
    )


def suffix(location: str) -> str:
    """The ending that tells the format, without that of a compression.

    Examples
    --------
    >>> suffix("housing.CSV.gz"), suffix("notes")
    ('.csv', '')
    """
    path = PurePosixPath(location.lower())
    return path.with_suffix("").suffix if path.suffix in COMPRESSIONS else path.suffix


def _load(target: str) -> SourceKind:
    module, _, attribute = target.partition(":")
    kind = getattr(import_module(module), attribute)
    if not isinstance(kind, SourceKind):
        raise SourceError(f"`{target}` is not a SourceKind.", where="sources", code="source.kind")
    return kind
