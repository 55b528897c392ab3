"""How a raw column becomes numbers: fitted on training rows alone, applied in training and in the graph alike.

Each record is data. `train.encode` fits and applies them with NumPy; `package.graph` writes them as ONNX operators.
The results must agree bit by bit, so both follow the order of operations stated here, in float32 from `cast` on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class NumberEncoding:
    """A numeric column as one float32 column, and a second one that says where it was missing.

    Order: clip to [low, high] (NaN stays) → replace NaN by `fill` (None leaves NaN for models that take it)
    → raise to `power` as Yeo & Johnson (2000) do (None does not; it is neither 0 nor 2), or go from value to score
    straight between neighbouring `knots` and no farther than the outermost → subtract `center` → multiply
    by `factor`, all in float64 → cast to float32. With `indicator`, a column that is 1.0
    where the input was NaN follows.

    With `until`, the input is the time from the date `column` to the date `until`, in days: the latter times the second
    of `units` minus the former times the first, which are days per unit of each.
    """

    column: str
    fill: float | None = None
    indicator: bool = False
    center: float = 0.0
    factor: float = 1.0
    low: float | None = None
    high: float | None = None
    power: float | None = None
    knots: tuple[tuple[float, float], ...] = ()
    until: str | None = None
    units: tuple[float, float] = (1.0, 1.0)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return (self.column,) if self.until is None else (self.column, self.until)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return 2 if self.indicator else 1


@dataclass(frozen=True, slots=True, eq=False)
class ComponentsEncoding:
    """Numeric columns as their principal components (Pearson, 1901; Hotelling, 1933).

    The numbers as `NumberEncoding` states them up to the cast, float64 ``[rows, numbers]``, times `axes`, float64
    ``[numbers, components]`` → cast to float32. What indicators the numbers have follows.
    """

    numbers: tuple[NumberEncoding, ...]
    axes: np.ndarray

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return tuple(column for number in self.numbers for column in number.columns)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return int(self.axes.shape[1]) + sum(number.indicator for number in self.numbers)


@dataclass(frozen=True, slots=True)
class LookupEncoding:
    """A text column as a row of a table: one-hot, ordinal, frequency and target encoding are all this.

    `rows[i]` belongs to `categories[i]`; `missing` to the empty string; `unseen` to everything else. All float32.
    """

    column: str
    categories: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    missing: tuple[float, ...]
    unseen: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it is made of."""
        return (self.column,)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.unseen)


@dataclass(frozen=True, slots=True)
class PeriodEncoding:
    """A date or datetime column as a part of it: sine and cosine of its phase in a period of `seconds`.

    Missing gives (0, 0). The input is in `unit` seconds: 86400 for dates (days), 1 for datetimes.
    """

    column: str
    seconds: float
    unit: float = 1.0
    width: int = 2

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it is made of."""
        return (self.column,)


@dataclass(frozen=True, slots=True)
class WordsEncoding:
    """A text column as TF-IDF of its words and pairs of neighbouring words (Spärck Jones, 1972; Salton, 1988).

    The column enters as `inference.words.plain_words` gives it. Each of `vocabulary` is a word, or two joined by a
    space. Where it occurs c times its column is (1 + ln c) times its `idf`, in float32; rows are then divided by their
    length. A text without known words gives zeros.
    """

    column: str
    vocabulary: tuple[str, ...]
    idf: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it is made of."""
        return (self.column,)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.vocabulary)


Encoding = NumberEncoding | ComponentsEncoding | LookupEncoding | PeriodEncoding | WordsEncoding
