"""What the texts of a file's columns stand for, with what the settings say of markers, notations and types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from millrace.config.schema import ColumnType, SourceSettings
from millrace.sources.base import misfits
from millrace.sources.column_types import DTYPES, converted, infer, is_marker, kind_of, parse
from millrace.sources.files.numerals import plain_numerals

_NUMERIC = ("number", "integer")


@dataclass(frozen=True)
class ColumnTexts:
    """The columns of a source of files.

    Examples
    --------
    >>> texts = ColumnTexts(SourceSettings.model_validate({"from": "f.csv", "missing": ["?"]}))
    >>> texts.infer([pl.DataFrame({"age": ["?", "31"]})], ["age"])
    {'age': 'integer'}
    >>> frame, odd = texts.typed(pl.DataFrame({"age": ["?", "31", "old"]}), {"age": "integer"})
    >>> frame["age"].to_list(), odd.rows()
    ([None, 31, None], [(2, 'age', 'old')])
    """

    settings: SourceSettings

    def stated(self, name: str) -> ColumnType | None:
        """The type that the settings state."""
        column = self.settings.columns.get(name)
        return column.kind if column else None

    def infer(self, frames: Iterable[pl.DataFrame], names: Iterable[str]) -> dict[str, ColumnType]:
        """The types that the columns of these `names` safely have, over all frames that have them."""
        markers = {name: self._markers(name) for name in names}
        return infer((self._readable(_only(frame, markers)) for frame in frames), markers)

    def typed(self, frame: pl.DataFrame, kinds: Mapping[str, ColumnType]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows in the order and types of `kinds`, and the values that do not fit, as `misfits`.

        A column whose texts cleaning types stays as it is; so does one that has its type already.
        """
        columns, odd = [], []
        for name, kind in kinds.items():
            held = given = self._without_markers(frame[name], kind)
            if kind in _NUMERIC:
                given = self._plain_numerals(given)
            if given.dtype == DTYPES[kind] or (given.dtype == pl.String and name in self._deferred):
                columns.append(given)
                continue
            final = parse(given, kind) if given.dtype == pl.String else converted(given, DTYPES[kind])
            columns.append(final)
            if final.null_count() > held.null_count():
                at = (final.is_null() & held.is_not_null()).arg_true()
                odd.append(
                    pl.select(at=at.cast(pl.UInt32), column=pl.lit(name), text=frame[name].gather(at).cast(pl.String))
                )
        return pl.DataFrame(columns), pl.concat([misfits(), *odd])

    def numbers(self, kinds: Mapping[str, ColumnType]) -> dict[str, pl.DataType]:
        """The columns whose texts are numbers as programs write them, and nothing else."""
        return {
            name: DTYPES[kind]
            for name, kind in kinds.items()
            if kind in _NUMERIC and not (self._foreign or self._markers(name) or name in self._deferred)
        }

    @property
    def _foreign(self) -> bool:
        """Whether numbers are not written as programs write them."""
        return self.settings.decimal != "." or self.settings.thousands is not None

    def _plain_numerals(self, given: pl.Series) -> pl.Series:
        if given.dtype != pl.String or not self._foreign:
            return given
        return plain_numerals(given, self.settings.decimal, self.settings.thousands)

    def _readable(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with plain numerals where all texts of a column are numbers, for inference."""
        if not self._foreign:
            return frame
        columns = []
        for given in frame.get_columns():
            markers = self._markers(given.name)
            present = given.set(is_marker(given, markers), None) if markers else given
            numbers = self._plain_numerals(present)
            columns.append(numbers if numbers.null_count() == present.null_count() else _no_numbers(present))
        return pl.DataFrame(columns)

    @cached_property
    def _deferred(self) -> frozenset[str]:
        """Columns whose texts cleaning types, because the settings state a format, or a type and markers."""
        stated = self.settings.columns.items()
        return frozenset(
            name
            for name, column in stated
            if column.worded
            or (column.type is not None and self._markers(name) and not (self._foreign and column.type in _NUMERIC))
        )

    def _without_markers(self, given: pl.Series, kind: ColumnType) -> pl.Series:
        """`given` with null for the markers of a column whose type was inferred without them."""
        markers = self._markers(given.name)
        if not markers or kind == "text" or given.dtype != pl.String or given.name in self._deferred:
            return given
        return given.set(is_marker(given, markers), None)

    def _markers(self, name: str) -> tuple[str, ...]:
        column = self.settings.columns.get(name)
        return (*self.settings.missing, *(column.missing if column else ()))


def _no_numbers(texts: pl.Series) -> pl.Series:
    """`texts`, or words in their place where they only look like numbers because they are in another notation."""
    return pl.Series(texts.name, ["text"] * len(texts)) if kind_of(texts) in _NUMERIC else texts


def _only(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The columns of these names that are there."""
    here = set(frame.columns)
    return frame.select(name for name in names if name in here)
