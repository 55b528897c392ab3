"""What becomes of a batch whose columns are not those of its table: the source's contract, applied before the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from millrace.config.contract import Contract, agreed
from millrace.config.schema import ColumnType, SourceSettings
from millrace.errors import DataError
from millrace.ingest.built_in import LOST, NEW
from millrace.ingest.checks import Check
from millrace.ingest.types import column_types
from millrace.records.batch import Position
from millrace.sources.base import Foreseeable

#: So many origins with other columns are named.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Agreed:
    """How a batch is taken.

    `types` are the columns that the table then has; `lost` those of them that the batch lacks, which have no value;
    `checks` refuse rows for a column; `changes` says in words what changed.
    """

    types: Mapping[str, ColumnType]
    lost: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    changes: tuple[str, ...] = ()


def agree(frame: pl.DataFrame, known: Mapping[str, ColumnType], settings: SourceSettings, where: str) -> Agreed:
    """What the contract of a source says to a batch, where `known` are the columns until now.

    A new column has the type that the settings state, else the one that it comes with. Raises `DataError` when the
    contract freezes what changed.

    Examples
    --------
    >>> settings = SourceSettings.model_validate({"from": "a.csv", "contract": "evolve"})
    >>> agree(pl.DataFrame({"id": [1], "plan": ["pro"]}), {"id": "integer"}, settings, "b.csv").changes
    ('`plan` is new (text)',)
    """
    contract = agreed(settings.contract)
    here = set(frame.columns)
    lost = tuple(name for name in known if name not in here)
    held = column_types(frame.schema)
    new = {name: stated_type(name, settings) or held.get(name, "text") for name in frame.columns if name not in known}
    changes = (*(f"`{name}` is new ({kind})" for name, kind in new.items()), *(f"`{name}` is gone" for name in lost))
    frozen = [*(new if contract.new_columns == "freeze" else ()), *(lost if contract.lost_columns == "freeze" else ())]
    if frozen:
        raise _frozen(changes, known, contract, where)
    checks: list[Check] = []
    if contract.new_columns == "quarantine":
        checks = [Check(NEW, f"the table has no column `{name}`", pl.col(name).is_null(), (name,)) for name in new]
        new = {}
    if contract.lost_columns == "quarantine":
        checks += [Check(LOST, f"the column `{name}` is gone", pl.lit(value=False), ()) for name in lost]
    return Agreed({**known, **new}, lost, tuple(checks), changes)


def hold_columns(
    source: object, after: Position | None, known: Mapping[str, ColumnType], settings: SourceSettings, where: str
) -> None:
    """Raise `DataError` where the contract freezes columns and those of some new origin are others, before any is read.

    `known` are the columns of the table, or none before its first commit. Nothing is said of origins whose columns are
    only known once they are read.
    """
    contract = agreed(settings.contract)
    told = []
    if isinstance(source, Foreseeable) and "freeze" in {contract.new_columns, contract.lost_columns}:
        known = known or source.schema()
        for origin, names in source.columns_ahead(after):
            new = [name for name in names if name not in known] if contract.new_columns == "freeze" else []
            lost = [name for name in known if name not in names] if contract.lost_columns == "freeze" else []
            changes = [*(f"`{name}` is new" for name in new), *(f"`{name}` is gone" for name in lost)]
            told += [f"in {origin} {' and '.join(changes)}"] if changes else []
    if told:
        more = f" (and {len(told) - _SHOWN} more)" if len(told) > _SHOWN else ""
        raise DataError(
            f"The columns changed since they were written down: {'; '.join(told[:_SHOWN])}{more}. "
            "Nothing of this load was committed.",
            where=where,
            code="data.columns",
            allowed=[f"{name} ({kind})" for name, kind in known.items()],
            next_step="mend the data, or take it as it is: `contract: {new_columns: evolve, lost_columns: evolve}`",
        )


def hold_types(settings: SourceSettings, refused: Callable[[], Mapping[str, str]], where: str) -> None:
    """Raise `DataError` when the contract freezes types and there are values, by column, that do not fit."""
    if agreed(settings.contract).types == "freeze" and (found := refused()):
        raise DataError(
            f"Values do not fit their columns: {'; '.join(list(found.values())[:5])}. "
            "Nothing of this batch was committed.",
            where=where,
            code="data.types",
            next_step="mend the data, or take the other rows: `contract: {types: quarantine}`",
        )


def stated_type(name: str, settings: SourceSettings) -> ColumnType | None:
    """The type that the settings give a column."""
    stated = settings.columns.get(name)
    return stated.kind if stated else None


def _frozen(changes: tuple[str, ...], known: Mapping[str, ColumnType], contract: Contract, where: str) -> DataError:
    kinds = [
        kind
        for kind, what in ((NEW, "is new"), (LOST, "is gone"))
        if getattr(contract, kind) == "freeze" and any(what in change for change in changes)
    ]
    ways = " or ".join(f"`contract: {{{kind}: evolve}}`" for kind in kinds)
    return DataError(
        f"The columns changed since they were written down: {'; '.join(changes)}. Nothing of this batch was committed.",
        where=where,
        code="data.columns",
        allowed=[f"{name} ({kind})" for name, kind in known.items()],
        next_step=f"mend the data, or take it as it is: {ways}",
    )
