"""Millrace: from raw data to a model that stays right in production.

    import millrace as mr

    project = mr.Project.load("millrace.yaml")
    run = project.run()
    mr.Package.load(run.package.path).predict(frame)
    mr.evaluate(y_true, y_score)
    mr.drift(reference, current)
    mr.package.build(pipeline, sample, name="churn")

Names are loaded when they are first used, so importing Millrace costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from millrace import package
    from millrace.errors import MillraceError
    from millrace.evaluate.judge import evaluate
    from millrace.package.api import Package
    from millrace.profile.api import drift
    from millrace.project import Project
    from millrace.records.evaluation import Difference, Evaluation, Metric
    from millrace.records.ingestion import Ingested
    from millrace.records.monitoring import Alarm, Decision
    from millrace.records.package import Manifest
    from millrace.records.progress import Step
    from millrace.records.release import Release
    from millrace.records.run import Run
    from millrace.records.signature import Field, Signature

__version__ = "0.1.0"

_HOME = MappingProxyType(
    {
        "Alarm": "millrace.records.monitoring",
        "Decision": "millrace.records.monitoring",
        "Difference": "millrace.records.evaluation",
        "Evaluation": "millrace.records.evaluation",
        "Field": "millrace.records.signature",
        "Ingested": "millrace.records.ingestion",
        "Manifest": "millrace.records.package",
        "Metric": "millrace.records.evaluation",
        "MillraceError": "millrace.errors",
        "Package": "millrace.package.api",
        "Project": "millrace.project",
        "Release": "millrace.records.release",
        "Run": "millrace.records.run",
        "Signature": "millrace.records.signature",
        "Step": "millrace.records.progress",
        "drift": "millrace.profile.api",
        "evaluate": "millrace.evaluate.judge",
    }
)

__all__ = [
    "Alarm",
    "Decision",
    "Difference",
    "Evaluation",
    "Field",
    "Ingested",
    "Manifest",
    "Metric",
    "MillraceError",
    "Package",
    "Project",
    "Release",
    "Run",
    "Signature",
    "Step",
    "__version__",
    "drift",
    "evaluate",
    "package",
]


def __getattr__(name: str) -> object:
    if name == "package":
        return import_module("millrace.package")
    if name not in _HOME:
        raise AttributeError(f"module 'millrace' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
