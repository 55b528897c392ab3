"""The engines under test; one Ray serves all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from millrace.engine.base import Engine
from millrace.engine.here import Here
from millrace.engine.on_ray import OnRay


@pytest.fixture(scope="session")
def ray_here() -> Iterator[OnRay]:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with OnRay("local", cpus=2) as engine:
        yield engine


@pytest.fixture(params=["one thread", "three threads", "ray"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        return request.getfixturevalue("ray_here")
    return Here(width=1 if request.param == "one thread" else 3)
