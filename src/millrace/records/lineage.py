"""What came from what: files, table versions, datasets, runs, packages, releases, predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["file", "table", "dataset", "run", "package", "release", "predictions"]


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that rests in the store, or fed it; `name` is what people call it, `facts` what is recorded of it."""

    id: str
    kind: Kind
    name: str
    at: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A graph from files to predictions: an edge ``(one, other)`` says that `other` was made from `one`.

    `focus` is the node that was asked about; `files` are those that it was made from, `packages` those that it was made
    from or that were made from it, each by name, itself included.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    focus: str | None = None
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def node(self, key: str) -> Node:
        """The node of an id. Raises `KeyError`."""
        return {node.id: node for node in self.nodes}[key]

    def before(self, key: str) -> frozenset[str]:
        """The ids of everything that `key` was made from."""
        return _reached(key, ((other, one) for one, other in self.edges))

    def after(self, key: str) -> frozenset[str]:
        """The ids of everything that was made from `key`."""
        return _reached(key, self.edges)


def _reached(start: str, edges: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What can be reached from `start` along the edges, without it.

    Examples
    --------
    >>> sorted(_reached("a", [("a", "b"), ("b", "c"), ("d", "c")]))
    ['b', 'c']
    """
    following: dict[str, list[str]] = {}
    for one, other in edges:
        following.setdefault(one, []).append(other)
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = [key for key in following.get(waiting.pop(), ()) if key not in found]
        found.update(new)
        waiting += new
    return frozenset(found - {start})
