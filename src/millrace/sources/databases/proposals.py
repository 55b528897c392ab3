"""What a database suggests for a source: its tables, the key and the cursor that its catalogue and rows bear out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl

from millrace.config.environment import UnsetVariableError, refers, substitute
from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError, UsageError, nearest
from millrace.sources.base import Look
from millrace.sources.column_types import DTYPES, kind_of, parse
from millrace.sources.cursors import CHANGED, CREATED
from millrace.sources.databases.base import Ask, Database, Indexes, connect
from millrace.sources.proposing.yaml_text import flow, scalar

#: Rows that are looked at: a database is not kept busy for a proposal.
LOOKED_AT = 100_000
_WHERE = "millrace init"
_MOMENTS: tuple[ColumnType, ...] = ("date", "datetime")
_SECRET = re.compile(r"(?i)(key|token|secret|passw|sig|auth|cert)")


def look(said: SourceSettings, folder: Path) -> Look:
    """The first rows of a table or query, and the lines of a source that reads them.

    Nothing secret of the URL is written: passwords become references to the environment. Raises `UsageError` that
    lists the tables where none is named, or one that is not there.
    """
    database = connect(_url(said.from_), Path.cwd(), _WHERE)
    try:
        if not (said.table or said.query):
            raise _unnamed(said.from_, database.tables())
        origin = database.origin(said.table, said.query)
        try:
            page = database.page(Ask(origin, (), limit=LOOKED_AT + 1), database.columns(origin))
        except SourceError as error:
            raise _absent(said.table, database, error) from None
        frame = _with_moments(page.head(LOOKED_AT).frame)
        if not frame.height:
            raise SourceError(f"`{said.table or 'query'}` has no rows to look at.", where=_WHERE, code="source.empty")
        indexes = database.indexes(said.table) if said.table else Indexes()
        lines = [
            *_from(said.from_, folder),
            *([f"    table: {scalar(said.table)}"] if said.table else [f"    query: {scalar(said.query or '')}"]),
            *([f"    key: {_columns(indexes.key)}  # the primary key"] if indexes.key else []),
            *_cursor(frame, indexes, _absences(database, origin)),
        ]
    finally:
        database.close()
    kinds = {dtype: kind for kind, dtype in DTYPES.items()}
    schema = {name: kinds[dtype] for name, dtype in frame.schema.items()}
    whole = page.frame.height <= LOOKED_AT
    odd = page.misfits["at"].n_unique()
    return Look(frame, schema, odd, whole, _name(said), tuple(lines), keyed=True, key=indexes.key)


def _url(said: str) -> str:
    """The URL that is asked; what it takes from the environment is written down as it was said."""
    try:
        return substitute(said, os.environ)
    except UnsetVariableError as error:
        raise UsageError(
            f"${{{error.name}}} is not set.", where=_WHERE, nearest=error.guess, next_step=f"export {error.name}=…"
        ) from None


def _unnamed(url: str, tables: list[str]) -> UsageError:
    seen = "A database needs `--table` or `--query` to look at."
    if not tables:
        return UsageError(f"{seen} This one has no tables that can be read.", where=_WHERE)
    next_step = f"millrace init {_plain(url)} --table {tables[0]} --predict <column>"
    return UsageError(seen, where=_WHERE, code="init.table", allowed=tables, next_step=next_step)


def _absent(table: str | None, database: Database, error: SourceError) -> SourceError | UsageError:
    """`error`, unless there is no such table."""
    tables = database.tables() if table else []
    if not table or table in tables or table.rpartition(".")[2] in tables:
        return error
    return UsageError(
        f"There is no table `{table}`.",
        where=f"{_WHERE} --table",
        code="init.table",
        allowed=tables,
        nearest=nearest(table, tables),
    )


def _from(url: str, folder: Path) -> list[str]:
    """The line of `from`, and how the secrets in it are set."""
    written = _plain(url)
    scheme, _, rest = written.partition("://")
    if scheme.partition("+")[0] == "sqlite" and not rest.startswith("//"):
        path = Path(os.path.relpath(unquote(rest.removeprefix("/").partition("?")[0]), folder)).as_posix()
        written = f"{scheme}:///{path}" + (f"?{rest.partition('?')[2]}" if "?" in rest else "")
    asked = re.findall(r"\$\{(\w+)\}", written)
    export = f"  # export {' and '.join(asked)} as in a URL: / is %2F, @ is %40" if asked else ""
    return [f"    from: {scalar(written)}{export}"]


def _plain(url: str) -> str:
    """`url` with references to the environment in place of its secrets."""
    head, mark, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    place, slash, path = rest.partition("/")
    login, at, host = place.rpartition("@")
    user, colon, password = login.partition(":")
    if colon and not refers(password):
        login = f"{user}:${{DB_PASSWORD}}"
    pairs = [pair.partition("=") for pair in query.split("&")]
    kept = [
        f"{name}=${{DB_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}}}"
        if _SECRET.search(name) and not refers(value)
        else f"{name}{equals}{value}"
        for name, equals, value in pairs
    ]
    return f"{scheme}://{login}{at}{host}{slash}{path}{mark}{'&'.join(kept)}"


def _absences(database: Database, origin: str) -> Callable[[str], int]:
    def absent(name: str) -> int:
        return database.absent(Ask(origin, (name,)))

    return absent


def _cursor(frame: pl.DataFrame, indexes: Indexes, absent: Callable[[str], int]) -> list[str]:
    """A column that says when a row changed, where every row has it; else what would be one."""
    moments = [name for name in frame.columns if frame.schema[name] in (DTYPES[kind] for kind in _MOMENTS)]
    first = {columns[0] for columns in (indexes.key, *indexes.others) if columns}
    found = sorted(filter(CHANGED.search, moments), key=lambda name: name not in first)
    for name in found:
        indexed = "it is indexed" if name in first else f"create an index on ({name}, key) to read it fast"
        if missing := absent(name):
            return [f"    # cursor: {scalar(name)}  # {missing:,} rows have no value in it, so they have no place"]
        return [f"    cursor: {scalar(name)}  # every row has one, by its name of its last change; {indexed}"]
    created = [name for name in moments if CREATED.search(name)]
    if created:
        note = "finds new rows alone, and faster than comparing the keys of all rows"
        return [f"    # cursor: {scalar(created[0])}  # {note}"]
    return []


def _with_moments(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts that are all dates or times as such: SQLite has no other way to hold them."""
    found = {name: kind_of(frame[name]) for name, dtype in frame.schema.items() if dtype == pl.String}
    return frame.with_columns(parse(frame[name], kind) for name, kind in found.items() if kind in _MOMENTS)


def _columns(names: tuple[str, ...]) -> str:
    return scalar(names[0]) if len(names) == 1 else flow(names)


def _name(said: SourceSettings) -> str:
    """The name of the source: the table's, or for a query that of the database."""
    place = said.table or Path(urlsplit(said.from_).path).stem or "rows"
    word = re.sub(r"[^a-z0-9]+", "_", place.rpartition(".")[2].lower()).strip("_") or "rows"
    return f"data_{word}" if word[0].isdigit() else word
