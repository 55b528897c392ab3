"""The process that settles a server's log: ``python -m millrace.serve.settler``, started by `serve.stage`.

It keeps polars and deltalake out of the processes that answer.
"""

from __future__ import annotations

import gc
import logging
import os
import threading

from millrace.engine.stopping import told_to_stop
from millrace.errors import RemoteError
from millrace.serve.child import Orders, end_with_parent
from millrace.store.objects import Store
from millrace.store.prediction_log import settle, wal
from millrace.store.segments import abandoned, workers

SETTLE_SECONDS = 5.0
#: How long workers whose parent died may take to drain before the last settlement.
_LAST_SECONDS = 10
#: Answering comes first.
_NICENESS = 10


def main() -> None:
    """Settle every `SETTLE_SECONDS` until SIGTERM, or until the parent is gone; then once more."""
    os.nice(_NICENESS)
    # Records by the hundred thousand, in no circles: to look for circles among them took a third of the time.
    gc.disable()
    store = Store(Orders.received().store)
    with told_to_stop() as stop:
        end_with_parent(stop.set)
        while not stop.wait(SETTLE_SECONDS):
            _settle(store)
        for _ in range(_LAST_SECONDS):
            if all(abandoned(worker) for worker in workers(wal(store))):
                break
            threading.Event().wait(1.0)
        _settle(store)


def _settle(store: Store) -> None:
    """Settle; what an object store out of reach does not take stays on this machine until the next time."""
    try:
        settle(store)
    except RemoteError as error:
        logging.getLogger("millrace.serve").error("%s", error)
    gc.collect()


if __name__ == "__main__":
    main()
