"""How many single-row predictions, and rows in requests of 1,000, a second one server process answers, beside peers.

    python bench/serving.py                        # needs wrk; everything, about ten minutes
    python bench/serving.py --only millrace ceiling --seconds 2 --rounds 1

The same 200 trees on 20 columns are served by Millrace (with and without prediction log), by peers as their guides
tell, and by a bare ASGI function + onnxruntime on Granian, which is the ceiling. One worker each, one after another, on
the same machine as the load generator; rounds are interleaved, the median round counts. Each peer has an environment of
its own below `MILLRACE_PEERS` (default bench/.venv-peers), as bench/peers/serving.md tells; one that is not there is
left out and named. Prints a table; leaves bench/results/serving.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "peers"), str(HERE.parent / "src")]
from model import COLUMNS, ROW, classifier, data  # noqa: E402 - found through the line above

CONNECTIONS, CROWD, WIDE = 16, 32, 1000
PEERS = Path(os.environ.get("MILLRACE_PEERS") or HERE / ".venv-peers")
SERVE = """
import sys
from millrace.config.schema import ServeSettings
from millrace.serve.stage import serve
from millrace.store.objects import Store
serve(Store(sys.argv[1]), ServeSettings(port=int(sys.argv[2]), log=sys.argv[3]), package="bench", version=1)
"""


@dataclass(frozen=True)
class Round:
    """What wrk saw in one round."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    failed: int


@dataclass
class Found:
    """All that was measured of one server; memory is that of its processes after the load."""

    single: list[Round] = field(default_factory=list)
    crowd: list[Round] = field(default_factory=list)
    wide: list[Round] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    @property
    def median(self) -> Round:
        """The round with the median rate."""
        return sorted(self.single, key=lambda one: one.requests_per_second)[len(self.single) // 2]


def graph() -> bytes:
    """The trees as a package's graph: float64 `numbers` in, `label` and `probabilities` out."""
    import onnx
    from onnx import TensorProto, helper
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    fitted = classifier().fit(*data())
    model = convert_lightgbm(fitted, initial_types=[("x", FloatTensorType([None, len(COLUMNS)]))], zipmap=False)
    inner = model.graph
    inner.node.insert(0, helper.make_node("Cast", ["numbers"], ["x"], to=TensorProto.FLOAT))
    inner.input[0].CopyFrom(helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [None, len(COLUMNS)]))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def publish(folder: Path, content: bytes) -> None:
    """The graph as package bench 1."""
    from millrace.records.evaluation import Evaluation
    from millrace.records.package import Manifest
    from millrace.records.signature import Field, Signature
    from millrace.store.objects import Store
    from millrace.store.packages import publish

    signature = Signature("binary", "y", tuple(Field(name, "number") for name in COLUMNS), ("No", "Yes"), "Yes")
    manifest = Manifest("bench", 0, "bench", "", signature, Evaluation("binary", {}, "roc_auc", 0), {}, 0.5)
    publish(Store(folder), manifest, {"model.onnx": content})


@dataclass(frozen=True)
class Contender:
    """A server: how it is started (``PORT`` stands for its port), asked, and what its answer is."""

    name: str
    command: list[str]
    path: str = "/predict"
    body: Callable[[int], object] = lambda rows: ROW if rows == 1 else {"rows": [ROW] * rows}
    answer: Callable[[Any], float] = lambda content: content["predictions"][0]["probabilities"]["Yes"]


def contenders(folder: Path) -> list[Contender]:
    """Who is compared; a peer that is not installed is named and left out."""
    ours = [sys.executable, "-c", SERVE, str(folder / "store"), "PORT"]
    granian = [sys.executable, "-m", "granian", "--interface", "asginl", "--http", "1", "--no-ws", "--port", "PORT"]
    found = [
        Contender("Millrace, predictions logged", [*ours, "all"]),
        Contender("Millrace, log off", [*ours, "none"]),
        Contender(
            "ceiling: bare ASGI + onnxruntime on Granian",
            [*granian, "--log-level", "error", "--working-dir", str(HERE / "peers"), "bare_app:app"],
            answer=lambda content: content["probabilities"][1],
        ),
    ]
    for name, make in PEER_SERVERS.items():
        python = PEERS / f"serve-{name}" / "bin" / "python"
        if python.exists():
            found.append(make(python, folder))
        else:
            print(f"without {name}: there is no {python}")
    return found


def _fastapi(python: Path, _: Path) -> Contender:
    command = [str(python), "-m", "uvicorn", "--port", "PORT", "--log-level", "error", "--app-dir", str(HERE / "peers")]
    return Contender(
        "FastAPI + pandas + scikit-learn on uvicorn",
        [*command, "fastapi_app:app"],
        body=lambda rows: [ROW] * rows,
        answer=lambda content: content[0]["probabilities"]["Yes"],
    )


def _litserve(python: Path, _: Path) -> Contender:
    return Contender(
        "LitServe + pandas + scikit-learn",
        [str(python), str(HERE / "peers" / "litserve_app.py"), "PORT"],
        body=lambda rows: {"rows": [ROW] * rows},
        answer=lambda content: content["probabilities"][0][1],
    )


def _bentoml(python: Path, _: Path) -> Contender:
    command = [str(python), "-m", "bentoml", "serve", "bentoml_service:Bench", "--port", "PORT", "--host", "127.0.0.1"]
    return Contender(
        "BentoML + pandas + scikit-learn",
        [*command, "--working-dir", str(HERE / "peers")],
        body=lambda rows: {"rows": [ROW] * rows},
        answer=lambda content: content[0][1],
    )


def _mlflow(python: Path, folder: Path) -> Contender:
    model = folder / "mlflow"
    if not model.exists():
        subprocess.run([python, HERE / "peers" / "mlflow_model.py", model], check=True, capture_output=True)
    command = [str(python), "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", str(model)]
    return Contender(
        "MLflow models serve",
        [*command, "--workers", "1", "--host", "127.0.0.1", "--port", "PORT"],
        path="/invocations",
        body=lambda rows: {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())] * rows}},
        answer=lambda content: content["predictions"][0][1],
    )


def _mlserver(python: Path, folder: Path) -> Contender:
    served = folder / "mlserver"
    if not served.exists():
        subprocess.run([python, HERE / "peers" / "mlserver_model.py", served], check=True, capture_output=True)
    return Contender(
        "MLServer + scikit-learn",
        [str(python), str(HERE / "peers" / "mlserver_start.py"), str(served), "PORT"],
        path="/v2/models/bench/infer",
        body=lambda rows: {
            "parameters": {"content_type": "pd"},
            "inputs": [
                {"name": name, "shape": [rows, 1], "datatype": "FP64", "data": [value] * rows}
                for name, value in ROW.items()
            ],
            "outputs": [{"name": "predict_proba"}],
        },
        answer=lambda content: content["outputs"][0]["data"][1],
    )


PEER_SERVERS: dict[str, Callable[[Path, Path], Contender]] = {
    "fastapi": _fastapi,
    "litserve": _litserve,
    "bentoml": _bentoml,
    "mlflow": _mlflow,
    "mlserver": _mlserver,
}


@contextmanager
def running(contender: Contender, environment: dict[str, str]) -> Iterator[tuple[str, float, int]]:
    """The URL of a server that answers, after how many seconds it did, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [port if part == "PORT" else part for part in contender.command]
    environment = environment | {"PATH": f"{Path(command[0]).parent}{os.pathsep}{environment['PATH']}"}
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)
    url = f"http://127.0.0.1:{port}{contender.path}"
    try:
        while True:
            try:
                ask(contender, url)
                break
            except (OSError, ValueError, KeyError):
                if process.poll() is not None or time.perf_counter() > began + 90:
                    raise
                time.sleep(0.02)
        yield url, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):  # some peers wait for idle connections
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):  # and some leave processes behind
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(contender: Contender, url: str) -> float:
    """P(Yes) for the benchmark's row."""
    body = json.dumps(contender.body(1)).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return float(contender.answer(json.load(response)))


def load(
    contender: Contender, url: str, folder: Path, rows: int, seconds: int, connections: int = CONNECTIONS
) -> Round:
    """One round of wrk, with requests of so many rows, over so many connections."""
    script = folder / "post.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = [==[{json.dumps(contender.body(rows))}]==]\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
        "function done(summary, latency, requests)\n"
        "  io.write(string.format('SEEN %d %d %d %d %d %d\\n', summary.requests, summary.duration,"
        " latency:percentile(50), latency:percentile(99), latency:percentile(99.9),"
        " summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.connect))\nend\n"
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seen = re.search(r"SEEN (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", text)
    assert seen, text
    requests, microseconds, p50, p99, p999, failed = map(int, seen.groups())
    return Round(requests / microseconds * 1e6, p50 / 1e3, p99 / 1e3, p999 / 1e3, failed)


def mebibytes(process: int) -> float:
    """The proportional memory of a process and all below it."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        try:
            if (entry.name.isdigit() and os.getsid(int(entry.name)) == process) or _parent(entry) == process:
                total += int(re.search(r"Pss:\s+(\d+)", (entry / "smaps_rollup").read_text())[1]) / 1024  # type: ignore[index]
        except (OSError, TypeError):
            continue
    return total


def _parent(entry: Path) -> int:
    return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) if entry.name.isdigit() else 0


def measured(
    one: Contender, environment: dict[str, str], folder: Path, seconds: int, seen: Found
) -> tuple[float, Round]:
    """One round of one contender, added to what was `seen`; its answer and what its single rows gave."""
    with running(one, environment) as (url, started, process):
        answer = ask(one, url)
        load(one, url, folder, 1, 1)
        single = load(one, url, folder, 1, seconds)
        seen.crowd.append(load(one, url, folder, 1, seconds, CROWD))
        wide = None if "ceiling" in one.name else load(one, url, folder, WIDE, seconds, 2)
        seen.single.append(single)
        seen.wide += [wide] if wide else []
        seen.start_seconds.append(started)
        seen.mebibytes.append(mebibytes(process))
    return answer, single


def measure(folder: Path, only: list[str], rounds: int, seconds: int) -> dict[str, Found]:
    """Every contender, in turn, so many times. Their answers must agree first."""
    content = graph()
    publish(folder / "store", content)
    (folder / "model.onnx").write_bytes(content)
    environment = {**os.environ, "BENCH_GRAPH": str(folder / "model.onnx"), "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    environment["OMP_NUM_THREADS"] = "1"
    everyone = [one for one in contenders(folder) if not only or any(word in one.name.lower() for word in only)]
    found = {one.name: Found() for one in everyone}
    answers: dict[str, float] = {}
    for turn in range(rounds):
        for one in [one for one in everyone if one.name in found]:
            try:
                answers[one.name], single = measured(one, environment, folder, seconds, found[one.name])
            except (OSError, ValueError, KeyError, AssertionError) as error:
                print(f"without {one.name}: {error!r}")
                del found[one.name]
                continue
            rate = f"{single.requests_per_second:>8,.0f}/s"
            print(f"round {turn + 1} of {rounds}  {rate}  {one.name}", flush=True)
    if max(answers.values()) - min(answers.values()) > 1e-5:
        raise SystemExit(f"the servers do not serve the same model: {answers}")
    return found


def table(found: dict[str, Found]) -> Iterator[str]:
    """The lines of the table in docs/benchmarks.md."""
    own = next((one.median.requests_per_second for name, one in found.items() if "logged" in name), None)
    yield "| server | requests/s | p50 ms | p99 ms | p99.9 ms | p99 of 32 | failed | rows/s | MiB | start s | ours is |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, one in found.items():
        best = one.median
        wide = f"{WIDE * statistics.median(each.requests_per_second for each in one.wide):,.0f}" if one.wide else ""
        ratio = f"{own / best.requests_per_second:.2f} x" if own and "logged" not in name else ""
        crowded = statistics.median(each.p99_ms for each in one.crowd)
        latency = f"{best.p50_ms:.2f} | {best.p99_ms:.2f} | {best.p999_ms:.2f} | {crowded:.2f}"
        yield (
            f"| {name} | {best.requests_per_second:,.0f} | {latency} | {best.failed} | {wide} | "
            f"{statistics.median(one.mebibytes):,.0f} | {statistics.median(one.start_seconds):.1f} | {ratio} |"
        )


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[], help="words of names, such as millrace ceiling mlflow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    given = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given.only, given.rounds, given.seconds)
    print(f"\n{CONNECTIONS} connections, then {CROWD} (2 for requests of {WIDE} rows)")
    print(f"{given.seconds} s, {os.cpu_count()} cores\n")
    print("\n".join(table(found)))
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    kept = {
        "cpus": os.cpu_count(),
        "connections": CONNECTIONS,
        "found": {name: asdict(one) for name, one in found.items()},
    }
    (results / "serving.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
