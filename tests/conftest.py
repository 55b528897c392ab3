"""What tests of several rooms need."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import settings

import databases
import emulators
from emulators import Emulator
from millrace.engine.on_ray import OnRay

#: An example may take as long as a busy machine needs.
settings.register_profile("millrace", deadline=None)
settings.load_profile("millrace")


@pytest.fixture(scope="session")
def ray_here() -> Iterator[OnRay]:
    """A Ray on this machine, one for all tests of a process; it starts in this folder, where workers find the tests."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with OnRay("local", cpus=2) as engine:
        assert list(engine.stream(range, [1])) == [0]
        yield engine


@pytest.fixture(scope="session")
def s3() -> Iterator[Emulator]:
    with emulators.s3() as running:
        yield running


@pytest.fixture(scope="session")
def azure() -> Iterator[Emulator]:
    with emulators.azure() as running:
        yield running


@pytest.fixture(scope="session", params=["s3", "azure"])
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """Each object store in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def bucket(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket or container, reachable from this process's environment."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    name = f"lake-{secrets.token_hex(6)}"
    emulator.make(name)
    return f"{emulator.scheme}://{name}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    """A PostgreSQL of this process's own."""
    with databases.postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def mongodb() -> Iterator[databases.Server]:
    """A server that speaks MongoDB's protocol, of this process's own."""
    with databases.mongodb() as running:
        yield running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    """A MariaDB of this process's own."""
    with databases.mariadb() as running:
        yield running
