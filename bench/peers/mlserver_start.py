"""The peer: MLServer without a pool of processes. Run: python mlserver_start.py FOLDER PORT."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

folder, port = Path(sys.argv[1]), int(sys.argv[2])
settings = {
    "http_port": port,
    "grpc_port": port + 1,
    "metrics_port": port + 2,
    "parallel_workers": 0,
    "host": "127.0.0.1",
}
(folder / "settings.json").write_text(json.dumps(settings))
os.execv(sys.executable, [sys.executable, "-m", "mlserver.cli.main", "start", str(folder)])
