"""A first look at what `init` is given: files, URLs, tables, a team's own code."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError, UsageError
from millrace.sources.base import Look
from millrace.sources.proposing.yaml_text import scalar
from millrace.sources.registry import kind_of, open_source

#: Rows that are looked at; in longer data, sets of allowed values are not proposed.
SURVEYED_ROWS = 1_000_000
#: ``package.module:function``, a team's own code.
_OWN = re.compile(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*")


def asked(path: str | Sequence[str], table: str | Sequence[str] | None, query: str | None) -> list[SourceSettings]:
    """What is to be looked at, each as a source would state it."""
    paths = [path] if isinstance(path, str) else list(path)
    tables = [table] if isinstance(table, str) else list(table or [])
    if len(paths) > 1 and (tables or query):
        seen = "`--table` and `--query` ask one database, and several data were given."
        raise UsageError(seen, where="millrace init", next_step="millrace init <url> --table <one> --table <other>")
    if len(tables) > 1 and query:
        raise UsageError("`--query` stands instead of a table.", where="millrace init")
    each = [(place, None) for place in paths] if len(tables) < 2 else [(paths[0], name) for name in tables]
    return [
        SourceSettings.model_validate({"use": place, "table": name or (tables[0] if tables else None)})
        if _OWN.fullmatch(place)
        else SourceSettings.model_validate(
            {"from": place, "table": name or (tables[0] if tables else None), "query": query}
        )
        for place, name in each
    ]


def look(said: SourceSettings, folder: Path) -> Look:
    """The rows that are meant, as their kind looks at them, or by opening it."""
    if said.use:
        name = word(said.table or said.use.rpartition(":")[2]) or "rows"
        table = (f"    table: {scalar(said.table)}",) if said.table else ()
        return first_rows(said, said.use, folder, name, f"    use: {scalar(said.use)}  # your own code", *table)
    path = said.from_
    kind = kind_of(path)
    if kind.look is not None and (seen := kind.look(said, folder)) is not None:
        return seen
    if said.table or said.query:
        why = f"`--table` and `--query` ask a database, `--sheet` a workbook; `{path}` is neither."
        raise UsageError(why, where="millrace init")
    return first_rows(said, path, Path.cwd(), source_name(path), from_line(path, folder))


def first_rows(said: SourceSettings, place: str, base: Path, name: str, *lines: str) -> Look:
    """The first rows, with the columns that the source says it has; a file may lack some of them, or have others."""
    source = open_source("init", said, base)
    frames: list[pl.DataFrame] = []
    rows = refused = 0
    whole = True
    for batch in source.batches(None):
        if rows >= SURVEYED_ROWS:
            whole = False
            break
        frames.append(batch.frame.select(column for column in source.schema() if column in batch.frame.columns))
        odd = 0 if batch.misfits is None else batch.misfits["at"].n_unique()
        rows, refused = rows + batch.frame.height, refused + batch.refused.height + odd
    if not rows:
        raise SourceError(f"`{place}` has no rows to look at.", where="init", code="source.empty")
    return Look(pl.concat(frames, how="diagonal"), source.schema(), refused, whole, name, lines)


def from_line(path: str, folder: Path) -> str:
    """The line of `from` in a project file that stands in `folder`."""
    return f"    from: {scalar(path if '://' in path else _relative(path, folder))}"


def source_name(path: str) -> str:
    """What a source of this path is called."""
    stem = Path(path).name.split(".")[0]
    plain = word(stem)
    if not plain or "*" in stem:
        plain = word(Path(path).resolve().parent.name) or "data"
    return f"data_{plain}" if plain[0].isdigit() else plain


def word(text: str) -> str:
    """`text` in small letters, digits and `_`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _relative(path: str, folder: Path) -> str:
    absolute, folder = Path(os.path.abspath(path)), folder.resolve()  # noqa: PTH100 - a glob must not be resolved
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    return absolute.as_posix() if Path(path).is_absolute() else Path(os.path.relpath(absolute, folder)).as_posix()
