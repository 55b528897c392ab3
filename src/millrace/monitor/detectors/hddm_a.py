"""Whether a moving average of values from 0 to 1 grew, by Hoeffding's bound (Frías-Blanco et al., 2015), by river."""

from __future__ import annotations

from millrace.monitor.detectors.base import DetectorKind, of_river

KIND = DetectorKind("hddm_a", of_river("river.drift.binary", "HDDMA"), low=0.0, high=1.0)
