"""Real servers for tests: started as a process of their own, stopped by its id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
import sys
# FIRST
from millrace.config.schema import ServeSettings
from millrace.serve.stage import serve
from millrace.store.objects import Store

store, package, version, settings = sys.argv[1:]
serve(
    Store(store),
    ServeSettings.model_validate_json(settings),
    package=package,
    version=int(version) if version else None,
    watch=lambda step: print(step.text, flush=True),
)
"""


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and the process that called `serve`."""

    url: str
    process: subprocess.Popen[str]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def descendants(self) -> list[int]:
        """The ids of the processes below the one that called `serve`."""
        return _below(self.process.pid)


@contextmanager
def serving(
    store: Path, *, package: str = "churn", version: int | None = None, settings: str = '{"port": 0}', first: str = ""
) -> Iterator[Server]:
    """Serve until the block ends; `first` is Python that runs before anything of the server."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.replace("# FIRST", first), str(store), package, str(version or ""), settings],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http"), "the server did not start"
        yield Server(url, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        process.stdout.close()


def eventually(happened: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it happens before the deadline."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(process: int) -> bool:
    """Whether a process still holds its files: a zombie does while one of its threads is not gone yet."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
        threads = len(list(Path(f"/proc/{process}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return False
    return threads > 1 or status.rsplit(")", 1)[1].split()[0] != "Z"


def _below(parent: int) -> list[int]:
    children = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed
        if entry.isdigit():
            try:
                status = Path(f"/proc/{entry}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(status.rsplit(")", 1)[1].split()[1]) == parent:
                children += [int(entry), *_below(int(entry))]
    return children
