"""Read the next batch while this one is being committed: reading and writing keep two cores busy instead of one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from millrace.records.batch import Batch


def read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the same batches in the same order; one more than is asked for may have been read.

    Nothing is promised by reading: a batch that was read ahead and never committed is read again after its position.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        pending = reader.submit(next, batches, None)
        while (batch := pending.result()) is not None:
            pending = reader.submit(next, batches, None)
            yield batch
