"""Which columns of some sources refer to the keys of others, as their values and names bear out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from millrace.sources.proposing.survey import ColumnFacts, Survey

#: A column refers to a key while no more than this share of its rows have a value that is not there.
_ORPHANS = 0.01
#: Names that every table may give its own key.
_GENERIC = frozenset({"id", "key", "no", "nr", "number", "uuid", "guid", "code"})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a source: its name, rows, facts, and the column that is its key, if a single one is."""

    name: str
    frame: pl.DataFrame
    found: Survey
    key: ColumnFacts | None


@dataclass(frozen=True, slots=True)
class Relation:
    """`column` of the source `of` has values of the key `key` of the source `to`; `evidence` says what was found."""

    of: str
    column: str
    to: str
    key: str
    evidence: str


def relations(sources: Sequence[Known]) -> tuple[Relation, ...]:
    """Every reference that was found, none of which closes a circle; a column refers to one key at most.

    Examples
    --------
    >>> from millrace.sources.proposing.survey import survey
    >>> def known(name, frame):
    ...     found = survey(frame, {column: "integer" for column in frame.columns}, 0, True)
    ...     return Known(name, frame, found, found.columns[0])
    >>> shops = known("shops", pl.DataFrame({"id": [1, 2, 3]}))
    >>> sales = known("sales", pl.DataFrame({"id": [1, 2], "shop_id": [3, 1]}))
    >>> [(one.column, one.to, one.key) for one in relations([sales, shops])]
    [('shop_id', 'shops', 'id')]
    """
    found: list[Relation] = []
    for child in sources:
        for column in child.found.columns:
            parents = (parent for parent in sources if parent is not child)
            fitting = (one for parent in parents if (one := _relation(child, column, parent)))
            if (best := next(fitting, None)) and not _leads(found, best.to, child.name):
                found.append(best)
    return tuple(found)


def _leads(found: Sequence[Relation], start: str, end: str) -> bool:
    """Whether references go from one source to another, over any number of others."""
    return start == end or any(_leads(found, one.to, end) for one in found if one.of == start)


def _relation(child: Known, column: ColumnFacts, parent: Known) -> Relation | None:
    key = parent.key
    if key is None or not parent.found.whole or column.type != key.type or column.type not in {"integer", "text"}:
        return None
    alike = _alike(column.name, key.name, parent.name, own=column is child.key)
    if not alike and (column.type == "integer" or column is child.key):
        return None  # small numbers are in every other key
    values, keys = (_values(one.frame[of.name], of.markers) for one, of in ((child, column), (parent, key)))
    different = values.n_unique()
    orphans = int((~values.is_in(keys.unique().implode())).sum())
    if different < 2 or orphans > (_ORPHANS * len(values) if alike else 0):
        return None
    told = f"{different:,} different values, " + (
        f"{orphans:,} of {len(values):,} rows have one that is not there: to quarantine" if orphans else "all are there"
    )
    return Relation(child.name, column.name, parent.name, key.name, told)


def _values(series: pl.Series, markers: Mapping[str, int]) -> pl.Series:
    texts = series.cast(pl.String).str.strip_chars().drop_nulls()
    return texts.filter(~texts.is_in([marker.strip() for marker in markers])) if markers else texts


def _alike(column: str, key: str, parent: str, *, own: bool) -> bool:
    """Whether a column is called like the key of a source, or like the source itself: customer_id, customer."""
    name, of = _plain(column), _plain(key)
    if name == of:
        return of not in _GENERIC and not own
    return any(name in {word, word + of} or name.endswith(word + of) for word in _words(parent))


def _words(name: str) -> Iterator[str]:
    plain = _plain(name)
    yield plain
    if plain.endswith("ies"):
        yield plain[:-3] + "y"
    elif plain.endswith("s"):
        yield plain[:-1]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
