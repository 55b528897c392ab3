"""Object stores to test against, started on free loopback ports: moto for S3, Azurite for Azure.

There is none for Google Cloud Storage: the emulators at hand do not speak the XML interface that obstore uses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

#: Installed by tests/services.sh.
AZURITE = Path(__file__).parents[1] / ".cache" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
#: The account and key that every Azurite has.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#: The secret of the S3 emulator, which must be seen nowhere.
SECRET = "moto-secret-never-shown"
_START_SECONDS = 60


@dataclass(frozen=True)
class Emulator:
    """A running object store: how processes reach it, and how a bucket or container is made."""

    scheme: str
    environment: Mapping[str, str]
    port: int
    make: Callable[[str], None]

    def behind(self, port: int) -> dict[str, str]:
        """The environment that reaches it through a proxy on another port."""
        return {name: text.replace(f":{self.port}", f":{port}") for name, text in self.environment.items()}


@contextmanager
def s3() -> Iterator[Emulator]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("atomic_moto.py")), str(port)]
    environment = {
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
    }
    with _running(command, port):
        yield Emulator("s3", environment, port, lambda name: _asked(port, "PUT", f"/{name}"))


@contextmanager
def azure() -> Iterator[Emulator]:
    if not AZURITE.exists() or shutil.which("node") is None:
        pytest.skip("Azurite is not installed; tests/services.sh installs it where npm is")
    port = free_port()
    command = [str(AZURITE), "--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry"]
    environment = {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{port}",
    }
    with _running([*command, "--blobHost", "127.0.0.1", "--blobPort", str(port)], port):
        yield Emulator("az", environment, port, lambda name: _make_container(port, name))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(port):
            assert process.poll() is None, f"{command[0]} ended by itself"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _make_container(port: int, name: str) -> None:
    at = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    version = "2023-11-03"
    what = f"PUT{12 * chr(10)}x-ms-date:{at}\nx-ms-version:{version}\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    signed = base64.b64encode(hmac.new(base64.b64decode(KEY), what.encode(), hashlib.sha256).digest()).decode()
    headers = {"x-ms-date": at, "x-ms-version": version, "Authorization": f"SharedKey {ACCOUNT}:{signed}"}
    _asked(port, "PUT", f"/{ACCOUNT}/{name}?restype=container", headers | {"Content-Length": "0"})


def _asked(port: int, method: str, path: str, headers: Mapping[str, str] | None = None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers=dict(headers or {}))
    answer = connection.getresponse()
    assert answer.status in {200, 201}, answer.read()
    connection.close()


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with `values`, as long as the block lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
