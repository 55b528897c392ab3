"""The target column: what kind of question it asks, and the answers as class indices or values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from millrace.config.schema import ModelSettings
from millrace.errors import TrainingError, nearest
from millrace.records.signature import Task

#: Whole numbers with at most this many distinct values are read as classes; grades and scores have no more.
MAX_NUMBER_CLASSES = 15
MAX_CLASSES = 200
MIN_ROWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The question and its true answers, parallel to the rows they were read from.

    `truth` is int64 class indices in the order of `classes` (binary: negative, positive), or float64 values.
    """

    task: Task
    classes: tuple[str, ...]
    positive: str | None
    truth: np.ndarray


def answered(frame: pl.DataFrame, settings: ModelSettings) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Keep the rows whose target is known; a note says how many are left out.

    Raises
    ------
    TrainingError
        The target column is absent, or fewer than 20 rows have a target.
    """
    name = settings.predict
    if name not in frame.columns:
        raise TrainingError(
            f"There is no column `{name}` to predict.",
            where="model.predict",
            code="train.no-target",
            allowed=frame.columns,
            nearest=nearest(name, frame.columns),
        )
    known = frame[name].is_not_null()
    if frame[name].dtype.is_float():
        known &= frame[name].is_not_nan().fill_null(False)
    elif frame[name].dtype == pl.String:
        known &= (frame[name] != "").fill_null(False)
    rows = frame.filter(known)
    if rows.height < MIN_ROWS:
        raise TrainingError(
            f"Only {rows.height} rows have a `{name}`; learning and judging need at least {MIN_ROWS}.",
            where="model.predict",
            code="train.too-few-rows",
        )
    left_out = frame.height - rows.height
    notes = (f"{left_out} rows without a `{name}` are left out.",) if left_out else ()
    return rows, notes


def read_target(frame: pl.DataFrame, settings: ModelSettings) -> tuple[Target, tuple[str, ...]]:
    """What kind of question the target asks, its true answers, and what a reader should know about them.

    Texts and booleans are classes; so are whole numbers with at most 15 distinct values. Other numbers are values.
    `settings.task` overrides.

    Raises
    ------
    TrainingError
        The target is constant, is of no usable type, does not fit the task that was asked for, or has too many
        classes; or `settings.positive` is none of the classes.

    Examples
    --------
    >>> frame = pl.DataFrame({"left": ["no", "yes", "no"]})
    >>> target, _ = read_target(frame, ModelSettings(predict="left"))
    >>> target.task, target.classes, target.truth.tolist()
    ('binary', ('no', 'yes'), [0, 1, 0])
    """
    series = frame[settings.predict]
    if series.n_unique() == 1:
        raise _refused(f"`{series.name}` is `{series[0]}` in every row; there is nothing to learn.", "constant-target")
    if settings.task == "regression" or (settings.task == "auto" and not _is_classes(series)):
        return _values(series), ()
    return _classes(_labels(series), settings)


def _is_classes(series: pl.Series) -> bool:
    if series.dtype.is_numeric():
        whole = series.dtype.is_integer() or bool((series == series.round()).all())
        return whole and series.n_unique() <= MAX_NUMBER_CLASSES
    return True


def _values(series: pl.Series) -> Target:
    if not series.dtype.is_numeric():
        raise _refused(f"`{series.name}` holds {series.dtype} values; regression needs numbers.", "target-type")
    values = series.cast(pl.Float64).to_numpy().astype(np.float64)
    if not np.isfinite(values).all():
        raise _refused(f"`{series.name}` holds infinite values.", "target-type")
    return Target("regression", (), None, values)


def _labels(series: pl.Series) -> pl.Series:
    """Class names as a user writes them: ``true``/``false`` for booleans, ``3`` for 3.0."""
    if series.dtype.is_float() and bool((series == series.round()).all()):
        return series.cast(pl.Int64).cast(pl.String)
    if series.dtype.is_nested() or series.dtype.is_temporal():
        raise _refused(f"`{series.name}` holds {series.dtype} values, which are no classes.", "target-type")
    return series.cast(pl.String)


def _classes(labels: pl.Series, settings: ModelSettings) -> tuple[Target, tuple[str, ...]]:
    counts = dict(labels.value_counts().iter_rows())
    if len(counts) > MAX_CLASSES:
        raise _refused(
            f"`{labels.name}` has {len(counts)} distinct values, more than {MAX_CLASSES} classes.", "classes"
        )
    task: Task = "binary" if len(counts) == 2 and settings.task != "multiclass" else "multiclass"
    if settings.task not in ("auto", task):
        raise _refused(f"`{labels.name}` has {len(counts)} classes; {settings.task} needs 2.", "classes")
    names = sorted(counts, key=_class_order)
    positive = None
    if task == "binary":
        positive = _positive(names, counts, settings)
        names.sort(key=lambda name: name == positive)
    alone = [name for name in names if counts[name] < 2]
    notes = tuple(f"Class `{name}` of `{labels.name}` has one row: its quality cannot be judged." for name in alone)
    places = {name: place for place, name in enumerate(names)}
    truth = labels.replace_strict(places, return_dtype=pl.Int64).to_numpy().astype(np.int64)
    return Target(task, tuple(names), positive, truth), notes


def _class_order(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return 0.0, name


def _positive(names: list[str], counts: dict[str, int], settings: ModelSettings) -> str:
    """The class that was asked for; otherwise the rarer one, and of two equal ones the later in order."""
    if settings.positive is None:
        return min(reversed(names), key=lambda name: counts[name])
    asked = str(settings.positive).lower() if isinstance(settings.positive, bool) else str(settings.positive)
    if asked not in names:
        raise TrainingError(
            f"`{asked}` is no class of `{settings.predict}`.",
            where="model.positive",
            code="train.positive",
            allowed=names,
            nearest=nearest(asked, names),
        )
    return asked


def _refused(seen: str, code: str) -> TrainingError:
    return TrainingError(seen, where="model.predict", code=f"train.{code}")
