"""From the log to a decision, and to people: what was served, what came of it, and what can be said before that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from millrace.errors import MillraceError, PackageError, ReleaseError
from millrace.lifecycle import Site, champion
from millrace.monitor.history import remember
from millrace.monitor.look import own
from millrace.monitor.otel import export
from millrace.monitor.stage import monitor
from millrace.monitor.stake import daily, weigh
from millrace.monitor.unlabelled.held import Held, judged_by, of_log
from millrace.monitor.unlabelled.stage import besides, without_labels
from millrace.package.api import Package
from millrace.profile.file import decode
from millrace.records.message import Delivery, Message
from millrace.records.monitoring import Decision
from millrace.store.datasets import of_run, read
from millrace.store.prediction_log import feedback, predictions, service
from millrace.train.held_out import held_out


def watch_over(site: Site) -> Decision:
    """Prediction log and feedback → decision."""
    current = champion(site)
    if current is None:
        raise ReleaseError(
            "Nothing has been released yet, so there is nothing to watch.",
            where=site.settings.project,
            code="release.none",
            next_step="millrace run",
        )
    package = Package.load(site.store.at(f"packages/{current.package}/{current.version}"))
    if package.profile is None:
        raise PackageError("This package has no reference profile to compare with.", where=str(package.path))
    reference, served = decode(package.profile), predictions(site.store)
    outcomes, settings = feedback(site.store), site.settings.monitor
    decision = monitor(site.store, settings, package.manifest, reference, served, outcomes, service(site.store))
    rows = own(served, package.manifest, current)
    if settings.without_labels:
        held = _held_out(site, package) or of_log(rows, outcomes, package.manifest)
        found = without_labels(settings, package.manifest, reference, rows, held) if held else None
        decision = besides(decision, found)
    per_day = daily(rows["at"], datetime.now(UTC), settings.window, current.at)
    decision = weigh(decision, site.settings.retrain, current.at, per_day)
    decision = replace(decision, since=remember(site.store, decision))
    if settings.otel is not None:
        export(decision, site.settings.project, settings.otel)
    return tell(site, decision)


def _held_out(site: Site, package: Package) -> Held | None:
    """The rows that the package was judged by, read again; None where the store or the settings give others now."""
    try:
        dataset = read(site.store, of_run(site.store, package.manifest.run))
        used = package.manifest.lineage.get("rows")
        rows, truth = held_out(dataset, site.settings.model, str(used["start"]) if isinstance(used, dict) else "")
        held = Held(rows, truth, package.answer(rows), "held-out rows")
    except MillraceError:  # a dataset that is gone, columns that are others now: what follows needs no held-out rows
        return None
    return held if judged_by(held, package.manifest) else None


def tell(site: Site, decision: Decision) -> Decision:
    """Decision → people, when it asks for something; then whatever still waits is delivered."""
    from millrace.monitor.message import message
    from millrace.notify.outbox import condition, deliver, post
    from millrace.notify.registry import receivers

    settings, asks = site.settings.monitor, message(decision, site.settings.project)
    opened = receivers(settings.alert)
    if decision.decision != "keep" and opened:
        post(site.store, asks, opened, cooldown=settings.cooldown)

    def stands(told: Message) -> bool:
        return condition(told) == condition(asks) or told.decision == "approve"

    return replace(decision, deliveries=deliver(site.store, opened, datetime.now(UTC), stands))


def try_alerts(site: Site) -> tuple[Delivery, ...]:
    """Send a test message through every channel, and say which of them have it."""
    from millrace.monitor.message import message
    from millrace.notify.outbox import fire
    from millrace.notify.registry import receivers

    now = datetime.now(UTC).isoformat(timespec="seconds")
    test = Decision("keep", "This is a test; nothing is wrong.", package=site.settings.project, at=now, since=now)
    return fire(receivers(site.settings.monitor.alert), message(test, site.settings.project))
