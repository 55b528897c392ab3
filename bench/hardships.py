"""What a server under load loses when a worker is killed, the champion changes, the disk fills or clients are slow.

    python bench/hardships.py [--seconds 8]

Sixteen connections ask for single rows, one after another, of a server with two workers that logs every prediction; in
the middle of it the thing happens. An answer is lost when it was given and is not in the log once the server has ended;
`broken` are requests whose connection ended. Prints a table; leaves bench/results/hardships.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent / "src")]
from model import ROW  # noqa: E402 - found through the line above

from serving import CONNECTIONS, graph, publish  # noqa: E402

SLOW = 1000
#: Bytes that a file may have on the disk that is full.
ROOM = 100_000
SERVE = """
import resource, sys
room = int(sys.argv[2])
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
from millrace.config.schema import ServeSettings
from millrace.serve.stage import serve
from millrace.store.objects import Store
serve(
    Store(sys.argv[1]),
    ServeSettings(port=0, workers=2),
    package="bench",
    watch=lambda step: print(step.text, flush=True),
)
"""


@dataclass
class Heard:
    """What one connection heard: ids of answers, how long each took, refusals, breaks, and the longest pause."""

    given: list[str] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    pause_ms: float = 0.0


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    answered: int
    refused: int
    broken: int
    p99_ms: float
    pause_ms: float
    lost: int
    twice: int


def listen(url: str, until: threading.Event) -> Heard:
    """Ask for single rows over one connection, and over a new one when it breaks."""
    at, body, heard = urlsplit(url), json.dumps(ROW), Heard()
    client = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
    last = time.perf_counter()
    while not until.is_set():
        began = time.perf_counter()
        try:
            client.request("POST", "/predict", body)
            answer = client.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            client.close()
            heard.broken += 1
            continue
        now = time.perf_counter()
        if answer.status != 200:
            heard.refused += 1
            continue
        heard.given.append(json.loads(content)["predictions"][0]["id"])
        heard.took_ms.append(1e3 * (now - began))
        heard.pause_ms, last = max(heard.pause_ms, 1e3 * (now - last)), now
    return heard


@contextmanager
def running(folder: Path, room: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server's URL and its process."""
    command = [sys.executable, "-c", SERVE, str(folder), str(room)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(60)


def measure(what: str, seconds: float, happens: Callable[[str, int, Path, ExitStack], None], room: int = 0) -> Row:
    """Load, something that happens in the middle of it, more load; then the log."""
    from millrace.store.objects import Store
    from millrace.store.prediction_log import predictions

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        release(folder, 1)
        heard: list[Heard] = []
        with running(folder, room) as (url, process), ExitStack() as held:
            until = threading.Event()
            askers = [threading.Thread(target=lambda: heard.append(listen(url, until))) for _ in range(CONNECTIONS)]
            for asker in askers:
                asker.start()
            time.sleep(seconds / 2)
            happens(url, process.pid, folder, held)
            time.sleep(seconds / 2)
            until.set()
            for asker in askers:
                asker.join()
        logged = predictions(Store(folder))["prediction_id"].to_list()
    given = {one for each in heard for one in each.given}
    took = sorted(one for each in heard for one in each.took_ms)
    return Row(
        what,
        answered=len(took),
        refused=sum(each.refused for each in heard),
        broken=sum(each.broken for each in heard),
        p99_ms=took[len(took) * 99 // 100],
        pause_ms=max(each.pause_ms for each in heard),
        lost=len(given - set(logged)),
        twice=len(logged) - len(set(logged)),
    )


@cache
def model() -> bytes:
    """The same graph for every version."""
    return graph()


def release(folder: Path, version: int) -> None:
    """Publish the next version and make it champion."""
    from millrace.release.stage import promote
    from millrace.store.objects import Store
    from millrace.store.packages import find

    publish(folder, model())
    promote(Store(folder), find(Store(folder), "bench", version), by="bench", reason="next")


def nothing(_: str, __: int, ___: Path, ____: ExitStack) -> None:
    """All is well."""


def kill(_: str, server: int, __: Path, ___: ExitStack) -> None:
    """End one of the two workers as the kernel does when memory is short."""
    os.kill(workers(server)[0], signal.SIGKILL)


def change(_: str, __: int, folder: Path, ___: ExitStack) -> None:
    """Give three new champions, half a second apart."""
    for version in (2, 3, 4):
        release(folder, version)
        time.sleep(0.5)


def crawl(url: str, _: int, __: Path, held: ExitStack) -> None:
    """Open connections that begin a request and never end it."""
    at = urlsplit(url)
    for _ in range(SLOW):
        one = held.enter_context(socket.create_connection((at.hostname or "", at.port or 0), timeout=30))
        one.sendall(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n[{")


def workers(server: int) -> list[int]:
    """The processes that answer: those below the one that the started process runs them with."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    return [process for process, parent in parents.items() if parents.get(parent) == server]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    seconds = parser.parse_args().seconds
    happenings = {
        "nothing": (nothing, 0),
        "a worker is killed (SIGKILL)": (kill, 0),
        "the champion changes three times": (change, 0),
        f"{SLOW:,} clients send half a request": (crawl, 0),
        "the disk is full": (nothing, ROOM),
    }
    print("| what happens | answered | refused, 503 | broken | p99 ms | longest pause ms | lost | logged twice |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    kept = []
    for what, (happens, room) in happenings.items():
        row = measure(what, seconds, happens, room)
        kept.append(asdict(row))
        print(
            f"| {what} | {row.answered:,} | {row.refused:,} | {row.broken:,} | {row.p99_ms:.1f} | {row.pause_ms:,.0f} "
            f"| {row.lost} | {row.twice} |",
            flush=True,
        )
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "hardships.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
