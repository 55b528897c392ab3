"""Whether the sum of deviations from the mean went far (Page, 1954), by river."""

from __future__ import annotations

from millrace.monitor.detectors.base import DetectorKind, of_river

KIND = DetectorKind("page_hinkley", of_river("river.drift", "PageHinkley"))
