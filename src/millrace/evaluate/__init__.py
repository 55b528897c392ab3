"""How good predictions are, with intervals: metrics, curves, thresholds, advice, the report."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """Importing anything of this room puts it in the place of the public function `millrace.evaluate`: it is both."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        """See `millrace.evaluate.judge.evaluate`."""
        from millrace.evaluate.judge import evaluate

        return evaluate(*args, **named)


sys.modules[__name__].__class__ = _Room
