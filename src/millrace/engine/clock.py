"""How much of the training budget is spent, and by when each part of the work must end."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic

from millrace.config.units import Trials
from millrace.records.progress import Step, Watch, unwatched

#: Of what is left for training, each part of the work must be done when this share is spent, in this order.
SEARCH, REFIT, LADDER, CURVE, IMPORTANCES = 0.64, 0.78, 0.84, 0.92, 1.0
#: Kept for the package and the report: these seconds, and this share of the budget, but never more than so many.
_PACKING_SECONDS, _PACKING_SHARE, _PACKING_MOST = 2.0, 0.05, 10.0
#: Of a budget of fewer seconds a rehearsal would take what learning needs.
_REHEARSED = 20.0
#: Package and report last so many times as long as their rehearsal.
_REHEARSALS = 12
#: A rehearsal of more seconds than this says that the machine is slow.
_USUAL = 0.5
#: However short the budget is, training has this share of it.
_LEARNING_SHARE = 0.7


class Clock:
    """The budget of one training, in seconds from now or in trials, and a voice that says what is being done.

    One clock goes through the whole of it: typing, search, last fits, judging, package and report. Each step asks it
    what is left. Where trials are counted no time ends anything, so nothing depends on how fast the machine is.
    """

    def __init__(
        self,
        budget: float | Trials,
        watch: Watch = unwatched,
        rehearsal: Callable[[], object] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._now = now
        self._start = now()
        self.budget = inf if isinstance(budget, Trials) else budget
        #: How many candidates may be tried at most.
        self.trials = budget.count if isinstance(budget, Trials) else None
        self._watch = watch
        self._rehearsal = rehearsal
        self._rehearsed = False
        #: What this machine does in the time in which a usual one does 1; never more than that.
        self.pace = 1.0
        self._keep(0.0)

    def _keep(self, seconds: float) -> None:
        """Leave so much for the package and the report, or what is usual where that is more."""
        kept = max(seconds, min(_PACKING_SECONDS + _PACKING_SHARE * self.budget, _PACKING_MOST))
        self._learning = max(self.budget - kept, _LEARNING_SHARE * self.budget)

    def rehearse(self) -> None:
        """Do a sample of what package and report will do, and leave as much time for them as that says.

        How long they last depends on the machine, and on who else is busy on it: asked again, the newest answer counts.
        """
        if self._rehearsal is None or not _REHEARSED <= self.budget < inf:
            return
        if not self._rehearsed:
            self._rehearsal()  # loads what has to be loaded once
            self._rehearsed = True
        began = self._now()
        self._rehearsal()
        took = self._now() - began
        self._keep(_REHEARSALS * took)
        self.pace = min(1.0, _USUAL / max(took, 1e-9))

    def tell(self, text: str) -> None:
        """Say what is being done now, with the seconds spent so far."""
        total = None if self.budget == inf else self.budget
        self._watch(Step("train", text, done=self._now() - self._start, total=total))

    def moment(self, share: float) -> float:
        """The `time.monotonic` at which this share of the time for training is spent."""
        return self._start + share * self._learning

    def part(self, share: float) -> float:
        """The `time.monotonic` at which this share of what is left for training is spent."""
        return self._now() + share * max(self.left(), 0.0)

    def left(self, share: float = 1.0) -> float:
        """Seconds until this share of the time for training is spent; negative when it is.

        Examples
        --------
        >>> 37 > Clock(60.0).left(SEARCH) > 33
        True
        >>> Clock(Trials(3)).left()
        inf
        """
        return self.moment(share) - self._now()

    def rest(self) -> float:
        """Seconds until the whole budget is spent, package and report included; negative when it is."""
        return self._start + self.budget - self._now()
