"""A team's own code, by the name that its project file gives it; it lies in the project's folder.

Nothing is searched or guessed: one module is imported, and one name is taken from it.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from millrace.config.target import parse_target
from millrace.errors import SourceError, nearest


def load(target: str, folder: Path, where: str) -> Any:
    """What ``package.module:name`` means in the project at `folder`.

    The folder comes first on Python's path from then on, as that of a script does. Raises `SourceError` when there is
    no such module or name, when it lies elsewhere, or when importing it fails.
    """
    module_name, name = parse_target(target)
    folder = folder.resolve()
    _check_inside(module_name, folder, where)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    _forget_a_namesake(module_name.partition(".")[0], folder)
    try:
        importlib.invalidate_caches()
        module = importlib.import_module(module_name)
    except Exception as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name and module_name.startswith(error.name)
        here = sorted(path.stem for path in folder.glob("*.py"))
        raise SourceError(
            f"There is no module `{module_name}`." if absent else f"Importing `{module_name}` failed: {told(error)}",
            where=f"{where}.use",
            code="source.use",
            allowed=here[:12] if absent else (),
            nearest=nearest(module_name, here) if absent else None,
            next_step=f"modules are looked for in {folder}" if absent else "",
        ) from error
    return _named(module, name, where)


def told(error: BaseException) -> str:
    """An error of foreign code in one line.

    Examples
    --------
    >>> told(ValueError("bad"))
    'ValueError: bad'
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _check_inside(module_name: str, folder: Path, where: str) -> None:
    """Raise `SourceError` for a module that is there, but outside the project: a project file names no foreign code."""
    package = module_name.partition(".")[0]
    spec = PathFinder.find_spec(package, [str(folder)])
    places = [spec.origin] if spec and spec.origin else list(spec.submodule_search_locations or ()) if spec else []
    if places and all(Path(place).resolve().is_relative_to(folder) for place in places):
        return
    if not places and package not in sys.builtin_module_names and PathFinder.find_spec(package) is None:
        return  # there is none at all, which importing tells
    raise SourceError(
        f"`{module_name}` does not lie in the project's folder, so the project file cannot name it.",
        where=f"{where}.use",
        code="source.use",
        allowed=sorted(path.stem for path in folder.glob("*.py"))[:12],
        next_step=f"write a module in {folder} that imports what you need from it, and name that one",
    )


def _named(module: ModuleType, name: str, where: str) -> Any:
    if not hasattr(module, name):
        known = [one for one in vars(module) if not one.startswith("_")]
        raise SourceError(
            f"`{module.__name__}` has no `{name}`.",
            where=f"{where}.use",
            code="source.use",
            allowed=known[:20],
            nearest=nearest(name, known),
        )
    return getattr(module, name)


def _forget_a_namesake(package: str, folder: Path) -> None:
    """Unload a module of the same name that another project loaded in this process."""
    spec = PathFinder.find_spec(package, [str(folder)])
    loaded = sys.modules.get(package)
    if spec is None or loaded is None or _place(spec) == _place(loaded.__spec__):
        return
    for name in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
        del sys.modules[name]


def _place(spec: Any) -> Any:
    return spec and (spec.origin or list(spec.submodule_search_locations or ()))
