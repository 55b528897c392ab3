"""What a project does with what is live: serve, release, watch, and who did what."""

from __future__ import annotations

import os
from pathlib import Path

from millrace.errors import UsageError
from millrace.lifecycle import champion, promote, run, try_alerts, watch_over
from millrace.monitor.due import due
from millrace.project.base import Loaded
from millrace.records.audit import Action, AuditVerdict
from millrace.records.message import Delivery
from millrace.records.monitoring import Decision
from millrace.records.progress import Watch, unwatched
from millrace.records.release import Release
from millrace.records.retrained import Retrained
from millrace.store import releases
from millrace.store.audit import actions
from millrace.store.audited import actor, audited
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
        from millrace.serve.clouds import port as cloud_port
        from millrace.serve.stage import serve

        settings = self.settings.serve
        chosen = port if port is not None else cloud_port(os.environ, settings.port)
        settings = settings.placed(chosen, self.path.parent)
        if trust is not None:
            settings = settings.model_copy(update={"trust": str(Path(trust).resolve())})
        serve(self.store, settings, package=self.settings.project, version=version, pii=self.settings.pii, watch=watch)

    @audited("promote")
    def promote(self, version: int, reason: str = "") -> Release:
        """Make a package champion by hand."""
        why, evidence = self.hide(reason) or "by hand", {"by hand": True}
        return promote(self._site(), self._package(version), by=actor(), reason=why, evidence=evidence)

    @audited("rollback")
    def rollback(self, reason: str = "") -> Release:
        """Give traffic back to the champion before."""
        from millrace.release.stage import rollback

        return rollback(self.store, by=actor(), reason=self.hide(reason) or "by hand")

    def history(self) -> tuple[Release, ...]:
        """Every change of champion, oldest first."""
        return releases.history(self.store)

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
        return try_alerts(self._site())

    @audited("retrain")
    def retrain(self, *, force: bool = False, watch: Watch = unwatched) -> Retrained:
        """Act on what monitoring decides, as `retrain.when` allows, through the gate; with `force`, train anyway."""
        decision = self.monitor()
        if decision.decision == "roll back" and not force:
            return Retrained(decision, None, self.rollback(decision.reason))
        current = champion(self._site())
        reason = due(self.settings.retrain, decision, current.at if current else decision.at)
        if reason is None and not force:
            return Retrained(decision, None, None)
        done = run(self._site(watch), by=actor(), reason=reason or decision.reason)
        return Retrained(decision, done, done.release)
