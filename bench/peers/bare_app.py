"""The ceiling: a bare ASGI function around the same graph, no checks, no names, no log. Run by Granian."""

from __future__ import annotations

import os

import msgspec
import numpy as np
import onnxruntime
from model import COLUMNS

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["BENCH_GRAPH"], options, providers=["CPUExecutionProvider"])
HEADERS = [(b"content-type", b"application/json")]


async def app(scope, receive, send):  # type: ignore[no-untyped-def]  # noqa: ARG001 - ASGI
    """One row in, its probabilities out."""
    row = msgspec.json.decode((await receive())["body"])
    numbers = np.array([[row[name] for name in COLUMNS]])
    label, probabilities = session.run(["label", "probabilities"], {"numbers": numbers})
    content = msgspec.json.encode({"label": int(label[0]), "probabilities": probabilities[0].tolist()})
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": content})
