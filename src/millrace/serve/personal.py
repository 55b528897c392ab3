"""Personal values in requests: protected as in training, before the model sees them and before they are logged."""

from __future__ import annotations

import numpy as np

from millrace.privacy.columns import Privacy
from millrace.records.signature import Signature


class Personal:
    """Protects the columns of request matrices by the `pii` of the project; nothing to do for most projects.

    A text is protected as ingestion protects it, so the model gets what it learned from. A number, which only a model
    of the time before `pii` takes as it is, is answered and not logged.
    """

    def __init__(self, signature: Signature, private: Privacy) -> None:
        methods = [private.methods.get(field.name) for field in signature.texts]
        self._texts = tuple((place, method) for place, method in enumerate(methods) if method)
        self._numbers = tuple(place for place, field in enumerate(signature.numbers) if field.name in private.words)

    @property
    def protects(self) -> bool:
        """Whether there is anything to protect."""
        return bool(self._texts or self._numbers)

    def texts(self, texts: np.ndarray) -> np.ndarray:
        """The matrix of texts ``[rows, text fields]`` with protected values; the empty text stays."""
        if not self._texts:
            return texts
        done = texts.copy()
        for place, method in self._texts:
            done[:, place] = [(method(text) or "") if text else "" for text in texts[:, place].tolist()]
        return done

    def logged(self, numbers: np.ndarray) -> np.ndarray:
        """The matrix of numbers ``[rows, numeric fields]`` as it may be logged: NaN for personal ones."""
        if not self._numbers:
            return numbers
        done = numbers.copy()
        done[:, self._numbers] = np.nan
        return done
