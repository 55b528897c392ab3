"""The engines under test."""

from __future__ import annotations

import pytest

from millrace.engine.base import Engine
from millrace.engine.here import Here


@pytest.fixture(params=["one thread", "three threads", "ray"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        return request.getfixturevalue("ray_here")
    return Here(width=1 if request.param == "one thread" else 3)
