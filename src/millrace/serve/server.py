"""The process that keeps a server's workers: ``python -m millrace.serve.server``, started by `serve.stage`."""

from __future__ import annotations

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from millrace.serve.child import Orders, end_with_parent


def main() -> None:
    """Keep the workers until SIGTERM, or until the parent is gone."""
    orders = Orders.received()
    end_with_parent()
    Granian(
        "millrace.serve.worker:create",
        factory=True,
        address=orders.host,
        port=orders.port,
        interface=Interfaces.ASGI,
        workers=orders.workers,
        runtime_threads=1,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()


if __name__ == "__main__":
    main()
