"""Streams with known drifts, and what a detector makes of them: delay, misses, false alarms.

A stream is rows of a small binary problem, the errors of a model that was right before the drift, and the episodes in
which the inputs or the errors differ from the beginning. The kinds follow the protocol of Cerqueira et al. (2026,
arXiv 2606.07789) and the usual forms of change (Gama et al., 2014, doi 10.1145/2523813). The same seed gives the same
stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from millrace.errors import UsageError, nearest

if TYPE_CHECKING:
    import polars as pl

Rows = np.ndarray
#: How steeply the chance of the class 1 rises with the score: one error in ten is nobody's fault.
_STEEPNESS = 4.0
_BEFORE = np.array([1.0, 1.0, 0.0])
_AFTER = np.array([1.0, -1.0, 0.0])


@dataclass(frozen=True, slots=True)
class Episode:
    """Rows `start` up to, not including, `end`, which differ from the beginning of their stream."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in order, with what is known about them.

    `inputs` is float64 ``[rows, 3]``, with NaN where a value is lost; `truth` int64 ``[rows]`` of 0 and 1; `errors`
    int64 ``[rows]``, 1 where a model of the beginning is wrong. `moved` are the episodes of the inputs, `harmed` those
    of the errors; a seasonal stream has none, as what comes back every season is no drift.
    """

    kind: str
    inputs: Rows
    truth: Rows
    errors: Rows
    moved: tuple[Episode, ...] = ()
    harmed: tuple[Episode, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """The rows as a table: ``a``, ``b``, ``c`` (Float64), ``truth`` (Int64)."""
        import polars as pl

        columns = {name: self.inputs[:, place] for place, name in enumerate("abc")}
        return pl.DataFrame({**columns, "truth": self.truth}).with_columns(pl.col(*columns).fill_nan(None))


@dataclass(frozen=True, slots=True)
class Score:
    """What alarms were worth: `delays` in rows, one for each episode found, and how many episodes were `missed`.

    `repeated` alarms came after the first one of an episode; `false_alarms` came in none, in `calm` rows.
    """

    delays: tuple[int, ...]
    missed: int
    repeated: int
    false_alarms: int
    calm: int

    @property
    def delay(self) -> float:
        """The mean delay in rows; NaN when nothing was found."""
        return float(np.mean(self.delays)) if self.delays else float("nan")

    @property
    def per_10_000(self) -> float:
        """False alarms per 10,000 rows in which nothing differs; NaN when there are no such rows."""
        return 10_000 * self.false_alarms / self.calm if self.calm else float("nan")


def stream(kind: str, *, rows: int = 10_000, at: int | None = None, width: int | None = None, seed: int = 0) -> Stream:
    """A stream of one of `KINDS`, whose drift begins with the row `at` (default: half of `rows`).

    Parameters
    ----------
    width
        How many rows a gradual change takes, or how long one turn of a recurring or seasonal one lasts; default: a
        tenth of `rows`.

    Raises
    ------
    UsageError
        When `kind` is unknown, or `at` and `width` do not fit into `rows`.

    Examples
    --------
    >>> abrupt = stream("abrupt", rows=2000, at=1500, seed=7)
    >>> abrupt.harmed
    (Episode(start=1500, end=2000),)
    >>> bool(abrupt.errors[:1500].mean() < 0.2 < abrupt.errors[1500:].mean())
    True
    """
    if kind not in KINDS:
        raise UsageError(
            f"`{kind}` is no kind of stream.", where="stream", allowed=sorted(KINDS), nearest=nearest(kind, KINDS)
        )
    at, width = rows // 2 if at is None else at, max(rows // 10, 1) if width is None else width
    if not (0 < at < rows and 0 < width <= rows):
        raise UsageError(
            f"A drift at row {at} with a width of {width} does not fit into {rows} rows.",
            where="stream",
            allowed=["0 < at < rows", "0 < width <= rows"],
        )
    return KINDS[kind](np.random.default_rng(seed), rows, at, width)


def alarms(update: Callable[[float], bool], values: Iterable[float]) -> tuple[int, ...]:
    """The rows at which a detector alarms, fed one value after another.

    Examples
    --------
    >>> alarms(lambda value: value > 2, [1, 3, 2, 4])
    (1, 3)
    """
    return tuple(row for row, value in enumerate(values) if update(value))


def score(found: Sequence[int], episodes: Sequence[Episode], rows: int, *, within: int | None = None) -> Score:
    """What alarms at the rows `found` are worth against the true episodes of a stream of `rows` rows.

    The first alarm in an episode finds it; with `within`, only one of its first `within` rows does, and alarms that
    come later in it are repeated ones. Alarms outside all episodes are false.

    Examples
    --------
    >>> outcome = score([40, 130, 150], [Episode(100, 200), Episode(300, 400)], 500)
    >>> outcome.delays, outcome.missed, outcome.repeated, outcome.false_alarms
    ((30,), 1, 1, 1)
    >>> round(outcome.per_10_000, 1)
    33.3
    """
    delays, repeated, inside = [], 0, 0
    for episode in episodes:
        here = sorted(row for row in found if episode.start <= row < episode.end)
        inside += len(here)
        in_time = bool(here) and (within is None or here[0] - episode.start < within)
        repeated += len(here) - in_time
        if in_time:
            delays.append(here[0] - episode.start)
    calm = rows - sum(episode.end - episode.start for episode in episodes)
    return Score(tuple(delays), len(episodes) - len(delays), repeated, len(found) - inside, calm)


def _draw(draw: np.random.Generator, rows: int) -> Rows:
    inputs: Rows = draw.normal(size=(rows, 3))
    return inputs


def _truth(draw: np.random.Generator, inputs: Rows, weights: Rows) -> Rows:
    """0 or 1, by a logistic rule; `weights` is ``[3]`` or, row by row, ``[rows, 3]``."""
    margin = _STEEPNESS * (inputs * weights).sum(axis=1)
    positive: Rows = draw.random(len(inputs)) < 1 / (1 + np.exp(-margin))
    return positive.astype(np.int64)


def _stream(
    kind: str,
    inputs: Rows,
    truth: Rows,
    moved: Sequence[Episode] = (),
    harmed: Sequence[Episode] = (),
) -> Stream:
    said = np.nan_to_num(inputs) @ _BEFORE > 0
    return Stream(kind, inputs, truth, (said != truth).astype(np.int64), tuple(moved), tuple(harmed))


def _concept(kind: str, draw: np.random.Generator, new: Rows, episodes: Sequence[Episode]) -> Stream:
    """A stream whose rule is another where `new`, bool ``[rows]``."""
    inputs = _draw(draw, len(new))
    return _stream(kind, inputs, _truth(draw, inputs, np.where(new[:, None], _AFTER, _BEFORE)), harmed=episodes)


def _none(draw: np.random.Generator, rows: int, _at: int, _width: int) -> Stream:
    return _concept("none", draw, np.zeros(rows, dtype=bool), ())


def _abrupt(draw: np.random.Generator, rows: int, at: int, _width: int) -> Stream:
    return _concept("abrupt", draw, np.arange(rows) >= at, [Episode(at, rows)])


def _gradual(draw: np.random.Generator, rows: int, at: int, width: int) -> Stream:
    chance = np.clip((np.arange(rows) - at) / width, 0, 1)
    return _concept("gradual", draw, draw.random(rows) < chance, [Episode(at, rows)])


def _recurring(draw: np.random.Generator, rows: int, at: int, width: int) -> Stream:
    turns = [Episode(start, min(start + width, rows)) for start in range(at, rows, 2 * width)]
    since = np.arange(rows) - at
    return _concept("recurring", draw, (since >= 0) & (since // width % 2 == 0), turns)


def _seasonal(draw: np.random.Generator, rows: int, _at: int, width: int) -> Stream:
    inputs = _draw(draw, rows)
    inputs[:, 2] += np.sin(2 * np.pi * np.arange(rows) / width)
    return _stream("seasonal", inputs, _truth(draw, inputs, _BEFORE))


def _covariate(draw: np.random.Generator, rows: int, at: int, _width: int) -> Stream:
    inputs = _draw(draw, rows)
    inputs[at:, 2] += 1.0
    return _stream("covariate", inputs, _truth(draw, inputs, _BEFORE), moved=[Episode(at, rows)])


def _label_swap(draw: np.random.Generator, rows: int, at: int, _width: int) -> Stream:
    inputs = _draw(draw, rows)
    truth = _truth(draw, inputs, _BEFORE)
    truth[at:] = 1 - truth[at:]
    return _stream("label_swap", inputs, truth, harmed=[Episode(at, rows)])


def _feature_loss(draw: np.random.Generator, rows: int, at: int, _width: int) -> Stream:
    inputs = _draw(draw, rows)
    truth = _truth(draw, inputs, _BEFORE)
    inputs[at:, 0] = np.nan
    lost = [Episode(at, rows)]
    return _stream("feature_loss", inputs, truth, moved=lost, harmed=lost)


#: What makes each kind of stream, from (random numbers, rows, at, width).
KINDS: Mapping[str, Callable[[np.random.Generator, int, int, int], Stream]] = MappingProxyType(
    {
        "none": _none,
        "abrupt": _abrupt,
        "gradual": _gradual,
        "recurring": _recurring,
        "seasonal": _seasonal,
        "covariate": _covariate,
        "label_swap": _label_swap,
        "feature_loss": _feature_loss,
    }
)
