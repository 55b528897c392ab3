"""What each finished trial of a training gave, written down as it finishes, so that a killed training goes on from it.

    trials/<digest>/<trial>.npz       one per trial: arrays of numbers and a format version, never pickle

The digest stands for the data's version and everything that decides what a trial gives. A trial of another digest is
another trial, so a changed setting starts afresh.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from millrace.store.objects import Store

FORMAT = 1
#: What a training left that was never taken up again is removed after so long.
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class FinishedTrial:
    """Outputs float64 ``[rows]`` or ``[rows, classes]`` of each fold, the trees that did best, and what it cost."""

    outputs: tuple[np.ndarray, ...]
    trees: int
    seconds: float


class TrialBook:
    """The finished trials of one training, on one version of the data with one set of settings.

    Examples
    --------
    >>> import tempfile
    >>> book = TrialBook(Store(tempfile.mkdtemp()), {"version": 3, "seed": 0})
    >>> book.keep("linear", FinishedTrial((np.array([0.25, 0.75]),), trees=0, seconds=1.5))
    >>> found = book.find("linear")
    >>> found.outputs[0].tolist(), found.trees, found.seconds
    ([0.25, 0.75], 0, 1.5)
    >>> book.find("another") is None
    True
    """

    def __init__(self, store: Store, decided_by: Mapping[str, object]) -> None:
        text = json.dumps({"format": FORMAT, **decided_by}, sort_keys=True, default=str)
        self.folder = f"trials/{hashlib.sha256(text.encode()).hexdigest()[:32]}"
        self._store = store

    def find(self, trial: str) -> FinishedTrial | None:
        """What a trial gave; None when it did not finish, or was written in a format that is not known."""
        content = self._store.read(self._key(trial))
        if content is None:
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                if int(arrays["format"]) != FORMAT or str(arrays["trial"]) != trial:
                    return None
                folds = tuple(arrays[f"fold_{place}"] for place in range(int(arrays["folds"])))
                return FinishedTrial(folds, int(arrays["trees"]), float(arrays["seconds"]))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, trial: str, finished: FinishedTrial) -> None:
        """Write down what a trial gave, whole or not at all."""
        arrays: dict[str, Any] = {f"fold_{place}": one for place, one in enumerate(finished.outputs)}
        arrays |= {"format": FORMAT, "trial": trial, "folds": len(finished.outputs)}
        arrays |= {"trees": finished.trees, "seconds": finished.seconds}
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        self._store.write(self._key(trial), content.getvalue())

    def forget(self) -> None:
        """Remove these trials, whose training is done, and those of trainings that nobody took up for a week."""
        old = self._store.older("trials", datetime.now(UTC) - _KEPT)
        self._store.delete([*self._store.keys(self.folder), *old])

    def _key(self, trial: str) -> str:
        return f"{self.folder}/{hashlib.sha256(trial.encode()).hexdigest()[:16]}.npz"
