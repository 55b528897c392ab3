"""The float32 matrix one member sees, as values of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from millrace.errors import PackageError
from millrace.package.encoders import components, lookups, numbers, periods, words
from millrace.package.encoders.base import Part, columns
from millrace.package.encoders.lookups import Codes
from millrace.package.nodes import Nodes
from millrace.records.encoding import (
    ComponentsEncoding,
    Encoding,
    LookupEncoding,
    NumberEncoding,
    PeriodEncoding,
    WordsEncoding,
)
from millrace.records.fit import Member
from millrace.records.signature import Signature


class Inputs:
    """The graph's inputs: where each column stands in ``numbers`` and ``texts``, and the texts as codes."""

    def __init__(self, nodes: Nodes, signature: Signature, members: Sequence[Member]) -> None:
        self.nodes = nodes
        self.numbers = {field.name: i for i, field in enumerate(signature.numbers)}
        self.texts = {field.name: i for i, field in enumerate(signature.texts)}
        encodings = [encoding for member in members for encoding in member.encodings]
        for encoding in encodings:
            self._check(encoding)
        found = [encoding for encoding in encodings if isinstance(encoding, LookupEncoding)]
        self.codes = Codes(nodes, found, self.texts)

    def _check(self, encoding: Encoding) -> None:
        known = self.texts if isinstance(encoding, LookupEncoding | WordsEncoding) else self.numbers
        for column in set(encoding.columns) - known.keys():
            raise PackageError(
                f"{type(encoding).__name__} of column {column!r} does not fit the signature.",
                where="package",
                code="package.signature",
                allowed=list(known),
            )


class Matrix:
    """The encodings of one member. Estimators take what suits them: all of it, or its parts."""

    def __init__(self, inputs: Inputs, encodings: Sequence[Encoding]) -> None:
        self._inputs = inputs
        places = np.cumsum([0, *(encoding.width for encoding in encodings)])
        self.width = int(places[-1])
        placed = [(int(place), encoding) for place, encoding in zip(places[:-1], encodings, strict=True)]
        self._numbers = [(place, found) for place, found in placed if isinstance(found, NumberEncoding)]
        self._components = [(place, found) for place, found in placed if isinstance(found, ComponentsEncoding)]
        self._periods = [(place, found) for place, found in placed if isinstance(found, PeriodEncoding)]
        self._words = [(place, found) for place, found in placed if isinstance(found, WordsEncoding)]
        self.lookups = [(place, found) for place, found in placed if isinstance(found, LookupEncoding)]

    @property
    def nodes(self) -> Nodes:
        """Where nodes are written."""
        return self._inputs.nodes

    @property
    def rows(self) -> str:
        """How many rows there are, int64 ``[1]``."""
        return self.nodes.add("Shape", "numbers" if self._inputs.numbers else "texts", start=0, end=1)

    @property
    def codes(self) -> Codes:
        """The texts as codes."""
        return self._inputs.codes

    @cached_property
    def numeric(self) -> Part | None:
        """All columns but the looked-up ones, float32."""
        parts: tuple[Part, ...] = ()
        if self._numbers:
            parts += numbers.write(self.nodes, self._numbers, self._inputs.numbers)
        if self._components:
            parts += components.write(self.nodes, self._components, self._inputs.numbers)
        if self._periods:
            parts += periods.write(self.nodes, self._periods, self._inputs.numbers)
        if self._words:
            parts += words.write(self.nodes, self._words, self._inputs.texts)
        return _joined(self.nodes, parts) if parts else None

    @cached_property
    def whole(self) -> Part:
        """All columns, in whatever order is cheapest."""
        parts: tuple[Part, ...] = (self.numeric,) if self.numeric else ()
        if self.lookups:
            parts += lookups.write(self.nodes, self.lookups, self.codes)
        return _joined(self.nodes, parts)

    @cached_property
    def ordered(self) -> str:
        """All columns in the order the estimator was fitted on, float32 ``[rows, width]``."""
        places = self.whole.places
        return columns(self.nodes, self.whole.value, [places.index(i) for i in range(self.width)], self.width)


def _joined(nodes: Nodes, parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    value = nodes.add("Concat", *(part.value for part in parts), axis=1)
    return Part(value, tuple(place for part in parts for place in part.places))
