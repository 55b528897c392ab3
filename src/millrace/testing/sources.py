"""What every source promises, as a test class to inherit.

class TestMySource(SourceContract):
    def open(self):
        return MySource(...)     # at least two batches, some rows that cannot be parsed
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from typing import Any

import polars as pl

from millrace.records.batch import Batch, Position
from millrace.sources.base import Divisible, Source, refused
from millrace.sources.column_types import DTYPES


class SourceContract:
    """The obligations of `millrace.sources.base.Source`; a test runner finds them in a subclass named ``Test…``."""

    def open(self) -> Source:
        """A newly opened source, always over the same rows."""
        raise NotImplementedError

    def test_it_gives_several_batches(self) -> None:
        """A suite over one batch would prove little."""
        assert len(read(self.open())) > 1, "one batch only: let `open` give a source of several"

    def test_every_frame_has_the_columns_of_the_schema_in_order(self) -> None:
        """Columns, order and dtypes are those that `schema` announces."""
        source = self.open()
        schema = source.schema()
        for batch in read(source):
            assert batch.frame.columns == list(schema), f"columns {batch.frame.columns}, schema {list(schema)}"
            for name, kind in schema.items():
                dtype = batch.frame.schema[name]
                assert dtype in {DTYPES[kind], pl.String()}, f"`{name}` is {dtype}, announced as {kind}"

    def test_every_refusal_says_where_and_why(self) -> None:
        """Refused rows come with line, column, reason and raw text."""
        for batch in read(self.open()):
            assert batch.refused.schema == refused().schema, f"refusals have columns {batch.refused.schema}"
            assert batch.refused["reason"].null_count() == 0, "a refusal has no reason"
            assert batch.refused["raw"].null_count() == 0, "a refusal has no raw text"

    def test_reading_again_gives_the_same(self) -> None:
        """Two readings from the start agree batch by batch."""
        assert_same(read(self.open()), read(self.open()))

    def test_a_reading_continues_exactly_behind_every_position(self) -> None:
        """After each batch, a new process that knows only the position (as JSON) gives the remaining batches."""
        whole = read(self.open())
        for count, batch in enumerate(whole, 1):
            position = json.loads(json.dumps(batch.position))
            assert_same(read(self.open(), position), whole[count:])

    def test_rows_are_numbered_without_gaps(self) -> None:
        """Within an origin, `first_row` counts on from the rows before."""
        following: dict[str, int] = {}
        for batch in read(self.open()):
            expected = following.get(batch.origin, 1)
            assert batch.first_row == expected, f"{batch.origin}: row {expected} is called {batch.first_row}"
            following[batch.origin] = batch.first_row + batch.frame.height

    def test_the_last_position_leaves_nothing_to_read(self) -> None:
        """A source that has been read to its end gives no batch again."""
        last = read(self.open())[-1].position
        assert read(self.open(), last) == [], "batches follow the last position"

    def test_parts_read_elsewhere_give_the_whole(self) -> None:
        """If the source can be divided, parts that went through pickle give its batches, from every position on."""
        whole = read(self.open())
        for count, start in enumerate([None, *(batch.position for batch in whole)]):
            source = self.open()
            if isinstance(source, Divisible):
                found = (_carried(one) for part in source.parts(start) for one in _carried(part).read())
                assert_same(list(source.joined(start, found)), whole[count:])

    def test_the_schema_is_the_same_each_time(self) -> None:
        """Types that a source infers do not depend on when it is opened."""
        assert self.open().schema() == self.open().schema(), "two openings give two schemas"


def _carried(made: Any) -> Any:
    """`made` as it arrives in another process."""
    return pickle.loads(pickle.dumps(made))  # noqa: S301 - made here


def read(source: Source, after: Position | None = None) -> list[Batch]:
    """Every batch behind `after`."""
    return list(source.batches(after))


def assert_same(found: Sequence[Batch], expected: Sequence[Batch]) -> None:
    """Fail unless both readings are equal in rows, refusals, origins, numbers and positions."""
    assert len(found) == len(expected), f"{len(found)} batches where {len(expected)} are expected"
    for number, (one, other) in enumerate(zip(found, expected, strict=True), 1):
        assert _parts(one) == _parts(other), f"batch {number} differs: {_parts(one)} where {_parts(other)} is expected"


def _parts(batch: Batch) -> tuple[Any, ...]:
    rows, refusals = batch.frame.rows(), batch.refused.rows()
    odd = batch.misfits.rows() if batch.misfits is not None else []
    return batch.frame.columns, rows, odd, refusals, batch.origin, batch.first_row, json.dumps(batch.position)
