"""The graph as a picture: one column for each kind, from the files on the left to the predictions on the right.

The picture is one SVG that needs nothing else. In a page it follows the reader's light or dark setting, and the page
tells the same as tables for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path, PurePath

from millrace import __version__
from millrace.errors import UsageError
from millrace.evaluate.page import page, section, table
from millrace.records.lineage import Kind, Lineage, Node

#: The columns, with what stands above each.
COLUMNS: Mapping[Kind, str] = {
    "file": "Files",
    "table": "Table versions",
    "dataset": "Datasets",
    "run": "Runs",
    "package": "Packages",
    "release": "Releases",
    "predictions": "Predictions",
}
#: Of files that went into the same version, so many are drawn; the rest are one box.
_FILES = 5
#: A graph of more boxes is drawn without what is not joined to the focus.
_BOXES = 60
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _TOP, _EDGE = 176, 50, 46, 14, 34, 12
_LETTERS = 20


def save(graph: Lineage, to: Path, title: str) -> None:
    """Draw the graph into a file. Raises `UsageError` for another ending, and where the folder is not there."""
    if to.suffix not in (".html", ".svg") or not to.absolute().parent.is_dir():
        raise UsageError(
            f"The graph cannot be drawn as `{to}`.",
            where="millrace lineage --to",
            allowed=["a name that ends in .html or .svg, in a folder that exists"],
        )
    to.write_text(as_page(graph, title) if to.suffix == ".html" else as_svg(graph, title), encoding="utf-8")


def as_page(graph: Lineage, title: str) -> str:
    """The picture and its twin in words, as HTML."""
    focus = graph.node(graph.focus) if graph.focus else None
    said = f"Seen from {focus.name}. " if focus else ""
    header = (
        f'<p class="kicker">Lineage</p><h1>{escape(title)}</h1>'
        f'<p class="lead">{escape(said)}{len(graph.files):,} files went into it; '
        f"packages: {escape(', '.join(graph.packages) or 'none')}.</p>"
    )
    picture = f'<div class="lineage scroll" tabindex="0" role="group" aria-label="The graph">{_svg(graph, title)}</div>'
    related = _related(graph)
    tables = "".join(
        section(
            heading,
            table(
                ("name", "when", "made from"),
                [(node.name, node.at[:16].replace("T", " "), _made_from(graph, node)) for node in nodes],
            ),
        )
        for kind, heading in COLUMNS.items()
        if (nodes := [node for node in graph.nodes if node.kind == kind and (node.id in related or not related)])
    )
    footer = f"<p>Millrace {__version__}</p>"
    return page(f"{title}: lineage", header, picture + tables, footer).replace("</style>", f"{_style()}</style>", 1)


def as_svg(graph: Lineage, title: str) -> str:
    """The picture alone, with its colours in it."""
    colours = files("millrace.evaluate").joinpath("report.css").read_text("utf-8")
    root = colours[: colours.index("* {")].replace(":root", "svg")
    text = "svg { font-family: system-ui, sans-serif; background: var(--paper); }"
    return _svg(graph, title).replace("<defs/>", f"<style>{root}{text}{_style()}</style>", 1) + "\n"


def _style() -> str:
    return files("millrace.lineage").joinpath("picture.css").read_text("utf-8")


def _related(graph: Lineage) -> frozenset[str]:
    """The focus, what it was made from, and what was made from it."""
    if graph.focus is None:
        return frozenset()
    return graph.before(graph.focus) | graph.after(graph.focus) | {graph.focus}


def _made_from(graph: Lineage, node: Node) -> str:
    names = [graph.node(one).name for one, other in graph.edges if other == node.id]
    more = f" and {len(names) - _FILES:,} more" if len(names) > _FILES else ""
    return ", ".join(names[:_FILES]) + more


def _svg(graph: Lineage, title: str) -> str:
    related = _related(graph)
    drawn = _gathered(graph if len(graph.nodes) <= _BOXES or not related else _only(graph, related), related)
    columns = _ordered(drawn)
    places = _places(columns)
    width = len(columns) * (_WIDTH + _ACROSS) - _ACROSS + 2 * _EDGE
    height = _TOP + max((len(column) for column in columns), default=1) * (_HEIGHT + _DOWN) - _DOWN + 2 * _EDGE
    heads = "".join(
        f'<text class="head" x="{i * (_WIDTH + _ACROSS)}" y="14">{COLUMNS[column[0].kind]}</text>'
        for i, column in enumerate(columns)
    )
    edges = sorted(drawn.edges, key=lambda edge: set(edge) <= related)
    lines = "".join(
        _line(places[a], places[b], b in related and (a in related or a.startswith("file:near "))) for a, b in edges
    )
    boxes = "".join(_box(node, places[node.id], related, graph.focus) for column in columns for node in column)
    told = f"{len(graph.nodes)} boxes in {len(columns)} columns, from files on the left to what was made on the right."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="lineage-title lineage-text" '
        f'width="{width}" height="{height}" viewBox="{-_EDGE} {-_EDGE} {width} {height}">'
        f'<title id="lineage-title">Lineage of {escape(title)}</title><desc id="lineage-text">{told}</desc><defs/>'
        f"{heads}{lines}{boxes}</svg>"
    )


def _only(graph: Lineage, related: frozenset[str]) -> Lineage:
    nodes = tuple(node for node in graph.nodes if node.id in related)
    return Lineage(nodes, tuple(edge for edge in graph.edges if set(edge) <= related), graph.focus)


def _gathered(graph: Lineage, related: frozenset[str]) -> Lineage:
    """The graph with the many files of a version as few, and those of the focus among the few."""
    after: dict[str, list[Node]] = {}
    nodes = {node.id: node for node in graph.nodes}
    for one, other in graph.edges:
        if nodes[one].kind == "file":
            after.setdefault(other, []).append(nodes[one])
    hidden: set[str] = set()
    added: list[Node] = []
    edges: list[tuple[str, str]] = []
    for version, came in after.items():
        kept = sorted(came, key=lambda node: (node.id != graph.focus, node.id not in related))
        if rest := kept[_FILES:] if len(kept) > _FILES + 1 else []:
            hidden |= {node.id for node in rest}
            rows = sum(int(str(node.facts.get("kept", 0))) for node in rest)
            near = "near" if {node.id for node in rest} <= related else "far"
            more = Node(f"file:{near} {version}", "file", f"{len(rest):,} more files", "", {"kept": rows})
            added.append(more)
            edges.append((more.id, version))
    stay = [node for node in graph.nodes if node.id not in hidden]
    kept_edges = [edge for edge in graph.edges if not set(edge) & hidden]
    return Lineage((*stay, *added), (*kept_edges, *edges), graph.focus)


def _ordered(graph: Lineage) -> list[list[Node]]:
    """The columns, each in the order of what its boxes are joined to, so that few lines cross.

    The versions of a table stay below one another, so that the line from one to the next passes no other box.
    """
    columns = [[node for node in graph.nodes if node.kind == kind] for kind in COLUMNS]
    columns = [column for column in columns if column]
    for _ in range(4):
        heights = {node.id: i / max(len(column), 1) for column in columns for i, node in enumerate(column)}
        for column in (one for one in columns if one[0].kind != "table"):
            column.sort(key=lambda node: _middle(node, graph.edges, heights))
    return columns


def _middle(node: Node, edges: Sequence[tuple[str, str]], heights: Mapping[str, float]) -> float:
    near = [heights[a if b == node.id else b] for a, b in edges if node.id in (a, b)]
    return sum(near) / len(near) if near else heights[node.id]


def _places(columns: Sequence[Sequence[Node]]) -> dict[str, tuple[float, float]]:
    """The left upper corner of every box; shorter columns stand in the middle."""
    tallest = max((len(column) for column in columns), default=0)
    step = _HEIGHT + _DOWN
    return {
        node.id: (i * (_WIDTH + _ACROSS), _TOP + (tallest - len(column)) * step / 2 + j * step)
        for i, column in enumerate(columns)
        for j, node in enumerate(column)
    }


def _line(one: tuple[float, float], other: tuple[float, float], related: bool) -> str:
    """From a box to another; between versions of one table it runs down beside the column."""
    y, z = one[1] + _HEIGHT / 2, other[1] + _HEIGHT / 2
    kind = "edge" if related else "edge far"
    if one[0] == other[0]:
        x = one[0] + _WIDTH / 2
        upper, lower = (one[1] + _HEIGHT, other[1]) if one[1] < other[1] else (one[1], other[1] + _HEIGHT)
        return f'<path class="{kind}" d="M{x:g} {upper:g} V{lower:g}"/>'
    x, w = one[0] + _WIDTH, other[0]
    bend = x + _ACROSS / 2
    return f'<path class="{kind}" d="M{x:g} {y:g} C{bend:g} {y:g} {w - _ACROSS / 2:g} {z:g} {w:g} {z:g}"/>'


def _box(node: Node, place: tuple[float, float], related: frozenset[str], focus: str | None) -> str:
    here = "focus" if node.id == focus else "near" if node.id in related or node.id.startswith("file:near ") else "far"
    x, y = place
    return (
        f'<g class="box {node.kind} {here}"><title>{escape(node.name)}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
        f'<text class="name" x="{x + 12:g}" y="{y + 21:g}">{escape(_short(node))}</text>'
        f'<text class="fact" x="{x + 12:g}" y="{y + 38:g}">{escape(_fact(node))}</text></g>'
    )


def _short(node: Node) -> str:
    """A name that fits its box: of a path the end counts, of a run the time in its id."""
    name = node.name
    if node.kind == "file":
        name = PurePath(name).name or name
    elif node.kind == "run":
        name = f"run {name.rpartition('-')[2]}"
    elif node.kind == "predictions":
        name = name.removeprefix("predictions of ")
    elif node.kind in ("table", "dataset"):
        name = name.removeprefix("dataset ").replace(" version ", " v")
    return name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"


def _fact(node: Node) -> str:
    facts = node.facts
    if node.kind == "release":
        return "champion now" if facts.get("champion") else str(facts["kind"])
    if node.kind == "package" and isinstance(facts.get("value"), float):
        return f"{facts['metric']} {facts['value']:.3f}"
    rows = facts.get("kept", facts.get("rows"))
    if isinstance(rows, int):
        return f"{rows:,} rows"
    return node.at[:16].replace("T", " ")
