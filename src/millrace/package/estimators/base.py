"""What a writer of estimators must do."""

from __future__ import annotations

from typing import Any, Protocol

from millrace.errors import PackageError
from millrace.package.matrix import Matrix


class Writer(Protocol):
    """A family of estimators as ONNX operators."""

    def accepts(self, estimator: Any) -> bool:
        """Whether `estimator` is of this family."""

    def write(self, estimator: Any, matrix: Matrix, classes: int) -> str:
        """The answer, a float64 value of the graph.

        ``[rows, 1]``: a regression's prediction (`classes` is 0) or the positive class's probability (`classes` is 2);
        ``[rows, classes]``: the probabilities of more classes.
        Raises `PackageError` when this very estimator cannot be written.
        """


def refuse(estimator: Any, reason: str) -> PackageError:
    """The error of an estimator that cannot be written as a graph."""
    return PackageError(
        f"{type(estimator).__name__} cannot be exported: {reason}.",
        where="package",
        code="package.not-exportable",
        allowed=["the models that `model.models` names", "whatever skl2onnx converts"],
    )


def family(estimator: Any) -> str:
    """The library and class of an estimator, such as ``sklearn.LogisticRegression``."""
    return f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__name__}"
