"""What the processes of one server share: what they are told, and that they end when their parent does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

import msgspec

VARIABLE = "MILLRACE_SERVE"
_LOOK_SECONDS = 0.25
_DRAIN_SECONDS = 10.0


class Orders(msgspec.Struct, frozen=True):
    """What a server's processes are told, through the environment; `version` None follows the champion."""

    store: str
    package: str
    version: int | None
    first: int
    host: str
    port: int
    workers: int
    log: float
    board: str
    pii: dict[str, str] = {}
    keys: Literal["none", "required"] = "none"
    body_mib: int = 16
    queue: int = 256
    rate: float | None = None
    certificate: str | None = None
    private_key: str | None = None
    trust: str | None = None
    grpc: int | None = None
    together: int = 1
    together_ms: float = 0.0
    tokens: tuple[str, str, str] | None = None
    kept: bool = True

    @classmethod
    def received(cls) -> Self:
        """The orders this process was started with."""
        return msgspec.json.decode(os.environ[VARIABLE], type=cls)

    def environment(self) -> dict[str, str]:
        """What a process that gets these orders is started with."""
        return {**os.environ, VARIABLE: msgspec.json.encode(self).decode()}

    @property
    def board_folder(self) -> Path:
        """Where workers leave their counts for each other."""
        return Path(self.board)


def end_with_parent(ending: Callable[[], None] | None = None) -> None:
    """End this process soon after its parent is gone, however the parent went: drain first, then leave.

    `ending` replaces the polite half, which is a SIGTERM to itself.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        if ending:
            ending()
            return
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_DRAIN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
