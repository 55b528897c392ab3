"""What came from what, as a tree up to the files and a tree down to the predictions."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from millrace.cli.render.layout import hint, line, number
from millrace.records.lineage import Lineage, Node

#: More files than this are counted instead.
_FILES = 12
_UP, _DOWN = "made from", "went into"


def lineage(record: Lineage) -> RenderableType:
    """Draw what the focus was made from, and what was made from it."""
    if record.focus is None:
        return Group(Text("Nothing was ingested yet."), hint("millrace run"))
    focus = record.node(record.focus)
    parts: list[RenderableType] = []
    for words, nearer in ((_UP, _inputs(record)), (_DOWN, _outputs(record))):
        if nearer.get(focus.id):
            tree = Tree(_label(focus).append(f"  {words}", "italic not bold"), guide_style="dim")
            _grow(tree, focus.id, nearer, record, set())
            parts += [tree, Text()]
    parts = parts or [_label(focus), Text()]
    return Group(*parts, line(_answer(record, focus), "dim"))


def _inputs(record: Lineage) -> dict[str, list[str]]:
    """What each node was made from; a table's files are those of all its versions up to this one."""
    found: dict[str, list[str]] = {}
    nodes = {node.id: node for node in record.nodes}
    for one, other in record.edges:
        found.setdefault(other, []).append(one)
    for node in record.nodes:  # versions come oldest first, so the files of the one before are complete
        if node.kind == "table":
            near = found.get(node.id, [])
            older = [file for one in near if nodes[one].kind == "table" for file in found.get(one, [])]
            found[node.id] = list(dict.fromkeys([*older, *(one for one in near if nodes[one].kind != "table")]))
    return found


def _outputs(record: Lineage) -> dict[str, list[str]]:
    """What was made from each node; a version of a table goes into what was made from it and from later ones."""
    found: dict[str, list[str]] = {}
    nodes = {node.id: node for node in record.nodes}
    for one, other in record.edges:
        found.setdefault(one, []).append(other)
    for node in reversed(record.nodes):
        if node.kind == "table":
            near = found.get(node.id, [])
            later = [made for one in near if nodes[one].kind == "table" for made in found.get(one, [])]
            found[node.id] = list(dict.fromkeys([*(one for one in near if nodes[one].kind != "table"), *later]))
    return found


def _grow(tree: Tree, key: str, nearer: Mapping[str, list[str]], record: Lineage, shown: set[str]) -> None:
    """Add what is near to `key`, and what is near to that; of a node that is there already only its name."""
    near = [record.node(one) for one in nearer.get(key, ())]
    files = [node for node in near if node.kind == "file"]
    for node in [*(one for one in near if one.kind != "file"), *files[:_FILES]]:
        if node.id in shown:
            tree.add(line(node.name).append("  as above", "dim"))
            continue
        shown.add(node.id)
        _grow(tree.add(_label(node)), node.id, nearer, record, shown)
    if len(files) > _FILES:
        rows = sum(int(str(node.facts.get("kept", 0))) for node in files[_FILES:])
        tree.add(line(f"and {len(files) - _FILES:,} more files with {rows:,} rows (--json names them)", "dim"))


def _label(node: Node) -> Text:
    facts = " · ".join(part for part in _said(node) if part)
    # Broken where it is too long: a tree cuts off what is never broken.
    named = Text(node.name, "bold" if node.kind in ("package", "release") else "", overflow="fold")
    return named.append(f"  {facts}" if facts else "", "dim not bold")


def _said(node: Node) -> tuple[str, ...]:
    """The facts of a node that people look for."""
    facts = node.facts
    if node.kind == "file":
        counts = [("kept", "kept"), ("quarantined", "refused"), ("duplicate", "duplicate"), ("late", "late")]
        told = [f"{facts[key]:,} {word}" for key, word in counts if facts.get(key)]
        return (f"{facts['read']:,} read", *told)
    if node.kind in ("table", "dataset", "predictions"):
        rows = facts.get("rows")
        return (f"{rows:,} rows" if isinstance(rows, int) else "", "by SQL" if facts.get("sql") else "")
    if node.kind == "package":
        value = facts.get("value")
        return (f"{facts.get('metric')} {number(value)}" if isinstance(value, float) else "",)
    if node.kind == "release":
        champion = "champion now" if facts["champion"] else ""
        return (champion, str(facts["kind"]), f"by {facts['by']}", _moment(node.at))
    gate = facts.get("gate")
    said = "" if gate is None else f"the gate said {'yes' if gate else 'no'}"
    return (said, str(facts.get("rows", "")).split(".")[0].split(":")[0])


def _moment(at: str) -> str:
    return at[:16].replace("T", " ")


def _answer(record: Lineage, focus: Node) -> str:
    """The two questions in one line: which files, which packages."""
    files = "1 file" if len(record.files) == 1 else f"{len(record.files):,} files"
    packages = ", ".join(record.packages) or "no package"
    if focus.kind == "file":
        return f"Seen by: {packages}."
    return f"From {files}. Packages: {packages}."
