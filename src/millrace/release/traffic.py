"""Changing what is tried beside the champion: every change is an entry of the traffic log, with who and why."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from millrace.errors import ReleaseError, UsageError
from millrace.records.release import Release
from millrace.records.signature import Signature
from millrace.records.traffic import Challenger, Outcome, OutcomeName, Shadow, Traffic
from millrace.store import packages, traffic
from millrace.store.objects import Store
from millrace.store.releases import champion

#: What a prediction can be worth, and whether more of it is better.
_CLASSES: dict[OutcomeName, bool] = {"accuracy": True, "brier": False, "outcome": True}
_VALUES: dict[OutcomeName, bool] = {"absolute_error": False, "squared_error": False, "outcome": True}

#: The code of the error when another champion came while somebody decided about the traffic of one.
OVERTAKEN = "traffic.overtaken"

_STOPPED = ("all", "challenger", "shadow")


def outcome_of(text: str, signature: Signature, *, lower: bool = False) -> Outcome:
    """What `accuracy`, `brier`, `absolute_error`, `squared_error`, `outcome` or `outcome=<class>` is for this model.

    `lower` turns an outcome about, of which less is better; the others know it themselves. The empty text means
    ``accuracy``, or ``absolute_error`` for numbers. Raises `UsageError` for what this model does not have.

    Examples
    --------
    >>> signature = Signature("binary", "bought", (), ("no", "yes"), "yes")
    >>> [outcome_of(text, signature).name for text in ("", "brier")], outcome_of("outcome", signature).of
    (['accuracy', 'brier'], 'yes')
    """
    known = _CLASSES if signature.classes else _VALUES
    name, _, of = text.partition("=")
    name = name or next(iter(known))
    allowed = [*known] if not signature.classes else [*known, *(f"outcome={one}" for one in signature.classes)]
    of = of or (signature.positive or "" if name == "outcome" else "")
    fits = (of in signature.classes) if name == "outcome" and signature.classes else not of
    if name not in known or not fits:
        raise UsageError(
            f"`{text}` is no outcome of a {signature.task} model.",
            where="release challenge",
            code="traffic.outcome",
            allowed=allowed,
        )
    return Outcome(name, known[name] != (lower and name == "outcome"), of)


def challenge(
    store: Store,
    challenger: Challenger,
    *,
    by: str,
    reason: str,
    alone: bool = False,
    beside: Release | None = None,
) -> Traffic:
    """Let a challenger answer its part of the traffic; give the entry as written. `alone`: a shadow hears no more.

    `beside` is the champion that whoever decided this saw: when another took its place meanwhile, nothing is written
    and `ReleaseError` is raised, with the code of `OVERTAKEN`.

    Askers who met this version before go on meeting it when its weight grows. What is counted for the verdict begins
    anew: a mix of weights and of times would look like a difference. Raises `UsageError` for a weight that is no part,
    `PackageError` for a version that does not exist, `ReleaseError` when there is no champion, or it is this version.
    """
    _is_part(challenger.weight, "challenge", whole=False)

    def following(before: Traffic) -> Traffic:
        past = before.challenger
        salt = past.salt if past and past.version == challenger.version else secrets.token_hex(8)
        answering = replace(challenger, salt=salt, since=_now())
        return replace(before, challenger=answering, shadow=None if alone else before.shadow)

    return _change(store, challenger.version, following, by, reason, beside)


def listen(store: Store, shadow: Shadow, *, by: str, reason: str, beside: Release | None = None) -> Traffic:
    """Let a shadow hear its part of the requests; give the entry as written. `beside` and errors as of `challenge`."""
    _is_part(shadow.weight, "shadow", whole=True)
    heard = replace(shadow, since=_now())
    return _change(store, shadow.version, lambda before: replace(before, shadow=heard), by, reason, beside)


def stop(store: Store, what: str, *, by: str, reason: str) -> Traffic:
    """Give the traffic of a challenger back to the champion, let a shadow hear no more; give the entry as written.

    `what` is ``challenger``, ``shadow`` or ``all``. Raises `ReleaseError` when there is nothing to stop.
    """
    if what not in _STOPPED:
        raise UsageError(f"`{what}` cannot be stopped.", where="release stop", code="traffic.stop", allowed=_STOPPED)

    def following(before: Traffic) -> Traffic:
        challenger = None if what in {"all", "challenger"} else before.challenger
        shadow = None if what in {"all", "shadow"} else before.shadow
        if (challenger, shadow) == (before.challenger, before.shadow):
            raise ReleaseError(
                "Nothing is tried beside the champion." if what == "all" else f"There is no {what}.",
                where=traffic.FOLDER,
                code="traffic.none",
                next_step="millrace release status",
            )
        return replace(before, challenger=challenger, shadow=shadow)

    return _change(store, None, following, by, reason)


def _change(
    store: Store,
    version: int | None,
    following: Callable[[Traffic], Traffic],
    by: str,
    reason: str,
    beside: Release | None = None,
) -> Traffic:
    current = champion_of(store)
    if beside is not None and beside.number != current.number:
        raise ReleaseError(
            f"Version {current.version} became champion meanwhile, so nothing was changed.",
            where=traffic.FOLDER,
            code=OVERTAKEN,
            next_step="millrace release status",
        )
    if version is not None:
        packages.find(store, current.package, version)
        if version == current.version:
            raise ReleaseError(
                f"Version {version} is the champion; it cannot be tried beside itself.",
                where=traffic.FOLDER,
                code="traffic.champion",
                next_step="millrace release history",
            )

    def entry(past: tuple[Traffic, ...]) -> Traffic:
        empty = Traffic(0, current.package, current.number, None, None, "", "", "")
        # What was tried beside another champion ended with it.
        before = past[-1] if past and past[-1].release == current.number else empty
        return replace(following(before), number=len(past) + 1, at=_now(), by=by, reason=reason)

    return traffic.append(store, entry)


def champion_of(store: Store) -> Release:
    """The release of the champion. Raises `ReleaseError` when there is none."""
    current = champion(store)
    if current is None:
        raise ReleaseError(
            "There is no champion to try anything beside.",
            where="releases",
            code="release.none",
            next_step="millrace run",
        )
    return current


def _is_part(weight: float, verb: str, *, whole: bool) -> None:
    if not 0.0 < weight <= 1.0 or (weight == 1.0 and not whole):
        raise UsageError(
            f"The weight is {weight:g}.",
            where=f"release {verb}",
            code="traffic.weight",
            allowed=["more than 0 %, up to 100 %" if whole else "more than 0 % and less than 100 %"],
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
