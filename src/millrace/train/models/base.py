"""What a family of models is, what it learns from, and what a model worth trying is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from millrace.config.features import FeatureSettings
from millrace.errors import MissingExtraError
from millrace.records.encoding import Encoding
from millrace.records.signature import Signature, Task
from millrace.train.encode import Matrix
from millrace.train.recipes import Recipe
from millrace.train.shaping import shaped

Settings = Mapping[str, Any]
#: ``learn(lesson, trees, deadline)`` gives a fitted estimator and the number of trees or passes that did best (0 where
#: there are none); `trees` fixes that number, None lets the check rows decide. `deadline` is a `time.monotonic`.
Learn = Callable[["Lesson", int | None, float], tuple[Any, int]]

EVERY_TASK: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one estimator learns from: a float32 matrix and the truth; and the rows that tell when to stop.

    `weights` float64 ``[rows]``, their mean 1, say how much each row counts; None: all alike. With `threads` more than
    one, LightGBM grows each tree in parallel; the trees are the same. `encodings` made the matrix, in so many
    `seconds`.
    """

    matrix: np.ndarray
    truth: np.ndarray
    check_matrix: np.ndarray | None = None
    check_truth: np.ndarray | None = None
    threads: int = 1
    encodings: tuple[Encoding, ...] = ()
    seconds: float = 0.0
    weights: np.ndarray | None = None

    def part(self, rows: np.ndarray) -> tuple[Matrix, np.ndarray, np.ndarray | None]:
        """The matrix, the truth and the weights of some rows."""
        return self.matrix[rows], self.truth[rows], None if self.weights is None else self.weights[rows]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a model is made for; `moment` is the column that says when a row was, where the rows are split by it."""

    signature: Signature
    metric: str
    seed: int
    features: FeatureSettings = field(default_factory=FeatureSettings)
    moment: str | None = None

    @property
    def classes(self) -> bool:
        """Whether classes are told apart, rather than values predicted."""
        return self.signature.task != "regression"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model worth trying: what it sees, how it learns until a deadline, and with which settings.

    `readable` says that a person can follow how it comes to an answer; `searched`, that a search asked for it, so that
    it is given up early where others did better.
    """

    name: str
    family: str
    recipe: Recipe
    learn: Learn
    settings: Settings = field(default_factory=dict)
    readable: bool = False
    searched: bool = False

    @property
    def key(self) -> str:
        """What tells it apart from every other candidate, whatever is searched in which order."""
        return f"{self.name} {json.dumps(dict(self.settings), sort_keys=True)}"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: its name, the encodings it sees, how it learns, and its settings worth trying.

    Families of one `group` share a rung of the ladder; by default a family is its own.
    """

    name: str
    recipe: Recipe
    learner: Callable[[Problem, Settings], Learn]
    presets: Mapping[str, Settings]
    tasks: frozenset[Task] = EVERY_TASK
    group: str = ""
    readable: bool = False

    def candidate(self, problem: Problem, label: str, settings: Settings) -> Candidate:
        """The family with these settings, told apart from its other members by `label`."""
        name = f"{self.name}, {label}" if label else self.name
        learn = self.learner(problem, settings)
        recipe = shaped(self.recipe, problem.features, problem.moment)
        return Candidate(name, self.group or self.name, recipe, learn, settings, self.readable)


def spread(truth: np.ndarray, classes: bool, most: int) -> np.ndarray:
    """Row numbers of about `most` rows, evenly spread (within the order of classes, so none is lost).

    Examples
    --------
    >>> spread(np.array([0, 0, 0, 0, 1]), True, 2).tolist()
    [0, 3, 4]
    """
    order = np.argsort(truth, kind="stable") if classes else np.arange(len(truth))
    step = max(1, -(-len(truth) // most))
    if step == 1:
        return np.arange(len(truth))
    first = np.unique(truth[order], return_index=True)[1] if classes else np.array([0])
    return np.sort(order[np.union1d(np.arange(0, len(truth), step), first)])


def installed(name: str, called: str) -> None:
    """Raise `MissingExtraError` unless the library of the family `name` is there, before anything is learned."""
    if find_spec(name) is None:
        raise MissingExtraError(
            f"The model `{name}` needs {called}.", where="model.models", next_step=f"pip install 'millrace[{name}]'"
        )
