"""The models that are tried, in the order in which they are worth the time.

A short portfolio comes before any search: most of what a search would find is bought by a few unlike configurations and
their blend (Salinas & Erickson, TabRepo, 2024). Where they are asked for, boosted trees drawn at random follow
(Bergstra & Bengio, Random search for hyper-parameter optimization, 2012).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from millrace.config.models import Range, Wanted, parse_models
from millrace.config.schema import ModelSettings
from millrace.train.models import bayes, boosted, linear, registry, trees
from millrace.train.models.base import Candidate, Problem, Settings

#: More would choose by chance what seems best.
MAX_CANDIDATES = 100


def portfolio(problem: Problem) -> tuple[Candidate, ...]:
    """The candidates for a task, in order: a linear one first, because it is cheap and hard to fool.

    Texts are for linear models of many words, and for naive Bayes; the other models see the other columns.
    """
    words = [field.type == "text" for field in problem.signature.inputs]
    of_words: list[Candidate] = []
    if any(words):
        counted = (bayes.OF_WORDS,) if problem.classes else ()
        of_words = [one for family in (*counted, linear.of_words(problem)) for one in _presets(family, problem)]
    if all(words):
        return tuple(of_words)
    light, firm = _presets(linear.LINEAR, problem)
    grown = _presets(boosted.FAMILY, problem)
    forests = [one for family in (trees.EXTRA_TREES, trees.RANDOM_FOREST) for one in _presets(family, problem)]
    return (*of_words, light, *grown[:2], *forests, firm, *grown[2:])


def asked(wanted: Sequence[Wanted], problem: Problem) -> tuple[Candidate, ...]:
    """The models that a project file names: with its settings, or where it states none with those worth trying."""
    found: list[Candidate] = []
    for one in wanted:
        family = registry.family(one, problem)
        if one.settings and one.fixed:
            found.append(configured(one, one.settings, problem))
        else:
            found += _presets(family, problem)
    return tuple(found)


def yardstick(problem: Problem) -> Candidate:
    """A model that a person can read, to hold others against: the first linear one."""
    return asked((Wanted("linear", {}),), problem)[0]


def configured(wanted: Wanted, settings: Mapping[str, Any], problem: Problem, label: str = "") -> Candidate:
    """A model with these settings; those that are left open are the ones of its first preset."""
    family = registry.family(Wanted(wanted.model, dict(settings)), problem)
    usual = next(iter(family.presets.values()))
    told = ", ".join(f"{name} {_short(value)}" for name, value in settings.items())
    return family.candidate(problem, label or told, {**usual, **settings})


def candidates(problem: Problem, settings: ModelSettings) -> Iterator[Candidate]:
    """The portfolio, then where asked boosted trees drawn at random, the same ones for the same seed; at most 100."""
    wanted = parse_models(settings.models)
    first = asked(wanted, problem) if wanted else portfolio(problem)
    yield from first
    if settings.search == "random":
        spaces = [one for one in wanted if not one.fixed] or wanted or _searchable(problem)
        draw = np.random.default_rng(problem.seed)
        for number in range(MAX_CANDIDATES - len(first)) if spaces else ():
            one = spaces[number % len(spaces)]
            yield configured(one, _drawn(draw, one), problem, f"drawn {number // len(spaces) + 1}")


def _presets(family: Any, problem: Problem) -> list[Candidate]:
    return [family.candidate(problem, label, settings) for label, settings in family.presets.items()]


def _searchable(problem: Problem) -> tuple[Wanted, ...]:
    """What is searched where the project file names no model."""
    return () if all(field.type == "text" for field in problem.signature.inputs) else (Wanted("lightgbm", {}),)


def _drawn(draw: np.random.Generator, wanted: Wanted) -> Settings:
    """One point of the space: sizes and rates by their logarithm."""
    found: dict[str, Any] = {}
    for name, value in wanted.space().items():
        if isinstance(value, tuple):
            found[name] = value[int(draw.integers(len(value)))]
        elif isinstance(value, Range):
            ends = np.log([value.low, value.high]) if value.log else np.array([value.low, value.high])
            one = float(draw.uniform(*ends))
            one = float(np.exp(one)) if value.log else one
            found[name] = round(one) if value.whole else one
        else:
            found[name] = value
    return found


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
