"""Serving as a part of the wheel: from the first champion on, and again whenever the server stopped by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from millrace.errors import MillraceError
from millrace.lifecycle import Site, champion
from millrace.records.progress import Step, Watch
from millrace.wheel.board import Board

#: The first pause before a server is started again, doubled up to the longest one.
_PAUSE, _LONGEST = 1.0, 60.0

#: Serves until the event is set; tells its address once it answers.
Serve = Callable[[Watch, threading.Event], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """Keeps a server running in a thread; a champion's successors are put in place by the server itself."""

    site: Site
    serve: Serve
    board: Board
    stop: threading.Event

    def run(self) -> None:
        """Serve until `stop` is set, whatever happens to the server; what keeps it from answering is on the board."""
        pause = _PAUSE
        while not self.stop.is_set():
            try:
                if champion(self.site) is None:
                    self.board.serving("", "waits for the first champion")
                    self._await_champion()
                    continue
                self.serve(self._answers, self.stop)
                pause = _PAUSE
            except MillraceError as error:
                self.board.serving("", error.seen)
                self.stop.wait(pause)
                pause = min(2 * pause, _LONGEST)

    def _await_champion(self) -> None:
        while champion(self.site) is None and not self.stop.wait(_PAUSE):
            pass

    def _answers(self, step: Step) -> None:
        self.board.serving(step.text, "answers")
