"""What pydantic found wrong, in the words and at the places of the project file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from millrace.config.environment import refers
from millrace.config.outline import Path, allowed_keys
from millrace.config.refusal import AT, REFUSED
from millrace.config.tree import Tree
from millrace.errors import ProjectFileError, nearest

#: What is expected, by pydantic's type of error.
_EXPECTED = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping (`key: value` lines)",
    "model": "a mapping (`key: value` lines)",
    "tuple": "a list",
    "list": "a list",
}
_LIMITS = {
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "letters, digits, - and _, starting with a letter or digit",
}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One of pydantic's errors, with the place of the file that it speaks about."""

    kind: str
    path: Path
    on_key: bool
    name: str
    context: Mapping[str, Any]

    @property
    def expected(self) -> str | None:
        """What type was expected, where the error is about a type."""
        stem, _, ending = self.kind.partition("_")
        return _EXPECTED.get(stem) if ending in {"type", "parsing", "from_float", "attributes_type"} else None


def problems(errors: Iterable[Mapping[str, Any]], tree: Tree) -> list[ProjectFileError]:
    """One error for each thing that is wrong, out of pydantic's list for `tree`."""
    groups: dict[tuple[Path, bool, str], list[_Finding]] = {}
    for error in errors:
        finding = _finding(error, tree)
        if finding.path not in tree.broken:
            groups.setdefault((finding.path, finding.on_key, finding.name), []).append(finding)
    found = []
    for (path, on_key, name), findings in groups.items():
        deeper = any(other[0][: len(path)] == path and other != (path, on_key, name) for other in groups)
        others = [finding for finding in findings if finding.expected is None]
        if others or not deeper:
            found.append(_problem(others or findings, tree))
    return [problem for problem in found if not _explained(problem, found)]


def _explained(problem: ProjectFileError, found: list[ProjectFileError]) -> bool:
    """Whether a key is missing only because it was misspelt, which another problem says."""
    if problem.code != "config.missing-key":
        return False
    return any(
        other.code == "config.unknown-key" and other.nearest and f"`{other.nearest}`" in problem.seen for other in found
    )


def _finding(error: Mapping[str, Any], tree: Tree) -> _Finding:
    """Follow pydantic's location through the values; what is not in them names an alternative or a missing key."""
    path: Path = ()
    value = tree.value
    parts = [part for part in (*error["loc"], *error.get("ctx", {}).get(AT, ())) if part != "[key]"]
    for part in parts:
        inside = isinstance(value, dict) and part in value
        if inside or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            path, value = (*path, part), value[part]
    on_key = "[key]" in error["loc"] or error["type"] == "extra_forbidden"
    name = str(parts[-1]) if error["type"] == "missing" else ""
    return _Finding(error["type"], path, on_key, name, error.get("ctx", {}))


def _problem(findings: list[_Finding], tree: Tree) -> ProjectFileError:
    first = findings[0]
    if first.kind == "missing":
        return _missing(first, tree)
    if first.on_key and first.kind in {"extra_forbidden", "literal_error"}:
        return _unknown(first, tree)
    if REFUSED in first.context:
        return _refused(first, tree)
    if first.kind == "literal_error":
        return _not_one_of(first, tree)
    if first.expected:
        return _mistyped(findings, tree)
    return _beyond(first, tree)


def _unknown(finding: _Finding, tree: Tree) -> ProjectFileError:
    *parent, key = finding.path
    known = list(allowed_keys(tuple(parent)))
    seen = f"`{key}` is not a key of {_name(tuple(parent))}." if parent else f"`{key}` is not a section."
    return ProjectFileError(
        seen,
        where=tree.position(finding.path, key=True),
        code="config.unknown-key",
        allowed=known,
        nearest=nearest(str(key), known),
    )


def _missing(finding: _Finding, tree: Tree) -> ProjectFileError:
    meaning = allowed_keys(finding.path).get(finding.name, "")
    place = f"{_name(finding.path)} lacks the key" if finding.path else "The file lacks the section"
    return ProjectFileError(
        f"{place} `{finding.name}`{f': {meaning}' if meaning else ''}.",
        where=tree.position(finding.path, key=True),
        code="config.missing-key",
        next_step=f"add `{finding.name}: …`{f' under {_name(finding.path)}' if finding.path else ''}",
    )


def _refused(finding: _Finding, tree: Tree) -> ProjectFileError:
    """A grammar's own words, unless they would show a value of the environment."""
    error: ProjectFileError = finding.context[REFUSED]
    path, key = finding.path, error.code in {"config.unknown-key", "config.missing-key"}
    if error.code == "config.unknown-key" and error.seen.startswith("`"):
        path = (*path, error.seen.split("`")[1])
    seen, scalar = error.seen, path in tree.written and not key
    secret = scalar and refers(tree.written[path])
    if secret:
        seen = f"{_name(path)} is {_shown(path, tree)}, and its value does not fit."
    elif scalar and not seen.startswith("`"):
        seen = f"{_name(path)} is {_shown(path, tree)}. {seen}"
    return ProjectFileError(
        seen,
        where=tree.position(path, key=key),
        code=error.code,
        allowed=error.allowed,
        nearest=None if secret else error.nearest,
        next_step=error.next_step,
    )


def _not_one_of(finding: _Finding, tree: Tree) -> ProjectFileError:
    words = [word.strip(" '") for word in str(finding.context["expected"]).replace(" or ", ",").split(",")]
    secret = refers(tree.written.get(finding.path, ""))
    return ProjectFileError(
        f"{_name(finding.path)} is {_shown(finding.path, tree)}.",
        where=tree.position(finding.path),
        code="config.value",
        allowed=words,
        nearest=None if secret else nearest(str(_at(tree.value, finding.path)), words),
    )


def _mistyped(findings: list[_Finding], tree: Tree) -> ProjectFileError:
    path = findings[0].path
    expected = list(dict.fromkeys(finding.expected for finding in findings if finding.expected))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    return ProjectFileError(
        f"{_name(path)} is {_shown(path, tree)}; {' or '.join(expected)} is expected.",
        where=tree.position(path),
        code="config.type",
        next_step=_mend(_at(tree.value, path), tree.written.get(path, ""), expected),
    )


def _beyond(finding: _Finding, tree: Tree) -> ProjectFileError:
    path = finding.path
    limit = _LIMITS.get(finding.kind, finding.kind.replace("_", " ")).format(**finding.context)
    allowed, seen = [limit], f"{_name(path)} is {_shown(path, tree)}."
    if finding.on_key:
        seen = f"The name `{path[-1]}` cannot be used."
    elif finding.kind == "too_short":
        count = len(_at(tree.value, path))
        seen = f"{_name(path)} has {count} of the {finding.context['min_length']} entries it needs at least."
        allowed = list(allowed_keys(path))
    return ProjectFileError(seen, where=tree.position(path, key=finding.on_key), code="config.value", allowed=allowed)


def _mend(value: object, written: str, expected: list[str]) -> str:
    """The edit that most likely makes a value fit."""
    if "a list" in expected and isinstance(value, str | int | float) and not refers(written):
        return f"write a list: [{written}]"
    if "a text" in expected and isinstance(value, int | float):
        return f'put it in quotes: "{written}"'
    return ""


def _name(path: Path) -> str:
    """How a place is called: `model.gate`, or an entry of it."""
    if path and isinstance(path[-1], int):
        return f"Entry {path[-1] + 1} of {_name(path[:-1])}"
    parts = [f"{part}" if isinstance(part, str) else f"[{part + 1}]" for part in path]
    return f"`{'.'.join(parts)}`"


def _shown(path: Path, tree: Tree) -> str:
    """A value as written, never as the environment made it, and without a password."""
    value = _at(tree.value, path)
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    written = re.sub(r"//[^/@\s]*@", "//…@", tree.written.get(path, ""))
    if not written:
        return "empty"
    return f"`{written if len(written) <= 60 else written[:57] + '…'}`"


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
