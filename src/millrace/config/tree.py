"""YAML text as plain values that remember where each of them was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from millrace.config.environment import UnsetVariableError, substitute
from millrace.config.outline import Path
from millrace.errors import ProjectFileError

#: Aliases can make a small file unfold into a large one; a project file that needs more values than this is an attack.
_MOST_VALUES = 20_000
#: Plain scalars that are not texts; dates stay as written.
_TYPED = ("null", "bool", "int", "float")
_KINDS = (*_TYPED, "str", "timestamp", "value", "merge", "map", "seq")


@dataclass(slots=True)
class Tree:
    """The values of a file, where each key and value stands (``line:column``, from 1), and each value as written.

    `broken` are places whose values could not be made; `problems` say why.
    """

    where: str
    lines: list[str]
    value: Any = None
    keys: dict[Path, str] = field(default_factory=dict)
    values: dict[Path, str] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    broken: set[Path] = field(default_factory=set)
    problems: list[ProjectFileError] = field(default_factory=list)

    def position(self, path: Path, *, key: bool = False) -> str:
        """``file:line:column`` of the value at `path`, or of its key."""
        places = (self.keys.get(path), self.values.get(path)) if key else (self.values.get(path), self.keys.get(path))
        return f"{self.where}:{places[0] or places[1] or '1:1'}"


def parse(text: str, where: str, environ: Mapping[str, str]) -> Tree:
    """The values in `text`, with the environment's put in. Raises `ProjectFileError` where it is not YAML."""
    tree = Tree(where, text.splitlines())
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is not None:
            tree.value = _Builder(tree, environ, yaml.constructor.construct_object).build(node, ())
    except MarkedYAMLError as error:
        raise _not_yaml(error, tree) from error
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _syntax(
            f"The character U+{ord(text[error.position]):04X} cannot be part of YAML.", where, line, column
        ) from error
    except (YAMLError, RecursionError) as error:
        raise ProjectFileError("This is nested too deeply to be read.", where=where, code="config.syntax") from error
    return tree


class _Builder:
    """Walks the nodes once and fills a tree."""

    def __init__(self, tree: Tree, environ: Mapping[str, str], construct: Any) -> None:
        self.tree = tree
        self.environ = environ
        self.construct = construct
        self.count = 0

    def build(self, node: Node, path: Path) -> Any:
        self.count += 1
        if self.count > _MOST_VALUES:
            raise _syntax(f"There are more than {_MOST_VALUES} values here.", self.tree.where, *_place(node))
        if node.value != "":  # what is empty stands nowhere; its key does
            self.tree.values[path] = ":".join(map(str, _place(node)))
        kind = str(node.tag).rpartition(":")[2]
        if kind not in _KINDS:
            self.tree.broken.add(path)
            self.refuse(f"The tag `!{kind}` is not allowed: a project file holds plain values.", node, "config.syntax")
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        return self.scalar(cast("ScalarNode", node), path)

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            here, (line, column) = (*path, name), _place(key)
            if not isinstance(key, ScalarNode):
                self.refuse("A key must be a plain text.", key, "config.syntax")
            elif name in made:
                first = self.tree.keys[here]
                self.refuse(
                    f"`{name}` was already given at {first}; only one can be meant.", key, "config.duplicate-key"
                )
            else:
                self.tree.keys[here] = f"{line}:{column}"
                made[name] = self.build(value, here)
        return made

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        self.tree.written[path] = node.value
        kind = str(node.tag).rpartition(":")[2]
        if kind in _TYPED:
            return self.construct(node)
        try:
            return substitute(node.value, self.environ)
        except UnsetVariableError as error:
            self.tree.broken.add(path)
            self.tree.problems.append(self.unset(error, node))
            return node.value

    def unset(self, error: UnsetVariableError, node: ScalarNode) -> ProjectFileError:
        line, column = _place(node)
        found = self.tree.lines[line - 1].find(f"${{{error.name}", column - 1)
        return ProjectFileError(
            f"The environment variable `{error.name}` is not set.",
            where=f"{self.tree.where}:{line}:{found + 1 if found >= 0 else column}",
            code="config.missing-variable",
            nearest=error.guess,
            next_step=f"export {error.name}=…, or give a default: ${{{error.name}:-…}}",
        )

    def refuse(self, seen: str, node: Node, code: str) -> None:
        line, column = _place(node)
        self.tree.problems.append(ProjectFileError(seen, where=f"{self.tree.where}:{line}:{column}", code=code))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax(seen: str, where: str, line: int, column: int, next_step: str = "") -> ProjectFileError:
    return ProjectFileError(seen, where=f"{where}:{line}:{column}", code="config.syntax", next_step=next_step)


def _not_yaml(error: MarkedYAMLError, tree: Tree) -> ProjectFileError:
    """The parser's words, unless a tab or an unclosed bracket is the true cause."""
    mark = error.problem_mark or error.context_mark
    line, column = mark.line + 1, mark.column + 1
    text = tree.lines[mark.line] if mark.line < len(tree.lines) else ""
    tab = re.match(r" *\t", text)
    if tab:
        return _syntax("The line is indented with a tab.", tree.where, line, tab.end(), "indent with spaces")
    opened = error.context_mark or mark
    early = "expected ',' or" in str(error.problem) and mark.line > opened.line
    if early or "stream end" in str(error.problem) or "end of stream" in str(error.problem):
        what = str(error.context).removeprefix("while parsing a ").removeprefix("while scanning a ")
        return _syntax(f"The {what} that starts here is never closed.", tree.where, opened.line + 1, opened.column + 1)
    words = ": ".join(str(part) for part in (error.context, error.problem) if part)
    reference = re.search(r"\$\{[^}]*\}", text)
    quoted = f"`{reference[0]}`" if reference else "the text"
    hint = f"put {quoted} in quotes" if reference or "mapping values" in words or "cannot start" in words else ""
    return _syntax(f"This is not YAML: {words}.", tree.where, line, column, hint)
