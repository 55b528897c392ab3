"""Searches on request: every point of a declared space, points drawn at random, or where earlier ones did well.

A space is what the project file states of its models, or the usual ends of their settings where it states none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, product
from typing import Any

import numpy as np

from millrace.config.models import Range, Wanted
from millrace.errors import MissingExtraError
from millrace.train.models.base import Settings

Point = tuple[Wanted, Settings]
#: Told what a point was worth: its number from 0 on, and its score.
Told = Callable[[int, float], None]


def grid(spaces: Sequence[Wanted]) -> Iterator[Point]:
    """Every combination of the values that each model lists, the last setting changing first.

    Examples
    --------
    >>> [settings for _, settings in grid([Wanted("svm", {"C": (1, 10), "kernel": "rbf"})])]
    [{'C': 1, 'kernel': 'rbf'}, {'C': 10, 'kernel': 'rbf'}]
    """
    for one in spaces:
        values = [value if isinstance(value, tuple) else (value,) for value in one.space().values()]
        for chosen in product(*values):
            yield one, dict(zip(one.space(), chosen, strict=True))


def drawn(spaces: Sequence[Wanted], seed: int) -> Iterator[Point]:
    """Points of each model in turn, sizes and rates by their logarithm (Bergstra & Bengio, 2012); without an end."""
    draw = np.random.default_rng(seed)
    for number in count():
        one = spaces[number % len(spaces)]
        yield one, {name: _one(draw, value) for name, value in one.space().items()}


def _one(draw: np.random.Generator, value: Any) -> Any:
    if isinstance(value, tuple):
        return value[int(draw.integers(len(value)))]
    if not isinstance(value, Range):
        return value
    ends = np.log([value.low, value.high]) if value.log else np.array([value.low, value.high])
    found = float(draw.uniform(*ends))
    found = float(np.exp(found)) if value.log else found
    return round(found) if value.whole else found


def bayesian(spaces: Sequence[Wanted], seed: int, *, higher_is_better: bool) -> tuple[Iterator[Point], Told]:
    """Points where earlier ones did well (tree-structured Parzen estimator; Bergstra et al., 2011), and who to tell.

    The same seed and the same scores give the same points. Raises `MissingExtraError` without Optuna.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "The bayesian search needs Optuna.", where="model.search", next_step="pip install 'millrace[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if higher_is_better else "minimize", sampler=optuna.samplers.TPESampler(seed=seed)
    )

    def points() -> Iterator[Point]:
        for _ in count():
            trial = study.ask()
            place = trial.suggest_categorical("model", list(range(len(spaces)))) if len(spaces) > 1 else 0
            yield spaces[place], _suggested(trial, place, spaces[place].space())

    def told(number: int, score: float) -> None:
        if np.isfinite(score):
            study.tell(number, score)
        else:
            study.tell(number, state=optuna.trial.TrialState.FAIL)

    return points(), told


def _suggested(trial: Any, place: int, space: Mapping[str, Any]) -> Settings:
    found: dict[str, Any] = {}
    for name, value in space.items():
        key = f"{place}.{name}"
        if isinstance(value, tuple):
            found[name] = trial.suggest_categorical(key, list(value))
        elif isinstance(value, Range) and value.whole:
            found[name] = trial.suggest_int(key, int(value.low), int(value.high), log=value.log)
        elif isinstance(value, Range):
            found[name] = trial.suggest_float(key, value.low, value.high, log=value.log)
        else:
            found[name] = value
    return found
