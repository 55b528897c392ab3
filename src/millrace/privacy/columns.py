"""The `pii` rules of a source, applied to columns: each value once, however often it occurs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from millrace.privacy.keys import Keys, keys_from
from millrace.privacy.methods import KEYLESS, METHODS, REVERSIBLE, Method, sealing, unsealing

if TYPE_CHECKING:
    import polars as pl

#: Stands where a line that could not be read is not kept.
WITHHELD = "withheld: the source has `pii`; the line is the one of this number in its origin"


@dataclass(frozen=True, slots=True)
class Privacy:
    """How each personal column is protected; `words` are those of the project file, `key` the id of the hashing key."""

    words: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    keys: Keys | None = None

    def __bool__(self) -> bool:
        return bool(self.words)

    @property
    def dropped(self) -> frozenset[str]:
        """The columns of which nothing is kept."""
        return frozenset(column for column, word in self.words.items() if word == "drop")

    @property
    def opaque(self) -> frozenset[str]:
        """The columns whose values cannot be had back."""
        return frozenset(column for column, word in self.words.items() if word not in REVERSIBLE)

    @property
    def key(self) -> str:
        """The id of the key that hashes; empty where nothing is hashed."""
        return self.keys.hashing.id if self.keys and "hash" in self.words.values() else ""

    def schema(self, plain: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
        """The dtypes of the columns after protection."""
        import polars as pl

        kept = {column: dtype for column, dtype in plain.items() if column not in self.dropped}
        return {column: pl.String() if column in self.words else dtype for column, dtype in kept.items()}

    def protect(self, frame: pl.DataFrame, *, keep_dropped: bool = False) -> pl.DataFrame:
        """The frame with its personal columns protected; those dropped are gone, or null with `keep_dropped`."""
        if not self.words:
            return frame
        done = frame.with_columns(
            protected(frame[column], method) for column, method in self.methods.items() if column in frame.columns
        )
        return done if keep_dropped else done.drop(self.dropped, strict=False)

    def reveal(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with what was encrypted readable again; text columns only. Raises `DataError`."""
        import polars as pl

        if self.keys is None or not REVERSIBLE & set(self.words.values()):
            return frame
        open_ = unsealing(self.keys)
        return frame.with_columns(
            protected(frame[name], open_) for name, kind in frame.schema.items() if kind == pl.String
        )

    def unread(self, refused: pl.DataFrame) -> pl.DataFrame:
        """What a reader could not parse, without what it says: sealed where the source encrypts, else withheld.

        `refused` has line, column, reason and raw, as in a `Batch`; the reason may quote values, so it goes too.
        """
        import polars as pl

        if not self.words or refused.is_empty():
            return refused
        if self.keys is not None and REVERSIBLE & set(self.words.values()):
            seal = sealing(self.keys)
            return refused.with_columns(protected(refused["reason"], seal), protected(refused["raw"], seal))
        return refused.with_columns(
            pl.lit("the line could not be read as a row").alias("reason"), pl.lit(WITHHELD).alias("raw")
        )


def privacy(words: Mapping[str, str], environ: Mapping[str, str], where: str) -> Privacy:
    """The rules that `words` state, column by column.

    Raises `ProjectFileError` when a key is needed and not in `environ`, `MissingExtraError` when encryption needs a
    library that is not here.

    Examples
    --------
    >>> import polars as pl
    >>> rules = privacy({"phone": "mask", "name": "drop"}, {}, "sources.customers")
    >>> rules.protect(pl.DataFrame({"id": [1, 2], "phone": ["0207 946 001", None], "name": ["Ada", "Bob"]})).rows()
    [(1, '**** **6 001'), (2, None)]
    """
    if set(words.values()) <= KEYLESS:
        return Privacy(dict(words), {column: METHODS[word](Keys(())) for column, word in words.items()})
    keys = keys_from(environ, f"{where}.pii")
    return Privacy(dict(words), {column: METHODS[word](keys) for column, word in words.items()}, keys)


def protected(values: pl.Series, method: Method) -> pl.Series:
    """The values as texts, each different one protected once; null stays null."""
    import polars as pl

    texts = canonical(values)
    different = texts.drop_nulls().unique()
    if different.is_empty():
        return texts
    done = pl.Series([method(text) for text in different.to_list()], dtype=pl.String)
    return texts.replace_strict(different, done, default=None, return_dtype=pl.String)


def canonical(values: pl.Series) -> pl.Series:
    """Values as texts that are the same in every source: 7, 7.0 and "7" give ``7``; dates are ISO 8601."""
    import polars as pl

    texts = values.cast(pl.String)
    return texts.str.strip_suffix(".0") if values.dtype.is_float() else texts
