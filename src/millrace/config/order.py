"""That references between sources can be followed, and in which order the sources are ingested for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from millrace.config.references import parse_reference
from millrace.config.source import SourceSettings
from millrace.errors import ProjectFileError, nearest


def check_references(sources: Mapping[str, SourceSettings]) -> None:
    """Raise `ProjectFileError` for an unknown source, values that cannot be compared, and references in a circle."""
    for name, settings in sources.items():
        for column, text in settings.references.items():
            source, to = parse_reference(text)
            if source not in sources:
                raise ProjectFileError(
                    f"`{name}` refers to `{text}`, and there is no source `{source}`.",
                    code="config.references",
                    allowed=sources,
                    nearest=nearest(source, sources),
                )
            words = settings.pii.get(column, ""), sources[source].pii.get(to, "")
            if words not in {("", ""), ("hash", "hash")}:
                shown = " and ".join(f"`{word}`" if word else "no word" for word in words)
                raise ProjectFileError(
                    f"`{column}` of {name} refers to `{text}`, and their `pii` has {shown}: they cannot be compared.",
                    code="config.references",
                    allowed=["hash for both", "no `pii` for both"],
                )
    list(in_order(sources))


def in_order(sources: Mapping[str, SourceSettings]) -> Iterator[str]:
    """The names of the sources, each behind those it refers to, else as written.

    Raises `ProjectFileError` when references go in a circle.
    """
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> Iterator[str]:
        if name in way:
            circle = " → ".join((*way[way.index(name) :], name))
            raise ProjectFileError(
                f"`references` go in a circle, so no source can be first: {circle}.",
                code="config.references",
                next_step="leave one of them out, and check it in `dataset`",
            )
        if name in done:
            return
        for text in sources[name].references.values():
            yield from visit(parse_reference(text)[0], (*way, name))
        done.add(name)
        yield name

    for name in sources:
        yield from visit(name, ())
