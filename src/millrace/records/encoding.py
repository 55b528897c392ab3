"""How a raw column becomes numbers: fitted on training rows alone, applied in training and in the graph alike.

Each record is data. `train.encode` fits and applies them with NumPy; `package.graph` writes them as ONNX operators.
The results must agree bit by bit, so both follow the order of operations stated here, in float32 from `cast` on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberEncoding:
    """A numeric column as one float32 column, and a second one that says where it was missing.

    Order: clip to [low, high] (NaN stays) → replace NaN by `fill` (None leaves NaN for models that take it)
    → raise to `power` as Yeo & Johnson (2000) do (None does not; it is neither 0 nor 2) → subtract `center` → multiply
    by `factor`, all in float64 → cast to float32. With `indicator`, a column that is 1.0
    where the input was NaN follows.
    """

    column: str
    fill: float | None = None
    indicator: bool = False
    center: float = 0.0
    factor: float = 1.0
    low: float | None = None
    high: float | None = None
    power: float | None = None

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return 2 if self.indicator else 1


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
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.vocabulary)


Encoding = NumberEncoding | LookupEncoding | PeriodEncoding | WordsEncoding
