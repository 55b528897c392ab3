"""Whether a weighted average of values from 0 to 1 grew (Frías-Blanco et al., 2015), by river."""

from __future__ import annotations

from millrace.monitor.detectors.base import DetectorKind, of_river

KIND = DetectorKind("hddm_w", of_river("river.drift.binary", "HDDMW"), low=0.0, high=1.0)
