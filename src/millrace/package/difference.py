"""What is different between two packages, fact by fact; both are checked before they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from millrace.profile.file import decode
from millrace.records.metric import Metric
from millrace.records.package import Manifest
from millrace.records.package_diff import Change, MetricChange, PackageDiff
from millrace.records.signature import Field
from millrace.store.integrity import open_folder

Fact = str | float | int | None
Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class _Side:
    manifest: Manifest
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return f"{self.manifest.name} {self.manifest.version}"


def diff(old: str | Path, new: str | Path) -> PackageDiff:
    """What changed from the package at `old` to that at `new`. Raises as `package.api.verify` does."""
    one, other = (_Side(*open_folder(place)) for place in (old, new))
    changes = [
        Change(part, name, before.get(name), after.get(name))
        for part, before, after in _parts(one, other)
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
    before, after = one.manifest.evaluation.metrics, other.manifest.evaluation.metrics
    metrics = {name: _metric(before.get(name), after.get(name)) for name in dict.fromkeys((*before, *after))}
    return PackageDiff(one.name, other.name, metrics, tuple(changes))


def _parts(one: _Side, other: _Side) -> Iterator[tuple[str, Facts, Facts]]:
    yield "signature", _signature(one.manifest), _signature(other.manifest)
    yield "threshold", {"threshold": one.manifest.threshold}, {"threshold": other.manifest.threshold}
    yield "lineage", _flat(one.manifest.lineage), _flat(other.manifest.lineage)
    sizes = [{name: len(content) for name, content in side.files.items()} for side in (one, other)]
    yield "size", sizes[0], sizes[1]
    yield "operators", _operators(one.files), _operators(other.files)
    yield "profile", _profile(one.files), _profile(other.files)


def _metric(old: Metric | None, new: Metric | None) -> MetricChange:
    apart = old is not None and new is not None and (old.high < new.low or new.high < old.low)
    return MetricChange(old, new, apart)


def _signature(manifest: Manifest) -> Facts:
    signature = manifest.signature
    facts: dict[str, Fact] = {"task": signature.task, "target": signature.target, "positive": signature.positive}
    facts["classes"] = ", ".join(signature.classes)
    facts["order of inputs"] = ", ".join(field.name for field in signature.inputs)
    return facts | {field.name: _field(field) for field in signature.inputs}


def _field(field: Field) -> str:
    more = [f"{field.low:.6g} … {field.high:.6g}"] if field.low is not None and field.high is not None else []
    more += [f"{len(field.categories)} categories"] if field.categories else []
    return ", ".join([field.type, *(["required"] if field.required else []), *more])


def _flat(facts: Mapping[str, object], prefix: str = "") -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name} ")
        else:
            found[f"{prefix}{name}"] = value if isinstance(value, str | int | float) else str(value)
    return found


def _operators(files: Mapping[str, bytes]) -> Facts:
    graph = onnx.load_model_from_string(files["model.onnx"]).graph if "model.onnx" in files else onnx.GraphProto()
    return dict(sorted(Counter(node.op_type for node in graph.node).items()))


def _profile(files: Mapping[str, bytes]) -> Facts:
    if "profile.json" not in files:
        return {}
    found: dict[str, Fact] = {}
    for name, column in decode(files["profile.json"]).columns.items():
        found[f"{name} rows"] = column.rows
        found[f"{name} missing"] = column.missing
        if column.kind == "number":
            found[f"{name} mean"] = float(f"{column.mean:.6g}")
            found[f"{name} deviation"] = float(f"{column.deviation:.6g}")
        elif column.values:
            found[f"{name} most frequent"] = column.values[0]
    return found
