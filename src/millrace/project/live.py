"""What a project does with what is live: serve, release, watch, and who did what."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import to_builtins

from millrace.config.units import share
from millrace.errors import ReleaseError, UsageError, nearest
from millrace.lifecycle import promote
from millrace.project.base import Loaded
from millrace.records.audit import Action, AuditVerdict
from millrace.records.message import ASKED, Delivery, Silence, Telling
from millrace.records.monitoring import Decision
from millrace.records.progress import Watch, unwatched
from millrace.records.release import Release
from millrace.records.retrained import Retrained
from millrace.records.traffic import Challenger, Concluded, Shadow, Standing, Traffic
from millrace.records.turning import JobState, WheelStatus
from millrace.store import releases
from millrace.store.audit import actions
from millrace.store.audited import actor, audited, recorded
from millrace.store.integrity import read_manifest
from millrace.store.key_book import KeyBook


class Live(Loaded):
    """The verbs of releases, servers and monitoring."""

    @audited("serve", required=False)
    def serve(
        self,
        *,
        port: int | None = None,
        version: int | None = None,
        trust: str | None = None,
        watch: Watch = unwatched,
    ) -> None:
        """Answer over HTTP until stopped; the champion, and its successors, unless a version is given.

        Without `port` the one that a cloud sets in the environment counts, then the settings'. `watch` gets one step,
        whose text is the URL, once the server answers. With `trust`, the file of a public key in place of the
        settings' own, nothing is served that this key did not sign.
        """
        self._serve(watch, version=version, port=port, trust=trust)

    @audited("up")
    def up(
        self,
        *,
        port: int | None = None,
        told: Callable[[JobState], None] = lambda _: None,
        watch: Watch = unwatched,
    ) -> None:
        """Keep everything turning until stopped: arrivals, looks, retraining, serving, as the section `up` says.

        `told` gets the state of each job that has news. Raises `UsageError` when another process does so already.
        """
        from millrace.wheel.up import up

        def serve(answering: Watch, stop: threading.Event) -> None:
            self._serve(answering, port=port, stop=stop)

        def recorded_as(verb: str) -> AbstractContextManager[dict[str, object]]:
            return recorded(self.store, verb, {"by": "up"}, self.hide)

        up(self._site(watch), serve, by=actor(), recorded=recorded_as, told=told)

    def status(self) -> WheelStatus:
        """How `millrace up` stands: its jobs, the champion, its address. Raises `UsageError` before the first."""
        from millrace.wheel.board import status

        return status(self.store)

    @audited("promote")
    def promote(self, version: int, reason: str = "") -> Release:
        """Make a package champion by hand; one that waits for approval, on the evidence of its run."""
        from millrace.wheel.acting import evidence_of

        why, evidence = self.hide(reason) or "by hand", {"by hand": True, **evidence_of(self.store, version)}
        return promote(self._site(), self._package(version), by=actor(), reason=why, evidence=evidence)

    @audited("rollback")
    def rollback(self, reason: str = "") -> Release:
        """Give traffic back to the champion before."""
        from millrace.release.stage import rollback

        return rollback(self.store, by=actor(), reason=self.hide(reason) or "by hand")

    @audited("challenge")
    def challenge(  # noqa: PLR0913 - the terms of a trial
        self,
        version: int,
        weight: str | float = "10%",
        outcome: str = "",
        *,
        lower: bool = False,
        sticky: str = "",
        minimum: int = 200,
        maximum: int = 1_000_000,
        margin: float = 0.0,
        reason: str = "",
    ) -> Traffic:
        """Let a package answer a part of the askers beside the champion, and be compared with it by an outcome.

        `outcome` is accuracy, brier, absolute_error, squared_error, or ``outcome=<class>``, the rate of a class that
        was reported; of an outcome less is better with `lower`. `sticky` names the field that says who asks, where
        requests bring no `Millrace-Key`. The verdict waits for `minimum` askers on each side, and is given up after
        `maximum`; with a `margin` two models that are surely less apart are as good as each other.
        """
        from millrace.release.traffic import challenge, outcome_of

        signature = read_manifest(self._package(version).path).signature
        judged = outcome_of(outcome, signature, lower=lower)
        part, fields = share(weight), [field.name for field in signature.inputs]
        if sticky and sticky not in fields:
            near = nearest(sticky, fields)
            raise UsageError(
                f"The model has no field `{sticky}`.", where="release challenge", allowed=fields, nearest=near
            )
        terms = Challenger(version, part, judged, "", sticky, minimum, maximum, margin)
        return challenge(self.store, terms, by=actor(), reason=self.hide(reason) or "by hand")

    @audited("shadow")
    def shadow(self, version: int, weight: str | float = "100%", reason: str = "") -> Traffic:
        """Let a package hear a part of the requests; its answers go to the log alone."""
        from millrace.release.traffic import listen

        heard = Shadow(version, share(weight))
        return listen(self.store, heard, by=actor(), reason=self.hide(reason) or "by hand")

    @audited("stop")
    def stop(self, what: str = "all", reason: str = "") -> Traffic:
        """Try the challenger, the shadow, or all of it no longer."""
        from millrace.release.traffic import stop

        return stop(self.store, what, by=actor(), reason=self.hide(reason) or "by hand")

    def standing(self) -> Standing:
        """Who answers now, and how what is tried beside it does; the verdict holds however often it is asked for."""
        from millrace.release.trial import standing

        return standing(self.store)

    @audited("conclude")
    def conclude(self, reason: str = "") -> Concluded:
        """Act on the verdict about the challenger: promote a better one, stop one that is worse or no different.

        While there is no verdict nothing is done. Raises `ReleaseError` when there is no challenger.
        """
        from millrace.release.traffic import stop
        from millrace.release.trial import of_challenger

        trial = of_challenger(self.standing())
        why = self.hide(reason) or trial.words
        if trial.verdict == "better":
            evidence = {"trial": to_builtins(trial)}
            package = self._package(trial.other.version)
            return Concluded(trial, promote(self._site(), package, by=actor(), reason=why, evidence=evidence), None)
        if trial.verdict in {"collecting", "undecided"}:
            return Concluded(trial, None, None)
        return Concluded(trial, None, stop(self.store, "challenger", by=actor(), reason=why))

    def history(self) -> tuple[Release, ...]:
        """Every change of champion, oldest first."""
        return releases.history(self.store)

    def live(self, at: str) -> Release:
        """The release that was live `at` a time (ISO 8601, UTC where it names no zone): what, since when, by whom, why.

        Raises `UsageError` for a text that is no time, `ReleaseError` when nothing was released by then.
        """
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            allowed = ["2026-05-03", "2026-05-03 14:00", "2026-05-03T14:00:00+02:00"]
            raise UsageError(f"`{at}` is no time.", where="release history", allowed=allowed) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        past = [one for one in self.history() if datetime.fromisoformat(one.at) <= moment]
        if not past:
            raise ReleaseError(
                f"Nothing was released by {moment.isoformat()}.",
                where="releases",
                code="release.none",
                next_step="millrace release history",
            )
        return past[-1]

    @property
    def keys(self) -> KeyBook:
        """The access keys of its servers: `create`, `listed`, `revoke`."""
        return KeyBook(self.store, self.hide)

    def audit(self) -> tuple[Action, ...]:
        """Who ran what, oldest first."""
        return actions(self.store)

    def verify_audit(self, head: str = "") -> AuditVerdict:
        """Say whether the audit log is whole; with `head`, whether it holds the entry of that hash too."""
        from millrace.store.audit import verify

        return verify(self.store, head)

    def monitor(self) -> Decision:
        """Say whether what is served is still right, and what to do if not."""
        from millrace.wheel.watching import watch_over

        return watch_over(self._site())

    @audited("alert test")
    def test_alerts(self) -> tuple[Delivery, ...]:
        """Send a test message to everybody in `monitor.alert`. Raises `UsageError` when there is nobody."""
        if not self.settings.monitor.alert:
            raise UsageError(
                "`monitor.alert` names nobody to tell.",
                where=str(self.path),
                code="alert.none",
                next_step="add `monitor: {alert: [{webhook: https://…}]}` to the project file",
            )
        from millrace.wheel.watching import try_alerts

        return try_alerts(self._site())

    def alerts(self) -> Telling:
        """What people were told, who has it, and what they are not told now."""
        from millrace.notify.outbox import told
        from millrace.notify.silences import silences

        return Telling(told(self.store), silences(self.store, datetime.now(UTC)))

    @audited("alert silence")
    def silence(self, decision: str, lasting: float, reason: str = "") -> Silence:
        """Tell nobody of `decision` for `lasting` seconds, because somebody has taken it on; 0 ends a silence.

        `decision` is a word of `records.message.ASKED`: `fix`, `retrain`, `roll back`, `approve` or `all`. What is
        decided goes on record as ever. Raises `UsageError` for another word.
        """
        from millrace.notify.silences import silence

        if decision not in ASKED:
            raise UsageError(
                f"Nobody is told of `{decision}`.", where="alert", allowed=ASKED, nearest=nearest(decision, ASKED)
            )
        now = datetime.now(UTC)
        at, until = (time.isoformat(timespec="seconds") for time in (now, now + timedelta(seconds=lasting)))
        return silence(self.store, Silence(decision, until, actor(), at, self.hide(reason)))

    @audited("retrain")
    def retrain(self, *, force: bool = False, watch: Watch = unwatched) -> Retrained:
        """Act on what monitoring decides, as `retrain.when` allows, through the gate; with `force`, train anyway."""
        from millrace.wheel.acting import act

        return act(self._site(watch), by=actor(), force=force)

    def _serve(
        self,
        watch: Watch,
        *,
        version: int | None = None,
        port: int | None = None,
        trust: str | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        from millrace.serve.clouds import port as cloud_port
        from millrace.serve.stage import serve

        settings = self.settings.serve
        chosen = port if port is not None else cloud_port(os.environ, settings.port)
        settings = settings.placed(chosen, self.path.parent)
        if trust is not None:
            settings = settings.model_copy(update={"trust": str(Path(trust).resolve())})
        name, pii = self.settings.project, self.settings.pii
        serve(self.store, settings, package=name, version=version, pii=pii, watch=watch, stop=stop)
