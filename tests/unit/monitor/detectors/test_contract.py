"""Every detector that is built in keeps the contract."""

from __future__ import annotations

import pytest

from millrace.errors import DataError, UsageError
from millrace.monitor.detectors.adwin import KIND as ADWIN
from millrace.monitor.detectors.betting import KIND as BETTING
from millrace.monitor.detectors.hddm_a import KIND as HDDM_A
from millrace.monitor.detectors.hddm_w import KIND as HDDM_W
from millrace.monitor.detectors.kswin import KIND as KSWIN
from millrace.monitor.detectors.page_hinkley import KIND as PAGE_HINKLEY
from millrace.monitor.detectors.registry import BUILT_IN, detector, kinds
from millrace.testing.detectors import DetectorContract


class TestBetting(DetectorContract):
    kind = BETTING
    bearable = 0.1


class TestAdwin(DetectorContract):
    kind = ADWIN


class TestHddmA(DetectorContract):
    kind = HDDM_A
    bearable = 3.0


class TestHddmW(DetectorContract):
    kind = HDDM_W
    bearable = 12.0


@pytest.mark.long
class TestKswin(DetectorContract):
    kind = KSWIN
    bearable = 60.0


class TestPageHinkley(DetectorContract):
    kind = PAGE_HINKLEY


def test_the_contract_is_tried_on_every_built_in_detector() -> None:
    tried = {suite.kind.name for suite in DetectorContract.__subclasses__() if suite.__module__ == __name__}
    assert tried == set(BUILT_IN) <= set(kinds())


def test_an_unknown_detector_is_named_with_its_nearest_match() -> None:
    with pytest.raises(UsageError, match="`adwim` is no kind of detector") as caught:
        detector("adwim")
    assert caught.value.nearest == "adwin"


def test_a_refused_value_says_what_is_allowed() -> None:
    with pytest.raises(DataError, match=r"`hddm_a` got 7\.0") as caught:
        detector("hddm_a").update(7.0)
    assert list(caught.value.allowed) == ["finite numbers from 0 to 1"]
