"""How many single-row predictions a second one server process answers, beside a peer and a ceiling.

    python bench/serving.py            # needs wrk; the peer needs bench/.venv-peers with fastapi uvicorn pandas
                                       # scikit-learn lightgbm, and is left out with the reason otherwise

The same 200 trees on 20 columns are served by Millrace (with and without prediction log), by FastAPI + pandas +
scikit-learn on uvicorn, and by a bare ASGI function + onnxruntime on Granian. One process each, one after another, on
the same machine as the load generator; rounds are interleaved, the median round counts. Prints a table; leaves
bench/results/serving.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "peers"), str(HERE.parent / "src")]
from model import COLUMNS, ROW, classifier, data  # noqa: E402 - found through the line above

ROUNDS, SECONDS, CONNECTIONS = 3, 4, 16
PEER_PYTHON = HERE / ".venv-peers" / "bin" / "python"
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
    failed: int


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


def contenders(folder: Path) -> dict[str, list[str]]:
    """The command of each server; ``PORT`` stands for its port."""
    ours = [sys.executable, "-c", SERVE, str(folder), "PORT"]
    found = {
        "Millrace, predictions logged": [*ours, "all"],
        "Millrace, log off": [*ours, "none"],
        "ceiling: bare ASGI + onnxruntime on Granian": [
            *(sys.executable, "-m", "granian", "--interface", "asginl", "--http", "1", "--no-ws", "--port", "PORT"),
            *("--log-level", "error", "--working-dir", str(HERE / "peers"), "bare_app:app"),
        ],
    }
    missing = "fastapi, uvicorn, pandas, scikit-learn, lightgbm are not in bench/.venv-peers"
    check = "import fastapi, uvicorn, pandas, sklearn, lightgbm"
    if PEER_PYTHON.exists() and not subprocess.run([PEER_PYTHON, "-c", check], check=False).returncode:
        found["FastAPI + pandas + scikit-learn on uvicorn"] = [
            *(str(PEER_PYTHON), "-m", "uvicorn", "--port", "PORT", "--log-level", "error"),
            *("--app-dir", str(HERE / "peers"), "fastapi_app:app"),
        ]
    else:
        print(f"without FastAPI: {missing}")
    return found


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """The URL of a server that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen([port if part == "PORT" else part for part in command], env=environment)
    url = f"http://127.0.0.1:{port}/predict"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                ask(url)
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def ask(url: str) -> float:
    """P(Yes) for the benchmark's row."""
    request = urllib.request.Request(url, json.dumps(ROW).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        content = json.load(response)
    probabilities = content.get("predictions", [content])[0]["probabilities"]
    return float(probabilities["Yes"] if isinstance(probabilities, dict) else probabilities[1])


def load(url: str, script: Path, seconds: float = SECONDS) -> Round:
    """One round of wrk."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Round(rate, _ms(text, "50%"), _ms(text, "99%"), int(failed[1]) if failed else 0)


def _ms(text: str, quantile: str) -> float:
    value, unit = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(value) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]


def measure(folder: Path) -> dict[str, list[Round]]:
    """Every contender, in turn, `ROUNDS` times. Their answers must agree first."""
    content = graph()
    publish(folder / "store", content)
    (folder / "model.onnx").write_bytes(content)
    script = folder / "post.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = [[{json.dumps(ROW)}]]\nwrk.headers['Content-Type'] = 'application/json'\n"
    )
    environment = {**os.environ, "BENCH_GRAPH": str(folder / "model.onnx"), "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    rounds: dict[str, list[Round]] = {}
    answers: dict[str, float] = {}
    for turn in range(ROUNDS):
        for name, command in contenders(folder / "store").items():
            with running(command, environment) as url:
                answers[name] = ask(url)
                load(url, script, 1)
                rounds.setdefault(name, []).append(load(url, script))
            print(f"round {turn + 1} of {ROUNDS}  {rounds[name][-1].requests_per_second:>8,.0f}/s  {name}")
    if max(answers.values()) - min(answers.values()) > 1e-5:
        raise SystemExit(f"the servers do not serve the same model: {answers}")
    return rounds


def main() -> None:
    """Measure, print, keep."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(Path(folder))
    medians = {
        name: sorted(found, key=lambda each: each.requests_per_second)[len(found) // 2]
        for name, found in rounds.items()
    }
    own = medians["Millrace, predictions logged"].requests_per_second
    print(f"\n{'':46}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}  Millrace, logged, is")
    for name, found in medians.items():
        ratio = own / found.requests_per_second
        print(f"{name:46}{found.requests_per_second:>11,.0f}{found.p50_ms:>9.2f}{found.p99_ms:>9.2f}{ratio:>8.2f}x")
    spread = {name: statistics.pstdev([each.requests_per_second for each in found]) for name, found in rounds.items()}
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    kept = {
        "cpus": os.cpu_count(),
        "connections": CONNECTIONS,
        "median": {name: asdict(found) for name, found in medians.items()},
        "spread": spread,
    }
    (results / "serving.json").write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
