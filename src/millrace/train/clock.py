"""How much of the training budget is spent, and by when each part of the work must end."""

from __future__ import annotations

from time import monotonic

from millrace.records.progress import Step, Watch, unwatched

#: Share of the budget after which no new model is tried: the rest is for refitting, judging and importances.
SEARCH_SHARE = 0.65
#: Share of the budget after which no refit goes on growing.
REFIT_SHARE = 0.85


class Clock:
    """The budget of one training, in seconds from now, and a voice that says what the time is spent on."""

    def __init__(self, budget: float, watch: Watch = unwatched) -> None:
        self._start = monotonic()
        self._budget = budget
        self._watch = watch

    def tell(self, text: str) -> None:
        """Say what is being done now, with the seconds spent so far."""
        self._watch(Step("train", text, done=monotonic() - self._start, total=self._budget))

    def moment(self, share: float) -> float:
        """The `time.monotonic` at which this share of the budget is spent."""
        return self._start + share * self._budget

    def left(self, share: float = 1.0) -> float:
        """Seconds until this share of the budget is spent; negative when it is."""
        return self.moment(share) - monotonic()
