"""The process that keeps a server's workers: ``python -m millrace.serve.server``, started by `serve.stage`."""

from __future__ import annotations

import resource
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels

from millrace.serve.child import Orders, end_with_parent

_CONNECTIONS = 20_000
_BACKLOG = 4096
_DRAIN_SECONDS = 7


def main() -> None:
    """Keep the workers until SIGTERM, or until the parent is gone."""
    orders = Orders.received()
    end_with_parent()
    _allow_connections()
    Granian(
        "millrace.serve.worker:create",
        factory=True,
        address=orders.host,
        port=orders.port,
        interface=Interfaces.RSGI,
        workers=orders.workers,
        runtime_threads=1,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        # Clouds kill a container 10 s after SIGTERM: what was begun is cut off sooner, so that the log is settled too.
        workers_kill_timeout=_DRAIN_SECONDS,
        # A connection takes a place until it is closed, idle or not: far more places than a worker has requests.
        backpressure=_CONNECTIONS,
        backlog=_BACKLOG,
        ssl_cert=Path(orders.certificate) if orders.certificate else None,
        ssl_key=Path(orders.private_key) if orders.private_key else None,
        ssl_protocol_min=SSLProtocols.tls12,
    ).serve()


def _allow_connections() -> None:
    """Let this process and its workers hold as many connections as the system lets them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + 1024
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


if __name__ == "__main__":
    main()
