"""What thousands of idle connections cost a server, and whoever asks it meanwhile.

    python bench/connections.py                  # 10,000 connections; needs `ulimit -Hn` of some more

One process opens connections to a server on this machine and says nothing on them; another client then asks for single
rows, one after another. Prints a table; leaves bench/results/connections.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent / "src")]
from model import ROW  # noqa: E402 - found through the line above

from serving import SERVE, Contender, graph, mebibytes, publish, running  # noqa: E402

ASKED = 2000


def latencies(url: str) -> list[float]:
    """Milliseconds that each of some requests took, sorted; every one must be answered."""
    at = urlsplit(url)
    client = http.client.HTTPConnection(at.hostname or "", at.port)
    body, took = json.dumps(ROW), []
    for _ in range(ASKED):
        began = time.perf_counter()
        client.request("POST", at.path, body)
        answer = client.getresponse()
        answer.read()
        took.append(1e3 * (time.perf_counter() - began))
        if answer.status != 200:
            raise SystemExit(f"a request was answered {answer.status}")
    client.close()
    return sorted(took)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=10_000)
    wanted = parser.parse_args().connections
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 1000), hard))
    kept: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        publish(Path(folder) / "store", graph())
        ours = Contender("Millrace", [sys.executable, "-c", SERVE, f"{folder}/store", "PORT", "all"])
        with running(ours, dict(os.environ)) as (url, _, process):
            at = urlsplit(url)
            held: list[socket.socket] = []
            print("| idle connections | p50 ms | p99 ms | slowest ms | MiB |\n|---:|---:|---:|---:|---:|")
            for count in (0, wanted // 10, wanted):
                while len(held) < count:
                    held.append(socket.create_connection((at.hostname or "", at.port or 0), timeout=30))
                took, memory = latencies(url), mebibytes(process)
                p50, p99, most = took[ASKED // 2], took[ASKED * 99 // 100], took[-1]
                kept[str(count)] = {"p50_ms": p50, "p99_ms": p99, "slowest_ms": most, "mebibytes": memory}
                print(f"| {len(held):,} | {p50:.2f} | {p99:.2f} | {most:.1f} | {memory:.0f} |", flush=True)
            for one in held:
                one.close()
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "connections.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
