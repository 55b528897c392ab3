"""What a model costs where it answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of a graph on one thread: milliseconds for a single row (median), and its size in MB (10^6 bytes)."""

    latency_ms: float
    size_mb: float
