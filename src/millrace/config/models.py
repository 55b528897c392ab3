"""Which models a project file may ask for, with which settings; how each one learns is in `train.models`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

from millrace.config.refusal import must_parse, refused
from millrace.errors import ProjectFileError, nearest

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Option:
    """What a setting of a model may be: one of `words`, or a number from `low` to `high`.

    `usual` are the ends between which a search draws that was given none, by the logarithm where `log` is set.
    """

    low: float = 0.0
    high: float = math.inf
    usual: tuple[float, float] = (0.0, 1.0)
    log: bool = False
    whole: bool = False
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What is allowed, in words."""
        if self.words:
            return ", ".join(self.words)
        return f"{'a whole number' if self.whole else 'a number'} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Range:
    """Every number between two ends, drawn by the logarithm where `log` is set."""

    low: float
    high: float
    log: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model by its name, and its stated settings: one value, several to choose from, or a range of them."""

    model: str
    settings: Mapping[str, Value | tuple[Value, ...] | Range]

    @property
    def fixed(self) -> bool:
        """Whether every stated setting is one value."""
        return not any(isinstance(value, tuple | Range) for value in self.settings.values())

    def space(self) -> Mapping[str, Value | tuple[Value, ...] | Range]:
        """Where a search looks: the stated values, or the usual ones where none were stated."""
        return self.settings or {name: _usual(option) for name, option in MODELS[self.model].items()}


def _usual(option: Option) -> tuple[Value, ...] | Range:
    return option.words or Range(*option.usual, log=option.log, whole=option.whole)


def _share(low: float, usual: tuple[float, float] = (0.25, 1.0)) -> Option:
    return Option(low, 1.0, usual)


_RATE = Option(1e-4, 1.0, (0.02, 0.1), log=True)
_LEAF = Option(1, 10_000, (1, 50), log=True, whole=True)
_FOREST = {
    "n_estimators": Option(10, 500, (60, 200), log=True, whole=True),
    "min_samples_leaf": _LEAF,
    "max_features": _share(0.01, (0.2, 1.0)),
}
#: Every model with its settings, by the names that its library gives them where there is one.
MODELS: Mapping[str, Mapping[str, Option]] = {
    "linear": {
        "penalty": Option(1e-6, 1e6, (0.01, 100), log=True),
        "classes": Option(words=("softmax", "one_vs_rest", "one_vs_one")),
    },
    "naive_bayes": {
        "kind": Option(words=("gaussian", "bernoulli", "multinomial")),
        "smoothing": Option(1e-9, 1000, (1e-3, 10), log=True),
    },
    "neighbors": {
        "n_neighbors": Option(1, 1000, (3, 100), log=True, whole=True),
        "weights": Option(words=("uniform", "distance")),
    },
    "svm": {
        "kernel": Option(words=("rbf", "linear")),
        "C": Option(1e-5, 1e5, (0.03, 100), log=True),
        "gamma": Option(1e-6, 100, (1e-3, 1), log=True),
    },
    "tree": {"max_depth": Option(1, 30, (2, 12), whole=True), "min_samples_leaf": _LEAF},
    "random_forest": _FOREST,
    "extra_trees": _FOREST,
    "lightgbm": {
        "num_leaves": Option(2, 4096, (6, 128), log=True, whole=True),
        "learning_rate": _RATE,
        "colsample_bytree": _share(0.01),
        "min_child_samples": Option(1, 100_000, (3, 60), log=True, whole=True),
        "reg_lambda": Option(0, 1e6, (0.01, 20), log=True),
        "subsample": _share(0.05, (0.6, 1.0)),
        "extra_trees": Option(words=("no", "yes")),
    },
    "xgboost": {
        "max_depth": Option(1, 16, (3, 9), whole=True),
        "learning_rate": _RATE,
        "colsample_bytree": _share(0.01),
        "min_child_weight": Option(0, 1e6, (0.5, 30), log=True),
        "reg_lambda": Option(0, 1e6, (0.01, 20), log=True),
        "subsample": _share(0.05, (0.6, 1.0)),
    },
    "catboost": {
        "depth": Option(1, 10, (3, 8), whole=True),
        "learning_rate": _RATE,
        "l2_leaf_reg": Option(0, 1e6, (0.3, 30), log=True),
    },
    "mlp": {
        "layers": Option(1, 5, (1, 3), whole=True),
        "width": Option(2, 1024, (16, 256), log=True, whole=True),
        "alpha": Option(0, 1e3, (1e-6, 1e-1), log=True),
        "learning_rate": Option(1e-6, 1.0, (3e-4, 1e-2), log=True),
    },
}
_WRITTEN = ("svm", "svm: {C: 10}", "svm: {C: [1, 10]}", "svm: {C: {from: 0.1, to: 100}}")


def parse_models(given: str | Sequence[object]) -> tuple[Wanted, ...]:
    """The models that are asked for, in order; none for ``auto``. Raises `ProjectFileError`.

    Examples
    --------
    >>> parse_models(["tree", {"svm": {"kernel": "rbf", "C": [1, 10]}}])
    (Wanted(model='tree', settings={}), Wanted(model='svm', settings={'kernel': 'rbf', 'C': (1, 10)}))
    >>> parse_models("auto")
    ()
    """
    if given == "auto":
        return ()
    if not given:
        raise ProjectFileError("`models` names none.", code="config.value", allowed=("auto", *MODELS))
    return tuple(_wanted(one) for one in given)


def check_search(search: str, wanted: Sequence[Wanted]) -> None:
    """Refuse values to choose from that nothing chooses from, and a grid that has none or no end."""
    several = [one for one in wanted if not one.fixed]
    if search == "portfolio" and several:
        raise refused(
            ProjectFileError(
                f"`models` gives `{several[0].model}` several values, and nothing chooses between them.",
                code="config.value",
                allowed=["search: grid", "search: random", "search: bayesian", "one value for each setting"],
            )
        )
    if search == "grid" and not several:
        raise refused(
            ProjectFileError(
                "`search: grid` tries the values that `models` lists, and it lists none.",
                code="config.value",
                allowed=["models: [svm: {C: [0.1, 1, 10]}]"],
            )
        )
    endless = [one.model for one in several if any(isinstance(value, Range) for value in one.settings.values())]
    if search == "grid" and endless:
        raise refused(
            ProjectFileError(
                f"`search: grid` has no end: a setting of `{endless[0]}` is a range.",
                code="config.value",
                allowed=["a list of values", "search: random", "search: bayesian"],
            )
        )


def _wanted(given: object) -> Wanted:
    if isinstance(given, str):
        return Wanted(_model(given), {})
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ProjectFileError(f"`{given}` is no model.", code="config.value", allowed=_WRITTEN)
    ((name, settings),) = given.items()
    options = MODELS[_model(str(name))]
    if not isinstance(settings, Mapping):
        raise ProjectFileError(
            f"`{name}: {settings}` gives no settings.", code="config.value", allowed=[f"{one}: …" for one in options]
        )
    return Wanted(str(name), {str(one): _setting(str(name), str(one), value) for one, value in settings.items()})


def _model(name: str) -> str:
    if name not in MODELS:
        raise ProjectFileError(
            f"`{name}` is not a model.", code="config.value", allowed=MODELS, nearest=nearest(name, MODELS)
        )
    return name


def _setting(model: str, name: str, given: object) -> Value | tuple[Value, ...] | Range:
    options = MODELS[model]
    if name not in options:
        raise ProjectFileError(
            f"`{name}` is not a setting of `{model}`.",
            code="config.value",
            allowed=options,
            nearest=nearest(name, options),
        )
    option, where = options[name], f"{model}.{name}"
    if isinstance(given, Mapping):
        return _range(where, option, given)
    if isinstance(given, list | tuple):
        if not given:
            raise ProjectFileError(f"`{where}` lists no value.", code="config.value", allowed=[str(option)])
        return tuple(_value(where, option, one) for one in given)
    return _value(where, option, given)


def _value(where: str, option: Option, given: object) -> Value:
    if isinstance(given, bool) and option.words == ("no", "yes"):
        return "yes" if given else "no"
    if option.words:
        if given in option.words:
            return str(given)
        guess = nearest(str(given), option.words)
        raise ProjectFileError(
            f"`{where}: {given}` is not known.", code="config.value", allowed=option.words, nearest=guess
        )
    if isinstance(given, int | float) and not isinstance(given, bool) and option.low <= given <= option.high:
        if not option.whole:
            return given
        if given == int(given):
            return int(given)
    raise ProjectFileError(f"`{where}: {given}` is out of bounds.", code="config.value", allowed=[str(option)])


def _range(where: str, option: Option, given: Mapping[Any, Any]) -> Range:
    if option.words or set(given) - {"from", "to", "scale"} or not {"from", "to"} <= set(given):
        allowed = [f"[{', '.join(option.words)}]"] if option.words else ["{from: 1, to: 100}", "{…, scale: log}"]
        raise ProjectFileError(f"`{where}` is no range.", code="config.value", allowed=allowed)
    low, high = (_value(where, option, given[end]) for end in ("from", "to"))
    scale = given.get("scale", "log" if option.log and float(low) > 0 else "linear")
    if scale not in ("log", "linear") or not float(low) < float(high) or (scale == "log" and not float(low) > 0):
        raise ProjectFileError(
            f"`{where}` is no range: from {low} to {high}, scale {scale}.",
            code="config.value",
            allowed=["from below to", "scale: linear", "scale: log, from above 0"],
        )
    return Range(float(low), float(high), log=scale == "log", whole=option.whole)


def _schema() -> dict[str, Any]:
    """What editors know of it."""

    def values(option: Option) -> dict[str, Any]:
        kind = "integer" if option.whole else "number"
        one: dict[str, Any] = {"enum": [*option.words]} if option.words else {"type": kind, "minimum": option.low}
        if option.words == ("no", "yes"):
            one = {"anyOf": [one, {"type": "boolean"}]}
        ends = {"from": one, "to": one, "scale": {"enum": ["log", "linear"]}}
        ranged = {"type": "object", "additionalProperties": False, "required": ["from", "to"], "properties": ends}
        several = {"type": "array", "minItems": 1, "items": one}
        return {"anyOf": [one, several] if option.words else [one, several, ranged]}

    stated = {
        name: {
            "type": "object",
            "additionalProperties": False,
            "properties": {one: values(option) for one, option in options.items()},
        }
        for name, options in MODELS.items()
    }
    item = {"anyOf": [{"enum": [*MODELS]}, {"type": "object", "additionalProperties": False, "properties": stated}]}
    return {"anyOf": [{"const": "auto"}, {"type": "array", "minItems": 1, "items": item}]}


Models = Annotated[
    Literal["auto"] | tuple[str | dict[str, Any], ...], must_parse(parse_models), WithJsonSchema(_schema())
]
