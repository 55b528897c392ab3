"""Two packages side by side: what differs is there, what does not is not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tiny_package
from millrace.errors import TamperedError
from millrace.package.difference import diff
from millrace.records.evaluation import Metric
from millrace.records.package_diff import Change
from millrace.records.signature import Field
from millrace.store.objects import Store
from millrace.store.packages import publish


@pytest.fixture
def pair(tmp_path):
    store = Store(tmp_path / "store")
    old = tiny_package.publish_tiny(store).path
    signature = tiny_package.SIGNATURE
    inputs = (replace(signature.inputs[0], high=120.0), signature.inputs[1], Field("visits", "integer"))
    evaluation = replace(tiny_package.MANIFEST.evaluation, metrics={"roc_auc": Metric(0.97, 0.96, 0.98)})
    manifest = replace(
        tiny_package.MANIFEST,
        threshold=0.25,
        signature=replace(signature, inputs=inputs),
        evaluation=evaluation,
        lineage={"libraries": {"numpy": "2.4"}},
    )
    return old, publish(store, manifest, {"model.onnx": tiny_package.graph(1.0)})[1].path


def test_what_differs_is_told_by_part(pair):
    found = diff(*pair)
    assert (found.old, found.new) == ("churn 1", "churn 2")
    told = {(change.part, change.name): (change.old, change.new) for change in found.changes}
    assert told[("threshold", "threshold")] == (0.5, 0.25)
    assert told[("signature", "age")] == ("number, required, 18 … 90", "number, required, 18 … 120")
    assert told[("signature", "calls")] == ("integer, 0 … 20", None)
    assert told[("signature", "visits")] == (None, "integer")
    assert told[("lineage", "libraries numpy")] == (None, "2.4")
    assert told[("size", "profile.json")] == (2, None)
    assert ("signature", "plan") not in told
    assert ("size", "model.onnx") not in told
    assert not any(part == "operators" for part, _ in told)
    assert found.metrics["roc_auc"].apart
    assert found.metrics["roc_auc"].old == Metric(0.9, 0.8, 0.95)


def test_a_package_differs_from_itself_in_nothing(pair):
    found = diff(pair[0], pair[0])
    assert found.changes == ()
    assert not found.metrics["roc_auc"].apart


def test_a_changed_package_is_not_compared(pair):
    (Path(pair[1]) / "model.onnx").write_bytes(b"x")
    with pytest.raises(TamperedError, match=r"model\.onnx differs"):
        diff(*pair)


def test_the_verb_takes_folders_and_gives_json(pair):
    command = [sys.executable, "-m", "millrace", "package", "diff", *pair]
    said = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True).stdout)
    assert Change(**next(one for one in said["changes"] if one["part"] == "threshold")).new == 0.25
    drawn = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "apart" in drawn
    assert "visits" in drawn
