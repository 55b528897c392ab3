"""Whether the newest values are distributed otherwise than earlier ones (Raab et al., 2020), by river."""

from __future__ import annotations

from millrace.monitor.detectors.base import DetectorKind, of_river

KIND = DetectorKind("kswin", of_river("river.drift", "KSWIN", seed=0))
