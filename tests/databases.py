"""Database servers to test against, started on free loopback ports from installed binaries."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulators import answers, free_port

#: The secret of every server, which must be seen nowhere.
SECRET = "s3cr3t%21/never"
_START_SECONDS = 60


class Server:
    """A database server of one kind: its URL, and how it is stopped and started again, with its data kept."""

    def __init__(
        self,
        url: str,
        command: list[str] | None = None,
        port: int = 0,
        *,
        end: signal.Signals = signal.SIGKILL,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.url = url
        self._end = end
        self._ready = ready
        self._command = command
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def own(self) -> bool:
        """Whether the tests started it, and so may stop it."""
        return self._command is not None

    def start(self) -> None:
        assert self._command is not None
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not (answers(self._port) and self._ready()):
            assert self._process.poll() is None, f"{self._command[-1]} ended by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as where the power fails."""
        assert self._process is not None
        self._process.send_signal(self._end)
        self._process.wait(30)


@contextmanager
def postgresql() -> Iterator[Server]:
    if url := os.environ.get("MILLRACE_TEST_POSTGRES_URL"):
        yield Server(url)
        return
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(binaries[-1]) if binaries else None)
    if found is None:
        pytest.skip("PostgreSQL is not installed (tests/services.sh) and MILLRACE_TEST_POSTGRES_URL is not set")
    where = Path(found).resolve().parent
    with _folder("postgres") as (folder, as_user):
        port, data = free_port(), folder / "data"
        secret = folder / "secret"
        secret.write_text(SECRET)
        init = [str(where / "initdb"), "-D", str(data), "-U", "bob", "-A", "scram-sha-256", "--pwfile", str(secret)]
        subprocess.run([*as_user, *init, "--no-sync", "-E", "UTF8"], check=True, capture_output=True, cwd=folder)
        settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        command = [*as_user, str(where / "postgres"), "-D", str(data), "-p", str(port)]
        command += [part for one in settings for part in ("-c", one)]
        url = f"postgresql://bob:{_quoted(SECRET)}@127.0.0.1:{port}/postgres"

        def ready() -> bool:
            """It listens before it lets anyone in, and writes into this file when it does."""
            return "ready" in (data / "postmaster.pid").read_text()

        yield from _running(Server(url, command, port, end=signal.SIGQUIT, ready=ready))


@contextmanager
def mariadb() -> Iterator[Server]:
    if url := os.environ.get("MILLRACE_TEST_MARIADB_URL"):
        yield Server(url)
        return
    daemon, install = shutil.which("mariadbd", path=_PATH), shutil.which("mariadb-install-db", path=_PATH)
    if daemon is None or install is None:
        pytest.skip("MariaDB is not installed (tests/services.sh) and MILLRACE_TEST_MARIADB_URL is not set")
    with _folder("mysql") as (folder, as_user):
        port, data = free_port(), folder / "data"
        # Several servers that start at once would take each other's temporary tables in a common folder.
        common = ["--no-defaults", f"--datadir={data}", f"--tmpdir={folder}"]
        init = [install, *common, "--skip-test-db"]
        subprocess.run([*as_user, *init], check=True, capture_output=True, cwd=folder)
        first = folder / "first.sql"
        first.write_text(
            "create database if not exists test;\n"
            f"create user if not exists bob@'127.0.0.1' identified by '{SECRET}';\n"
            "grant all on *.* to bob@'127.0.0.1';\n"
        )
        command = [*as_user, daemon, *common, f"--port={port}", f"--init-file={first}"]
        command += ["--bind-address=127.0.0.1", f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
        command += ["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M"]
        yield from _running(Server(f"mysql://bob:{_quoted(SECRET)}@127.0.0.1:{port}/test", command, port))


@contextmanager
def mongodb() -> Iterator[Server]:
    """MongoDB where it is at hand; else NX-27017, which speaks its protocol and lacks some types."""
    if url := os.environ.get("MILLRACE_TEST_MONGODB_URL"):
        yield Server(url)
        return
    pytest.importorskip("pymongo", reason="needs the extra `mongo`")
    daemon = shutil.which("mongod", path=_PATH)
    stand_in = shutil.which("nx-27017", path=os.pathsep.join([str(Path(sys.executable).parent), _PATH]))
    if daemon is None and stand_in is None:
        pytest.skip("neither mongod nor nx-27017 is installed, and MILLRACE_TEST_MONGODB_URL is not set")
    with tempfile.TemporaryDirectory(prefix="millrace-db-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        command = [daemon, "--dbpath", folder, "--bind_ip", "127.0.0.1"] if daemon else _nx(stand_in, folder)
        yield from _running(Server(f"mongodb://127.0.0.1:{port}/test", [*command, "--port", str(port)], port))


def _nx(program: str | None, folder: str) -> list[str]:
    """Without a file of its own for its process id it would end where another one runs."""
    own = ["--data-dir", folder, "--log-file", f"{folder}/log", "--pid-file", f"{folder}/pid"]
    return [str(program), "--host", "127.0.0.1", *own]


_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def _quoted(secret: str) -> str:
    from urllib.parse import quote

    return quote(secret, safe="")


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder for a server's data, and what makes a command run as `user` where this process is root's."""
    with tempfile.TemporaryDirectory(prefix="millrace-db-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.getuid() != 0:
            yield folder, []
            return
        shutil.chown(folder, user, user)
        yield folder, ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
