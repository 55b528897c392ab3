"""Changing the champion: every change is an entry of the release log, with who, why and on what evidence."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from millrace.errors import ReleaseError
from millrace.records.package import PackageInfo
from millrace.records.release import Release
from millrace.store import packages, releases
from millrace.store.objects import Store
from millrace.store.releases import champion, history

__all__ = ["champion", "history", "promote", "rollback", "user_at_host"]


def promote(
    store: Store,
    package: PackageInfo,
    *,
    by: str | None = None,
    reason: str,
    evidence: Mapping[str, object] | None = None,
) -> Release:
    """Make `package` champion; give the entry as written.

    `by` is user@host unless named; `evidence` is JSON. Raises `PackageError` when the package does not rest in
    `store`, `ReleaseError` when it is champion already or the log is damaged.
    """
    packages.find(store, package.name, package.version)

    def entry(past: tuple[Release, ...]) -> Release:
        before = past[-1] if past else None
        if before and (before.package, before.version) == (package.name, package.version):
            raise ReleaseError(
                f"{package.name} version {package.version} is champion already, since {before.at}.",
                where="releases",
                code="release.same",
                next_step="millrace release history",
            )
        return Release(
            number=len(past) + 1,
            kind="promote",
            package=package.name,
            version=package.version,
            previous=before.version if before else None,
            at=_now(),
            by=by or user_at_host(),
            reason=reason,
            evidence=dict(evidence or {}),
        )

    return releases.append(store, entry)


def rollback(
    store: Store, *, by: str | None = None, reason: str, evidence: Mapping[str, object] | None = None
) -> Release:
    """Make the champion before the current one champion again; give the entry as written.

    It leads to whoever was champion before the current one took over; a second rollback leads one further back, so
    going to and fro between two versions takes a new promotion. Raises `ReleaseError` when there is nobody before.
    """

    def entry(past: tuple[Release, ...]) -> Release:
        standing = releases.standing(past)
        if len(standing) < 2:
            raise ReleaseError(
                "There is no champion before the current one." if standing else "Nothing was ever released.",
                where="releases",
                code="release.nothing-before",
                next_step="millrace release history" if standing else "millrace run",
            )
        target = standing[-2]
        packages.find(store, target.package, target.version)
        return Release(
            number=len(past) + 1,
            kind="rollback",
            package=target.package,
            version=target.version,
            previous=past[-1].version,
            at=_now(),
            by=by or user_at_host(),
            reason=reason,
            evidence=dict(evidence or {}),
        )

    return releases.append(store, entry)


def user_at_host() -> str:
    """Who changes the champion when nobody is named: the login name and the machine's."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
