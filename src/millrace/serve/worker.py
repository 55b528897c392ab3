"""One worker process: opens the model and the log, follows the champion, answers.

Started by Granian through `create`; nothing here runs at import.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from millrace.privacy.columns import privacy
from millrace.serve.access import Access, Guard
from millrace.serve.application import Application, Limits
from millrace.serve.body import MEBIBYTE
from millrace.serve.child import Orders, end_with_parent
from millrace.serve.core import Core
from millrace.serve.follower import Follower
from millrace.serve.metrics import Board
from millrace.serve.opening import opened
from millrace.serve.rate import Rate
from millrace.serve.tokens import Issuer, Tokens
from millrace.store.keys import KeyRing
from millrace.store.objects import Store
from millrace.store.prediction_log import wal
from millrace.store.signing import Trust


def create() -> Application:
    """The application of this worker, as its orders say."""
    orders = Orders.received()
    end_with_parent()
    store = Store(orders.store)
    private = privacy(orders.pii, os.environ, "serve")
    trust = Trust.read(orders.trust) if orders.trust else None
    core = Core(opened(store, orders.package, orders.first, trust), private)
    board = Board(orders.board_folder, str(os.getpid()))
    ring = KeyRing(store) if orders.keys == "required" else None
    tokens = Tokens(Issuer(*orders.tokens)) if orders.tokens else None
    for known in (ring, tokens):
        if known:
            known.refresh()

    guard = Guard(ring, tokens, orders.package) if ring or tokens else None
    limits = Limits(orders.body_mib * MEBIBYTE, orders.queue, orders.rate, orders.together, orders.together_ms / 1000)

    @contextmanager
    def living(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        follower = Follower(orders, store, core, board, loop, (ring, tokens), trust)
        if orders.kept:
            core.write_to(wal(store), share=orders.log)
        # What is there now stays: the collector need not walk through it again and again between requests.
        gc.freeze()
        with follower, _grpc(core, orders, guard, limits):
            yield
        core.close()

    return Application(core, board, living, os.environ, guard, limits, secure=orders.certificate is not None)


def _grpc(core: Core, orders: Orders, guard: Guard | None, limits: Limits) -> AbstractContextManager[None]:
    """The worker's gRPC server, where one is asked for."""
    if orders.grpc is None:
        return nullcontext()
    from millrace.serve.grpc_server import GrpcServer

    rate = Rate(limits.rate) if limits.rate else None
    host = f"[{orders.host}]" if ":" in orders.host else orders.host
    certificate = (orders.certificate, orders.private_key) if orders.certificate and orders.private_key else None
    return GrpcServer(
        core,
        f"{host}:{orders.grpc}",
        Access(guard, rate) if guard or rate else None,
        body=limits.body,
        queue=limits.queue,
        certificate=certificate,
    )
