"""Whether the share of answers that are likely wrong rose, tested as often as one looks and without any truth.

A small model learns from held-out rows where the answers err. It need not say how large an error is: it only has to
rank rows (Amoukou, Bewley, Mishra, Lecue, Magazzeni and Veloso, "Sequential harmful shift detection without labels",
2024, arXiv 2412.12910). A pair of thresholds, on the loss and on what the small model says, is chosen on the held-out
rows: of the pairs that flag wrongly at most `FALSE` of the time, the one that finds most of the large losses. Then the
flagged share of served rows is tested against that of the held-out rows.

The sequential test is an e-detector (Shin, Ramdas and Rinaldo, 2022): it takes `every` rows until a false alarm, or
more, on average, as long as the share is not above the held-out one's upper bound plus `HARM`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from millrace.evaluate.intervals import wilson
from millrace.monitor.detectors.betting import Betting
from millrace.monitor.unlabelled.booster import Halves, halves
from millrace.monitor.unlabelled.held import Held, losses

#: The rise of the flagged share that is bearable.
HARM = 0.05
#: The share of flagged rows without a large loss that is bearable.
FALSE = 0.2
#: Rows that are bet on together.
BLOCK = 25
_LOSSES = np.linspace(0.3, 0.8, 11)
_SAID = np.linspace(0.5, 0.95, 19)


@dataclass(frozen=True, slots=True)
class Ranker:
    """Flags rows whose answer is likely wrong: what the small model says, from `cut` on.

    `usual` is the flagged share of the held-out rows, from `low` to `high`; of those, `false` had no large loss, and
    `power` of the large losses were flagged.
    """

    says: Halves
    cut: float
    usual: float
    low: float
    high: float
    false: float
    power: float

    @property
    def ranks(self) -> bool:
        """Whether flags mean anything."""
        return self.false <= FALSE

    def flags(self, inputs: np.ndarray) -> np.ndarray:
        """Which rows are likely answered wrongly: bool ``[rows]``."""
        return self.says(inputs) >= self.cut


def ranker(inputs: np.ndarray, held: Held) -> Ranker:
    """Learn from held-out rows where the answers err; `inputs` is their matrix, with what was said."""
    loss = losses(held)
    says = halves(inputs, loss, chances=False)
    large = loss[:, None] > np.quantile(loss, _LOSSES)
    cuts = np.quantile(says.own, _SAID)
    flagged = says.own[:, None] >= cuts
    together = flagged.T.astype(np.float64) @ large
    false = 1 - together / np.maximum(flagged.sum(axis=0), 1)[:, None]
    power = together / np.maximum(large.sum(axis=0), 1)
    # Where no pair is good enough, the least bad one says how bad.
    worth = np.where(false <= FALSE, power, -false)
    place, of = np.unravel_index(int(worth.argmax()), worth.shape)
    hits = int(flagged[:, place].sum())
    low, high = wilson(hits, len(loss))
    share = hits / len(loss)
    return Ranker(says, float(cuts[place]), share, low, high, float(false[place, of]), float(power[place, of]))


@dataclass(frozen=True, slots=True)
class Rise:
    """What the test says: whether it alarmed within the newest rows, and the flagged share of those with its bounds."""

    alarmed: bool
    share: float
    low: float
    high: float


def rise(flags: np.ndarray, usual: float, every: float, recent: int) -> Rise:
    """Test flags of all served rows, oldest first, against the share `usual`; alarms of the newest `recent` rows count.

    `every` is in rows. Blocks are always the same rows, so a look that sees more rows bets on the same blocks.
    """
    blocks = flags[: len(flags) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=1)
    detector = Betting(min(usual + HARM, 1 - 1e-6), every=max(every / BLOCK, 20.0))
    alarmed = [place for place, share in enumerate(blocks.tolist()) if detector.update(share)]
    newest = flags[-recent:] if recent else flags[:0]
    hits = int(newest.sum())
    first = (len(flags) - recent) // BLOCK
    return Rise(bool(alarmed) and alarmed[-1] >= first, hits / max(len(newest), 1), *wilson(hits, len(newest)))
