"""How often each client may ask: a token bucket per client (Turner, 1986)."""

from __future__ import annotations

import time
from collections import OrderedDict

#: Clients remembered; the one that asked longest ago is forgotten first.
_CLIENTS = 10_000


class Rate:
    """Lets each client ask `rate` times a second on average, and up to a second's worth (at least one) at once.

    Examples
    --------
    >>> rate = Rate(2)
    >>> [round(rate.wait("ada", now), 3) for now in (0.0, 0.0, 0.0, 0.5, 0.6)]
    [0.0, 0.0, 0.5, 0.0, 0.4]
    >>> rate.wait("bob", 0.6)
    0.0
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(rate, 1.0)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float | None = None) -> float:
        """Count a request; give 0, or the seconds until the client may ask again (the request then does not count)."""
        now = time.monotonic() if now is None else now
        tokens, since = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        # A sum of fractions may miss a whole token by a hair.
        passes = tokens >= 1.0 - 1e-9
        self._buckets[client] = (tokens - 1.0 if passes else tokens, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1.0 - tokens) / self._rate
