"""The models that are tried, in the order in which they are worth the time.

A short portfolio comes before any search: most of what a search would find is bought by a few unlike configurations and
their blend (Salinas & Erickson, TabRepo, 2024). Where they are asked for, boosted trees drawn at random follow
(Bergstra & Bengio, Random search for hyper-parameter optimization, 2012), or another search of `train.search`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from millrace.config.models import Wanted, parse_models
from millrace.config.schema import ModelSettings
from millrace.train import search
from millrace.train.models import bayes, boosted, linear, registry, trees
from millrace.train.models.base import Candidate, Problem

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
    few = linear.of_few(problem)
    forests = [one for family in (trees.EXTRA_TREES, trees.RANDOM_FOREST) for one in _presets(family, problem)]
    return (*of_words, light, *grown[:2], *few, *forests, firm, *grown[2:])


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


class Candidates:
    """The models to try, in order: the portfolio or those that are named, then what the search asks for.

    A search that learns is told of every score by `told`. The same seed, and the same scores, give the same models; of
    those drawn there are at most 100 in all.
    """

    def __init__(self, problem: Problem, settings: ModelSettings, *, higher_is_better: bool = True) -> None:
        self._problem, self._search = problem, settings.search
        self._higher = higher_is_better
        self._wanted = parse_models(settings.models)
        self._tell: search.Told | None = None
        self._numbers: dict[str, int] = {}

    def __iter__(self) -> Iterator[Candidate]:
        """Each candidate once."""
        first = self._first()
        yield from first
        spaces = [one for one in self._wanted if not one.fixed] or self._wanted or _searchable(self._problem)
        if self._search == "portfolio" or not spaces:
            return
        if self._search == "grid":
            yield from self._searched(search.grid(spaces))
            return
        points = search.drawn(spaces, self._problem.seed)
        if self._search == "bayesian":
            points, self._tell = search.bayesian(spaces, self._problem.seed, higher_is_better=self._higher)
        yield from islice(self._searched(points, "drawn"), max(0, MAX_CANDIDATES - len(first)))

    def told(self, candidate: Candidate, score: float) -> None:
        """Hear what a candidate was worth."""
        if self._tell is not None and candidate.name in self._numbers:
            self._tell(self._numbers[candidate.name], score)

    def _first(self) -> tuple[Candidate, ...]:
        """What is tried before any search; a grid of models is tried alone."""
        if not self._wanted:
            return portfolio(self._problem)
        fixed = [one for one in self._wanted if one.fixed]
        if self._search == "grid":
            return asked(fixed, self._problem)
        return asked(self._wanted, self._problem)

    def _searched(self, points: Iterable[search.Point], label: str = "") -> Iterator[Candidate]:
        seen: Counter[str] = Counter()
        for number, (wanted, settings) in enumerate(points):
            seen[wanted.model] += 1
            named = f"{label} {seen[wanted.model]}" if label else ""
            one = replace(configured(wanted, settings, self._problem, named), searched=True)
            self._numbers[one.name] = number
            yield one


def _presets(family: Any, problem: Problem) -> list[Candidate]:
    return [family.candidate(problem, label, settings) for label, settings in family.presets.items()]


def _searchable(problem: Problem) -> tuple[Wanted, ...]:
    """What is searched where the project file names no model."""
    return () if all(field.type == "text" for field in problem.signature.inputs) else (Wanted("lightgbm", {}),)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
