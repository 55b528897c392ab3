"""Whether values from 0 to 1, such as errors, grew: one false alarm in so many rows at most, whatever their law.

Capital is bet on each next value being above the usual mean, anew from every row on, and what all bets are worth is
added up. While the mean is usual, given all that came before, no bet gains on average, so the sum grows by one a row at
most, and it takes `every` rows on average, or more, until it reaches `every` (Shin, Ramdas and Rinaldo, "E-detectors",
2022, arXiv 2203.03532; the bets are those of Waudby-Smith and Ramdas, 2024). Rows need not be independent.
"""

from __future__ import annotations

from millrace.evaluate.intervals import wilson
from millrace.monitor.detectors.base import DetectorKind

#: Parts of the largest possible stake that are bet side by side: cautious ones find small growth, bold ones large.
_STAKES = (0.03, 0.06, 0.12, 0.25, 0.5)


class Betting:
    """Alarms when the mean of values in [0, 1] grows beyond `usual`.

    Parameters
    ----------
    usual
        The mean that is bearable; by default the upper end of the 95 % interval of the first `learn` values, during
        which nothing alarms.
    every
        Rows until a false alarm, at least, on average.

    Examples
    --------
    >>> detector = Betting(usual=0.2)
    >>> [row for row, error in enumerate([0] * 50 + [1] * 50) if detector.update(error)][0]
    61
    """

    def __init__(self, usual: float | None = None, *, learn: int = 1000, every: float = 100_000) -> None:
        self._usual, self._learn, self._every = usual, learn, every
        self._sum, self._seen = 0.0, 0
        self._worth = [0.0] * len(_STAKES)

    def update(self, value: float) -> bool:
        """Take the next value, from 0 to 1; whether that makes an alarm. Then betting begins anew."""
        if self._usual is None:
            self._sum, self._seen = self._sum + value, self._seen + 1
            if self._seen == self._learn:
                self._usual = min(max(float(wilson(self._sum, self._seen)[1]), 1e-6), 1 - 1e-6)
            return False
        gain = value / self._usual - 1
        self._worth = [(worth + 1) * (1 + stake * gain) for worth, stake in zip(self._worth, _STAKES, strict=True)]
        if sum(self._worth) < self._every * len(_STAKES):
            return False
        self._worth = [0.0] * len(_STAKES)
        return True


KIND = DetectorKind("betting", Betting, low=0.0, high=1.0)
