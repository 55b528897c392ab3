"""How much of the training budget is spent, and by when each part of the work must end."""

from __future__ import annotations

from math import inf
from time import monotonic

from millrace.config.units import Trials
from millrace.records.progress import Step, Watch, unwatched

#: Share of the budget after which no new model is tried: the rest is for refitting, judging and importances.
SEARCH_SHARE = 0.65
#: Share of the budget after which no refit goes on growing.
REFIT_SHARE = 0.85


class Clock:
    """The budget of one training, in seconds from now or in trials, and a voice that says what is being done.

    Where trials are counted no time ends anything, so nothing depends on how fast the machine is.
    """

    def __init__(self, budget: float | Trials, watch: Watch = unwatched) -> None:
        self._start = monotonic()
        self._budget = inf if isinstance(budget, Trials) else budget
        #: How many candidates may be tried at most.
        self.trials = budget.count if isinstance(budget, Trials) else None
        self._watch = watch

    def tell(self, text: str) -> None:
        """Say what is being done now, with the seconds spent so far."""
        total = None if self._budget == inf else self._budget
        self._watch(Step("train", text, done=monotonic() - self._start, total=total))

    def moment(self, share: float) -> float:
        """The `time.monotonic` at which this share of the budget is spent."""
        return self._start + share * self._budget

    def left(self, share: float = 1.0) -> float:
        """Seconds until this share of the budget is spent; negative when it is."""
        return self.moment(share) - monotonic()
