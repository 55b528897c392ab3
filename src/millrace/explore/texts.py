"""What texts look like beyond their most frequent values: how long they are, their words, their shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

_SAMPLE = 50_000
_WORDS = 6
_SHAPES = 3
_RARE = 0.01


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: lengths in letters, the most frequent words and shapes with their share of the texts.

    A shape writes ``A`` for letters and ``9`` for digits, ``AA-9999``; `empty` counts texts of blanks alone.
    """

    name: str
    shortest: int
    middle: int
    longest: int
    empty: int
    words: tuple[tuple[str, float], ...]
    shapes: tuple[tuple[str, float], ...]


def texts(series: pl.Series) -> Texts | None:
    """The facts of a column of texts, words and shapes of at most 50,000 of them; None when none is there.

    Examples
    --------
    >>> texts(pl.Series("plate", ["HH-12", "B-7", "HB-90"])).shapes[0]
    ('A-9', 1.0)
    """
    present = series.drop_nulls().cast(pl.String)
    if present.is_empty():
        return None
    lengths = present.str.len_chars().to_numpy()
    sample = present.sample(_SAMPLE, seed=0) if len(present) > _SAMPLE else present
    words = sample.str.to_lowercase().str.extract_all(r"\pL{3,}").list.unique()
    shapes = sample.str.replace_all(r"\pL+", "A").str.replace_all(r"[0-9]+", "9")
    return Texts(
        name=series.name,
        shortest=int(lengths.min()),
        middle=int(np.median(lengths)),
        longest=int(lengths.max()),
        empty=int((present.str.strip_chars() == "").sum()),
        words=_most(words.explode(empty_as_null=True, keep_nulls=True).drop_nulls(), len(sample), _WORDS),
        shapes=_most(shapes, len(sample), _SHAPES),
    )


def _most(values: pl.Series, of: int, count: int) -> tuple[tuple[str, float], ...]:
    counted = values.rename("v").value_counts(name="rows").sort(["rows", "v"], descending=[True, False]).head(count)
    return tuple((str(value), rows / of) for value, rows in counted.iter_rows() if rows >= _RARE * of)
