"""On Ray: each part is a task, its results come back through Ray's object store as they are made.

Ray Core's streaming generators with back pressure (Moritz et al. 2018, Ray; `num_returns="streaming"`). The workers
need the same Millrace, and must see the same files and stores as this process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import islice
from typing import Any, Self

from millrace.engine.base import Part, Result
from millrace.errors import MissingExtraError, RemoteError

#: Results of one part that may wait in the object store.
_AHEAD = 2


class OnRay:
    """An engine on the Ray cluster at `address`; ``local`` starts one on this machine that ends with the engine.

    It connects when there is something to do. Raises `MissingExtraError` without the extra.
    """

    several = True

    def __init__(self, address: str = "local", cpus: int | None = None) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError(
                "Ray is not installed.", where="engine", next_step="pip install 'millrace[ray]', or engine: local"
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        self._address = address
        self._cpus = cpus
        self._mine = False
        #: Ray's processes end with the thread that started them, so a thread does that stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="ray")

    def stream(self, work: Callable[[Part], Iterable[Result]], parts: Iterable[Part]) -> Generator[Result]:
        """Everything that `work` yields for each part, in the order of a plain loop.

        Raises `RemoteError` when the cluster does not answer, or loses a task for good.
        """
        self._connect()
        waiting = iter(parts)
        width = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        task = self._ray.remote(_each).options(num_returns="streaming", _generator_backpressure_num_objects=_AHEAD)
        shared = self._ray.put(work)
        under_way: deque[Any] = deque(task.remote(shared, part) for part in islice(waiting, width))
        try:
            while under_way:
                for reference in under_way[0]:
                    yield self._taken(reference)
                under_way.popleft()
                under_way.extend(task.remote(shared, part) for part in islice(waiting, 1))
        finally:
            for one in under_way:
                self._ray.cancel(one)

    def close(self) -> None:
        """Leave the cluster; end it when this engine started it."""
        if self._mine and self._ray.is_initialized():
            self._ray.shutdown()
        self._starter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        own = {"num_cpus": self._cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        try:
            self._starter.submit(
                self._ray.init,
                address=self._address,
                log_to_driver=False,
                logging_level="error",
                **(own if self._address == "local" else {}),
            ).result()
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            raise RemoteError(
                f"No Ray cluster answers at {self._address}: {error}",
                where="engine",
                code="engine.unreachable",
                next_step="ray start --head, or engine: local",
            ) from error
        self._mine = True

    def _taken(self, reference: Any) -> Any:
        """The result, or the very error that the work raised."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            seen = f"Ray lost a task: {error}. What was committed before is safe."
            raise RemoteError(
                seen, where="engine", code="engine.lost", next_step="run the same command again"
            ) from error


def _each(work: Callable[[Part], Iterable[Result]], part: Part) -> Iterator[Result]:
    for result in work(part):  # noqa: UP028 - Ray sends into the generator, which `yield from` hands to the wrong one
        yield result
