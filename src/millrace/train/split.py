"""Which rows judge a model, and which rows of the others take turns in validation.

Rows are ordered by a hash of what the model sees of them, so the split needs no random numbers and no memory: the
same row falls on the same side again when the table is read in another order or has grown, and exact duplicates
fall on one side. The one exception is the boundary: the test part is the lowest share of hashes *within each class*,
so when a class grows its cut moves a little, and rows whose hash lies between the old and the new cut change sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import polars as pl

from millrace.config.schema import SplitSettings
from millrace.errors import TrainingError, nearest
from millrace.records.signature import Field
from millrace.train.encode import numbers, texts

Keys = np.ndarray
Rows = np.ndarray
Folds = list[tuple[Rows, Rows]]
Mask = np.ndarray
_PARTS = {"train": 0, "validation": 1, "test": 2}


def order_keys(frame: pl.DataFrame, fields: Sequence[Field], split: SplitSettings) -> Keys:
    """Where each row stands in the order of splitting, float64 ``[rows]``; the lowest are the test part.

    The hash of the inputs, or of the group's value; with a time column the time itself, latest first.

    Raises
    ------
    TrainingError
        The time or group column is absent, or the time column holds no times or numbers.
    """
    for option, name in (("time", split.time), ("group", split.group), ("column", split.column)):
        if name is not None and name not in frame.columns:
            raise TrainingError(
                f"There is no column `{name}` to split by.",
                where=f"model.split.{option}",
                code="train.split",
                allowed=frame.columns,
                nearest=nearest(name, frame.columns),
            )
    if split.time is not None:
        return -_moments(frame, split.time)
    if split.group is not None:
        return _hashes([text.encode() for text in texts(frame, split.group)])
    return _hashes(_row_bytes(frame, fields))


def sealed(keys: Keys, strata: Rows, share: float) -> Mask:
    """Which rows are kept apart: of each stratum the `share` with the lowest keys, ties staying together.

    Raises
    ------
    TrainingError
        One side would be empty, because nearly all rows are equal.

    Examples
    --------
    >>> sealed(np.array([0.1, 0.9, 0.2, 0.8]), np.array([0, 0, 1, 1]), 0.5).tolist()
    [True, False, True, False]
    """
    mask = np.zeros(len(keys), dtype=bool)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        mask[rows[_shares(keys[rows]) < share]] = True
        if mask[rows].all():
            mask[rows] = False
    if mask.all() or not mask.any():
        raise TrainingError(
            "The rows cannot be split into a training and a test part: too many of them are equal.",
            where="model.split",
            code="train.split",
        )
    return mask


def given(frame: pl.DataFrame, column: str) -> Rows:
    """The part that a column says each row is in: int64, 0 train, 1 validation, 2 test.

    Raises
    ------
    TrainingError
        It says something else.

    Examples
    --------
    >>> given(pl.DataFrame({"part": ["train", "Test", "validation"]}), "part").tolist()
    [0, 2, 1]
    """
    said = texts(frame, column).str.strip_chars().str.to_lowercase()
    strange = said.filter(~said.is_in(list(_PARTS)))
    if len(strange):
        raise TrainingError(
            f"`{column}` says `{strange[0]}` of a row.",
            where="model.split.column",
            code="train.split",
            allowed=list(_PARTS),
        )
    return said.replace_strict(_PARTS, return_dtype=pl.Int64).to_numpy()


def before(keys: Keys, held: Mask, gap: float) -> Mask:
    """Rows less than `gap` before the earliest held row, by keys of a time split; none without a gap.

    Examples
    --------
    >>> before(np.array([-1.0, -2.0, -3.0, -9.0]), np.array([False, False, False, True]), 7).tolist()
    [False, False, True, False]
    """
    if not gap or not held.any():
        return np.zeros(len(keys), bool)
    return np.asarray(~held & (keys < keys[held].max() + gap))


def dealt_again(keys: Keys, time: int) -> Keys:
    """Another order of the same rows, in which equal keys stay equal; the first one is as it was."""
    return keys if time == 0 else _hashes([key.tobytes() + bytes([time]) for key in keys.astype("<f8")])


def folds(keys: Keys, strata: Rows, count: int) -> Folds:
    """Training and validation row numbers of each fold: every stratum is dealt evenly, ties staying together.

    Validation rows of a stratum that is absent from the training side are left out, and folds with fewer than two
    strata to learn from (of two or more) do not count.
    """
    place = np.zeros(len(keys), dtype=np.int64)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        place[rows] = np.minimum((_shares(keys[rows]) * count).astype(np.int64), count - 1)
    pairs = [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(count)]
    return _learnable(pairs, strata)


def holdout(keys: Keys, strata: Rows, share: float, gap: float = 0.0) -> Folds:
    """One fold whose validation part is the `share` of rows with the lowest keys: the latest, under a time split."""
    held = _shares(keys) < share
    return apart(held, strata, before(keys, held, gap))


def apart(held: Mask, strata: Rows, left_out: Mask | None = None) -> Folds:
    """One fold whose validation part is `held`; rows that are `left_out` are on neither side."""
    learn = ~held if left_out is None else ~held & ~left_out
    return _learnable([(np.flatnonzero(learn), np.flatnonzero(held))], strata)


def _learnable(pairs: Folds, strata: Rows) -> Folds:
    kinds = min(2, len(np.unique(strata)))
    pairs = [(learn, check[np.isin(strata[check], strata[learn])]) for learn, check in pairs]
    return [(learn, check) for learn, check in pairs if len(check) and len(np.unique(strata[learn])) >= kinds]


def _shares(keys: Keys) -> Keys:
    """The share of rows strictly below each key, moved to the middle of its own row so that 0.15 of 10 rows is 2."""
    ordered = np.sort(keys)
    return (np.searchsorted(ordered, keys, side="left") + 0.5) / len(keys)


def _moments(frame: pl.DataFrame, name: str) -> Keys:
    dtype = frame[name].dtype
    if not (dtype.is_numeric() or dtype == pl.Date or isinstance(dtype, pl.Datetime)):
        raise TrainingError(
            f"`{name}` holds {dtype} values, which have no order in time.",
            where="model.split.time",
            code="train.split",
            next_step=f"give `{name}` the type date or datetime under `columns` of its source",
        )
    # Rows without a time count as the oldest: they never enter the test part.
    return np.nan_to_num(numbers(frame, name), nan=-np.inf, neginf=-np.inf, posinf=np.inf)


def _row_bytes(frame: pl.DataFrame, fields: Sequence[Field]) -> list[bytes]:
    """What the model sees of each row, as bytes that do not depend on the version of any library."""
    columns = [numbers(frame, field.name) + 0.0 for field in fields if field.numeric]  # + 0.0 turns -0.0 into 0.0
    matrix = np.column_stack(columns).astype("<f8") if columns else np.empty((frame.height, 0), dtype="<f8")
    matrix[np.isnan(matrix)] = np.nan
    words = [texts(frame, field.name).to_list() for field in fields if not field.numeric]
    joined = ["\x1f".join(row).encode() for row in zip(*words, strict=True)] if words else [b""] * frame.height
    return [row.tobytes() + text for row, text in zip(matrix, joined, strict=True)]


def _hashes(values: Sequence[bytes]) -> Keys:
    """Uniform numbers in [0, 1) that depend on the bytes alone (BLAKE2b)."""
    whole = [int.from_bytes(blake2b(value, digest_size=8).digest(), "big") >> 11 for value in values]
    return np.array(whole, dtype=np.float64) / 2**53
