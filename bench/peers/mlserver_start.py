"""The peer: MLServer without a pool of processes. Run: python mlserver_start.py FOLDER PORT."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

folder, port = Path(sys.argv[1]), int(sys.argv[2])
with socket.socket() as one, socket.socket() as other:
    for probe in (one, other):
        probe.bind(("127.0.0.1", 0))
    grpc_port, metrics_port = (probe.getsockname()[1] for probe in (one, other))
settings = {
    "http_port": port,
    "grpc_port": grpc_port,
    "metrics_port": metrics_port,
    "parallel_workers": 0,
    "host": "127.0.0.1",
}
(folder / "settings.json").write_text(json.dumps(settings))
os.execv(sys.executable, [sys.executable, "-m", "mlserver.cli.main", "start", str(folder)])
