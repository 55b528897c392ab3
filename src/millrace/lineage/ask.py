"""Which node of the graph is meant by what people call it, and the answer to what they ask of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from millrace.errors import UsageError, nearest
from millrace.records.lineage import Kind, Lineage, Node

CHAMPION = "champion"
_FIRST: tuple[Kind, ...] = ("release", "package", "table")


def ask(graph: Lineage, what: str | None) -> Lineage:
    """The graph with its focus on `what`: a source, ``source@version``, run, package, release, file, or ``champion``.

    Without it: on the champion, else on the newest package, else on the newest table; on nothing in an empty store.
    Raises `UsageError` when nothing is called so, or several files are.
    """
    if what is None:
        newest = [node for kind in _FIRST for node in reversed(graph.nodes) if node.kind == kind]
        return focused(graph, newest[0]) if newest else graph
    found = _called(graph, what)
    if len(found) == 1:
        return focused(graph, found[0])
    names = [_short(node) for node in (found or graph.nodes)]
    seen = f"{len(found)} files are called `{what}`." if found else f"Nothing here is called `{what}`."
    shown = tuple(dict.fromkeys(names))
    raise UsageError(
        seen, where="millrace lineage", code="lineage.unknown", allowed=shown[:12], nearest=nearest(what, shown)
    )


def focused(graph: Lineage, node: Node) -> Lineage:
    """The graph with its focus on a node, the files that it was made from, and the packages on its way."""
    files = graph.before(node.id) | {node.id}
    packages = files | graph.after(node.id)
    return replace(
        graph,
        focus=node.id,
        files=tuple(one.name for one in graph.nodes if one.kind == "file" and one.id in files),
        packages=tuple(one.name for one in graph.nodes if one.kind == "package" and one.id in packages),
    )


def _called(graph: Lineage, what: str) -> list[Node]:
    """The nodes called `what`, by the most exact way of calling that finds any."""
    text = what.strip()
    if text == CHAMPION:
        return [node for node in reversed(graph.nodes) if node.kind == "release"][:1]
    exact = [node for node in graph.nodes if text in (node.id, node.name, node.id.partition(":")[2])]
    newest = [node for node in graph.nodes if node.kind == "table" and node.id.startswith(f"table:{text}@")][-1:]
    package = [node for node in graph.nodes if node.kind == "package" and node.id.endswith(f"/{text}")]
    run = [node for node in graph.nodes if node.kind == "run" and len(text) > 3 and node.id.startswith(f"run:{text}")]
    path = PurePath(text).parts
    file = [node for node in graph.nodes if node.kind == "file" and PurePath(node.name).parts[-len(path) :] == path]
    return next((found for found in (exact[:1], newest, package, run, file) if found), [])


def _short(node: Node) -> str:
    """What a node can be called by."""
    return node.name if node.kind in ("file", "release", "predictions") else node.id.partition(":")[2]
