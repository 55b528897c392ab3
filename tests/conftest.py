"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from millrace.engine.on_ray import OnRay


@pytest.fixture(scope="session")
def ray_here() -> Iterator[OnRay]:
    """A Ray on this machine, one for all tests of a process."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with OnRay("local", cpus=2) as engine:
        yield engine
