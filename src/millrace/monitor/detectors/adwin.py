"""Whether the mean of a window that adapts changed (Bifet and Gavaldà, 2007), by river."""

from __future__ import annotations

from millrace.monitor.detectors.base import DetectorKind, of_river

KIND = DetectorKind("adwin", of_river("river.drift", "ADWIN"))
