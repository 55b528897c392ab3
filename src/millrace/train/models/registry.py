"""Every model that a project file may name, as families of this room."""

from __future__ import annotations

from millrace.config.models import Wanted
from millrace.errors import TrainingError
from millrace.train.models import bayes, boosted, cat, linear, mlp, neighbors, svm, trees, xgb
from millrace.train.models.base import Family, Problem

_FAMILIES = {
    "neighbors": neighbors.FAMILY,
    "svm": svm.FAMILY,
    "tree": trees.TREE,
    "random_forest": trees.RANDOM_FOREST,
    "extra_trees": trees.EXTRA_TREES,
    "lightgbm": boosted.FAMILY,
    "xgboost": xgb.FAMILY,
    "catboost": cat.FAMILY,
    "mlp": mlp.FAMILY,
}


def family(wanted: Wanted, problem: Problem) -> Family:
    """The family that is asked for; linear models and naive Bayes read texts where there are any.

    Raises
    ------
    TrainingError
        The family is for classes and the target is a value, or there are only texts, which it does not read.
    """
    words = [field.type == "text" for field in problem.signature.inputs]
    if wanted.model == "linear":
        found = linear.of_words(problem) if any(words) else linear.LINEAR
    elif wanted.model == "naive_bayes":
        usual = "multinomial" if all(words) else "gaussian"
        kind = wanted.settings.get("kind", usual)
        found = bayes.OF_WORDS if any(words) and kind == "multinomial" else bayes.family(str(kind))
        if all(words) and kind != "multinomial":
            raise _refused(wanted, f"of kind {kind} reads no texts, and there is nothing else", ["kind: multinomial"])
    else:
        found = _FAMILIES[wanted.model]
        if all(words):
            raise _refused(wanted, "reads no texts, and there is nothing else", ["linear", "naive_bayes"])
    if problem.signature.task not in found.tasks:
        raise _refused(wanted, "tells classes apart; the target is a value", ["linear", *_FAMILIES])
    return found


def _refused(wanted: Wanted, why: str, allowed: list[str]) -> TrainingError:
    return TrainingError(f"`{wanted.model}` {why}.", where="model.models", code="train.model", allowed=allowed)
