"""Collections of MongoDB, and of what speaks its protocol, through pymongo: asked by `find` alone.

Documents are records: fields of inner documents are columns of their own (`address.city`), lists stay as JSON. MongoDB
compares only values of one kind, so documents whose `_id`, key or cursor is of another kind than the first one's have
no place in the order. Without other words in the URL, secondaries are read where there are any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import msgspec

from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import SourceError
from millrace.sources.base import Look, Source, SourceKind
from millrace.sources.columnar import flat, text
from millrace.sources.databases.base import Ask, Guard, Indexes, Page, missing
from millrace.sources.databases.rows import paged
from millrace.sources.databases.source import SqlSource

#: Where each document is, when nothing else is stated.
ID = "_id"
#: The least value of each kind that MongoDB compares with one another alone, by what pymongo makes of them:
#: https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
#: Stands for what no value is at least: inner documents and the like have no order here.
_NOTHING = {"$none": True}
_NUMBER = -sys.float_info.max
_LEAST: Mapping[str, Any] = {
    "int": _NUMBER, "Int64": _NUMBER, "float": _NUMBER, "Decimal128": _NUMBER, "str": "", "bool": False,
    "datetime": datetime(1, 1, 1), "bytes": b"",
}  # fmt: skip
#: As many documents without a place are counted.
_COUNTED = 10_000
_PATIENCE_MS = 10_000


class MongoDB:
    """One client of the database that the URL names."""

    def __init__(self, guard: Guard, base: Path) -> None:
        del base
        try:
            import pymongo
        except ImportError as error:
            raise missing("MongoDB", guard.where, "mongo") from error
        self._guard = guard
        self._failures = (pymongo.errors.PyMongoError, ValueError)
        self._refused = (pymongo.errors.OperationFailure, pymongo.errors.ConfigurationError, ValueError)
        wanted: dict[str, Any] = {"serverSelectionTimeoutMS": _PATIENCE_MS, "readPreference": "secondaryPreferred"}
        stated = guard.url.partition("?")[2].lower()
        options = {name: value for name, value in wanted.items() if f"{name.lower()}=" not in stated}
        with self._told():
            self._client: Any = pymongo.MongoClient(guard.url, appname="millrace", **options)
            self._database = self._client.get_default_database("test")

    def tables(self) -> list[str]:
        """The collections."""
        with self._told():
            return sorted(self._database.list_collection_names())

    def indexes(self, table: str) -> Indexes:
        """Documents are known by their `_id`."""
        del table
        return Indexes((ID,))

    def origin(self, table: str | None, query: str | None) -> str:
        """The collection, and which of its documents and fields."""
        return msgspec.json.encode([table, query]).decode()

    def columns(self, origin: str) -> dict[str, ColumnType] | None:
        """Only the documents tell."""
        del origin
        return None

    def page(self, ask: Ask, schema: Mapping[str, ColumnType] | None) -> Page:
        """One `find`; the fields that some documents lack have no value there."""
        collection, chosen, fields = self._asked(ask)
        order = [(name, 1) for name in ask.order] or None
        if ask.order_only:
            fields = dict.fromkeys(ask.order, 1) | ({} if ID in ask.order else {ID: 0})
        with self._told():
            cursor = collection.find(chosen, fields, sort=order, skip=ask.skip, limit=ask.limit or 0)
            documents = list(cursor)
        keys = [tuple(_at(document, name) for name in ask.order) for document in documents]
        if not _ascend(keys):
            raise SourceError(
                f"{self._guard.place} sorts otherwise than it compares, by {ask.order}: rows would be lost.",
                where=self._guard.where,
                code="source.order",
                next_step="name a `cursor` and `key` that it sorts as MongoDB does, such as dates or ObjectIds",
            )
        records = [flat({name: _plain(value) for name, value in one.items()}) for one in documents]
        known = () if ask.order_only else schema or ()
        names = list(ask.order) if ask.order_only else _columns(records, known)
        rows = [tuple(_cell(record.get(name)) for name in names) for record in records]
        return paged(names, rows, keys, ask, schema)

    def absent(self, ask: Ask) -> int:
        """Those without a value in the order, or with one that is not compared with the first; so many at most."""
        collection, chosen, _ = self._asked(ask)
        with self._told():
            first = collection.find_one(chosen, dict.fromkeys(ask.order, 1))
            if first is None:
                return 0
            fit = [{name: {"$gte": _least(_at(first, name))}} for name in ask.order]
            apart = {"$or": [*({name: None} for name in ask.order), {"$nor": [{"$and": fit}]}]}
            found = collection.find({"$and": [chosen, apart]} if chosen else apart, {ID: 1}, limit=_COUNTED)
            return sum(1 for _ in found)

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def _asked(self, ask: Ask) -> tuple[Any, dict[str, Any], Any]:
        """The collection, the condition within the bounds, and the projection."""
        from bson import json_util

        table, query = msgspec.json.decode(ask.origin)
        said = json_util.loads(query) if query else {}
        conditions = [one for one in (said.get("filter"), *_within(ask)) if one]
        projection = said.get("projection")
        if isinstance(projection, list):
            projection = dict.fromkeys((*projection, *ask.order), 1)
        return self._database[table], {"$and": conditions} if conditions else {}, projection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise self._guard.told(error, reached=isinstance(error, self._refused)) from None


class Collection(SqlSource):
    """The documents of one collection, known by their `_id` where no `key` is stated."""

    def __init__(
        self, name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None
    ) -> None:
        super().__init__(name, settings.model_copy(update={"key": settings.key or ID}), base, schema)

    def _check_origin(self) -> None:
        said = self._settings
        if not said.table:
            self._refuse("A source at MongoDB needs the name of a collection.", "add `table: <collection>`")
        try:
            query = msgspec.json.decode(said.query or "{}")
            fits = isinstance(query, dict) and set(query) <= {"filter", "projection"}
        except msgspec.DecodeError:
            fits = False
        if not fits:
            self._refuse(
                f"`query` of a collection is {said.query!r}.",
                "write `query: {filter: {<field>: <value>}, projection: [<field>, …]}`, or leave it out",
            )


def _within(ask: Ask) -> Iterator[dict[str, Any]]:
    """What a document has to be to lie within the bounds, in the order of its columns."""
    bounds, names = ask.bounds, ask.order
    if bounds.least is not None:
        yield {names[0]: {"$gte": bounds.least}}
    if bounds.after is not None:
        yield _beside(names, bounds.after, "$gt", "$gt")
    if bounds.until is not None:
        yield _beside(names, bounds.until, "$lt", "$lte")


def _beside(names: tuple[str, ...], values: tuple[Any, ...], way: str, last: str) -> dict[str, Any]:
    """Lexicographic comparison, spelt out."""
    if len(names) == 1:
        return {names[0]: {last: values[0]}}
    same = [{names[0]: values[0]}, _beside(names[1:], values[1:], way, last)]
    return {"$or": [{names[0]: {way: values[0]}}, {"$and": same}]}


def _at(document: Any, path: str) -> Any:
    """The value at a dotted path, as MongoDB compares it."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _ascend(keys: list[tuple[Any, ...]]) -> bool:
    """Whether the places follow each other, as far as their values have one order only; texts have many."""
    alike = [tuple(takewhile(lambda value: not isinstance(value, str), key)) for key in keys]
    try:
        return not any(one > other for one, other in pairwise(alike))
    except TypeError:
        return True


def _least(value: Any) -> Any:
    """What every value is at least that is compared with this one."""
    import bson

    kind = type(value).__name__
    return bson.ObjectId(bytes(12)) if kind == "ObjectId" else _LEAST.get(kind, _NOTHING)


def _columns(records: list[dict[str, Any]], known: Any) -> list[str]:
    """The known columns, then those that some record has a value in."""
    return list(dict.fromkeys((*known, *(name for one in records for name, value in one.items() if value is not None))))


def _plain(value: Any) -> Any:
    """A value of BSON as one of Python that every column knows."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if kind in _READ:
        return _READ[kind](value)
    return value if isinstance(value, bool | int | float | str | bytes | datetime | None) else str(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "Decimal128": lambda value: value.to_decimal(),
    "Int64": int,
    "Binary": bytes,
    "Timestamp": lambda value: value.as_datetime().replace(tzinfo=None),
}


def _cell(value: Any) -> Any:
    return text(value) if isinstance(value, list | dict) else value


def _open(name: str, settings: SourceSettings, base: Path, schema: Mapping[str, ColumnType] | None) -> Source:
    return Collection(name, settings, base, schema)


def _look(said: SourceSettings, folder: Path) -> Look:
    from millrace.sources.databases.proposals import look

    return look(said, folder)


KIND = SourceKind("mongodb", _open, schemes=("mongodb", "mongodb+srv"), look=_look)
