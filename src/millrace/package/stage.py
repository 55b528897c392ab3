"""From a fit to a package: graph, proof, card and manifest, published as one version."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from millrace.package.card import render
from millrace.package.graph import build
from millrace.package.parity import Parity, prove
from millrace.package.sbom import bill
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Fit
from millrace.records.package import Manifest, PackageInfo
from millrace.records.progress import Step, Watch, unwatched
from millrace.store.objects import Store
from millrace.store.packages import publish

GRAPH, PROFILE, CARD, BILL = "model.onnx", "profile.json", "MODEL_CARD.md", "sbom.json"
#: The libraries whose version can change what a graph holds.
_LIBRARIES = ("millrace", "lightgbm", "scikit-learn", "numpy", "polars", "onnx", "onnxruntime", "skl2onnx")


def pack(
    fit: Fit,
    store: Store,
    *,
    name: str,
    run: str,
    lineage: Mapping[str, object],
    profile: bytes | None,
    watch: Watch = unwatched,
) -> tuple[Manifest, PackageInfo]:
    """Publish `fit` as the next version of package `name`; give its manifest, and where it rests.

    `lineage` says what it came from: table versions, the digest of the project file. The versions of Python and of the
    libraries are added. `profile` is the reference profile as JSON. Raises `PackageError` when the fit cannot be
    written as a graph and `ParityError` when the graph does not give its answers; nothing is published then.
    """
    watch(Step("package", "writing the graph"))
    graph = build(fit)
    parity = prove(graph, fit, watch)
    watch(Step("package", "publishing"))
    return write(fit, store, graph, parity, name=name, run=run, lineage=lineage, profile=profile)


def write(  # noqa: PLR0913 each is a part of the package
    fit: Fit,
    store: Store,
    graph: bytes,
    parity: Parity,
    *,
    name: str,
    run: str,
    lineage: Mapping[str, object],
    profile: bytes | None,
) -> tuple[Manifest, PackageInfo]:
    """Publish a graph that was proved: manifest, card, bill of materials and profile beside it."""
    manifest = Manifest(
        name=name,
        version=0,
        run=run,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        signature=fit.signature,
        evaluation=_finite(fit.evaluation),
        files={},
        threshold=fit.threshold,
        parity=parity.difference,
        calibration=fit.calibration,
        conformal=fit.conformal,
        lineage={**lineage, "python": platform.python_version(), "libraries": _libraries()},
    )
    notes = [*fit.notes, *_ties(parity.ties, parity.rows)]
    files = {GRAPH: graph} | ({} if profile is None else {PROFILE: profile})
    return publish(store, manifest, files, {CARD: lambda complete: render(complete, notes).encode(), BILL: bill})


def _libraries() -> dict[str, str]:
    return {library: version(library) for library in _LIBRARIES}


def _ties(ties: int, rows: int) -> list[str]:
    if not ties:
        return []
    return [f"{ties} of {rows} compared rows lie so close to the threshold that either label is right."]


def _finite(evaluation: Evaluation) -> Evaluation:
    """The evaluation without metrics that could not be measured: JSON has no word for NaN."""
    return replace(
        evaluation,
        metrics=_measured(evaluation.metrics),
        importances=_measured(evaluation.importances),
        baseline=_measured(evaluation.baseline),
        uncalibrated=_measured(evaluation.uncalibrated),
    )


def _measured(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    return {
        name: metric
        for name, metric in metrics.items()
        if all(math.isfinite(number) for number in (metric.value, metric.low, metric.high))
    }
