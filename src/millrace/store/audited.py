"""Verbs that leave their traces in the audit log: an entry before they begin, and one that says how they ended."""

from __future__ import annotations

import functools
import getpass
import inspect
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from millrace.errors import MillraceError, RemoteError
from millrace.records.audit import AuditEntry
from millrace.records.erasure import Erased
from millrace.records.ingestion import Ingested
from millrace.records.quarantine import Replayed
from millrace.records.release import Release
from millrace.records.retrained import Retrained
from millrace.records.run import Run
from millrace.store.audit import FOLDER, append
from millrace.store.objects import Store

#: Says who acts, where the user of the operating system is not the one to name, as in a scheduled job.
ACTOR = "MILLRACE_ACTOR"


class _Audited(Protocol):
    store: Store

    @property
    def hide(self) -> Callable[[str], str]: ...


Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Self = TypeVar("Self", bound=_Audited)


def actor() -> str:
    """Who acts: what `MILLRACE_ACTOR` says, else the user at this machine."""
    return os.environ.get(ACTOR) or f"{getpass.getuser()}@{socket.gethostname()}"


def audited(
    verb: str, *, required: bool = True
) -> Callable[[Callable[Concatenate[Self, Given], Answer]], Callable[Concatenate[Self, Given], Answer]]:
    """Let a method of a project be recorded as `verb`, with its arguments and the ids of what came of it.

    A verb that is not `required` to be recorded, such as serving from a store that is read-only, runs all the same.
    """

    def around(method: Callable[Concatenate[Self, Given], Answer]) -> Callable[Concatenate[Self, Given], Answer]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def recorded_method(self: Self, /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
            given = list(signature.bind(self, *args, **kwargs).arguments.items())[1:]
            arguments = {name: value for name, value in given if isinstance(value, str | int | float) and value}
            with recorded(self.store, verb, arguments, self.hide, required=required) as ids:
                answer = method(self, *args, **kwargs)
                ids.update(identify(answer))
            return answer

        return recorded_method

    return around


@contextmanager
def recorded(
    store: Store, verb: str, arguments: Mapping[str, object], hide: Callable[[str], str], *, required: bool = True
) -> Iterator[dict[str, object]]:
    """Record that `verb` begins, and how it ended; what is put into the dict that this yields are its ids.

    `hide` takes out of a text what must not be kept. Raises `RemoteError`, before anything is done, when the log is
    `required` and cannot be written.
    """
    kept = {name: hide(value) if isinstance(value, str) else value for name, value in arguments.items()}
    who, ids = hide(actor()), dict[str, object]()

    def entry(kind: Any, outcome: str, began: int | None) -> AuditEntry:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = kept if kind == "begin" else {}
        return append(
            store,
            lambda number, previous: AuditEntry(
                number, kind, verb, who, now, previous, told, outcome, ids if kind == "end" else {}, began
            ),
        )

    began = None
    try:
        began = entry("begin", "", None).number
    except RemoteError as error:
        if required:
            seen = f"The audit log cannot be written, so nothing was done. {error.seen}"
            raise RemoteError(seen, where=FOLDER, next_step=error.next_step) from error
    try:
        yield ids
    except BaseException as error:
        if began is not None:
            with suppress(RemoteError):  # why the verb failed is what its caller must hear of
                entry("end", _outcome(error), began)
        raise
    if began is not None:
        entry("end", "done", began)


def identify(answer: object) -> dict[str, object]:  # noqa: PLR0911 - one line for each kind of answer
    """The ids of what a verb made or changed."""
    match answer:
        case Run():
            release = {"release": answer.release.number} if answer.release else {}
            return {"run": answer.run, "package": answer.package.name, "version": answer.package.version, **release}
        case Release():
            return {"release": answer.number, "package": answer.package, "version": answer.version}
        case Retrained():
            return {"decision": answer.decision.decision, **identify(answer.run), **identify(answer.release)}
        case Erased():
            return {"person": answer.person, **answer.removed, "until": answer.until}
        case Ingested() | Replayed():
            return {"source": answer.source, "table_version": answer.table_version}
        case tuple() if answer and all(isinstance(one, Ingested) for one in answer):
            return {one.source: one.table_version for one in answer}
        case _:
            return {}


def _outcome(error: BaseException) -> str:
    if isinstance(error, MillraceError):
        return f"failed: {error.code}"
    return f"failed: {type(error).__name__}" if isinstance(error, Exception) else "interrupted"
