"""What a serving process did in a short while: requests, failures, and how long answers took."""

from __future__ import annotations

import msgspec

#: Upper bounds of the latency histogram, in seconds; one more bucket holds what took longer.
LATENCY_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 5.0, 10.0)


class Served(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Requests for predictions answered up to `at` (µs since 1970), of which `failed` by the server's fault.

    `latencies` has a count for each of `bounds` (seconds), and one for what took longer.
    """

    at: int
    requests: int
    failed: int
    latencies: list[int]
    bounds: tuple[float, ...] = LATENCY_BOUNDS
