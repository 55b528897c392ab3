"""Warnings of the libraries that learn, where they tell a user nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from warnings import catch_warnings, filterwarnings

#: By how they begin; why none of them matters stands beside each.
_MEANINGLESS = (
    "lbfgs failed to converge",  # a solver that is asked for a few steps at a time could each time go on
    "The inner solver of NewtonCholeskySolver stumbled",  # it goes on with another solver
    "An ill-conditioned matrix detected",  # columns that repeat others share a weight
    "Ill-conditioned matrix",  # as above
    "Singular matrix in solving dual problem",  # as above
)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what libraries say that means nothing here; everything else is told as ever."""
    with catch_warnings():
        for message in _MEANINGLESS:
            filterwarnings("ignore", message=message)
        yield
