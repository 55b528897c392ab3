"""A resource of dlt as a feed of rows: extracted by dlt itself, its state kept in our position.

dlt keeps the state of `dlt.sources.incremental` and `dlt.current.resource_state()` in one dict. It is handed to dlt at
the start and takes effect when all rows behind it are read: cursors are only then sure to have passed every row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError, nearest
from millrace.sources.own.source import Feed, Item, grouped


def feed(thing: Any, settings: SourceSettings, where: str) -> Feed:
    """The feed of a dlt resource, or of the resource of a dlt source that `table` names."""
    from dlt.common.configuration.container import Container
    from dlt.common.json import json
    from dlt.common.pipeline import StateInjectableContext

    def items(state: Any) -> Iterator[Item]:
        resource = _chosen(_called(thing, settings), settings, where)
        held: Any = {"sources": json.typed_loads(state) if state else {}}
        with Container().injectable_context(StateInjectableContext(state=held)):
            rows = iter(resource)
        yield from grouped(rows, settings, where)
        now = json.typed_dumps(held.get("sources") or {})
        if now != (state or json.typed_dumps({})):
            yield Item([], now, moved=True)

    return items


def _called(thing: Any, settings: SourceSettings) -> Any:
    """A source or resource, where `thing` is still the function that makes one."""
    from dlt.extract import DltResource, DltSource

    return thing if isinstance(thing, DltResource | DltSource) and not settings.with_ else thing(**settings.with_)


def _chosen(thing: Any, settings: SourceSettings, where: str) -> Any:
    from dlt.extract import DltSource

    if not isinstance(thing, DltSource):
        return thing
    names = list(thing.selected_resources)
    name = settings.table or (names[0] if len(names) == 1 else None)
    if name is not None and name in thing.resources:
        return thing.resources[name]
    raise SourceError(
        f"`{settings.use}` has no resource `{name}`." if name else f"`{settings.use}` has {len(names)} resources.",
        where=where,
        code="source.use",
        allowed=names,
        nearest=nearest(name, names) if name else None,
        next_step="state `table: <resource>` (of `init`: --table <resource>); each is a source of its own",
    )
