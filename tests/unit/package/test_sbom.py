"""The bill of materials, as those who wrote the format check it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import trained
from millrace.package.stage import pack
from millrace.store.objects import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return Path(pack(trained.fit("binary"), store, name="churn", run="r1", lineage={}, profile=None)[1].path)


def test_it_keeps_to_the_schema_of_cyclonedx(folder):
    content = (folder / "sbom.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.replace('"library"', '"book"')) is not None


def test_it_names_the_very_graph_and_what_is_needed_to_serve_it(folder):
    told = json.loads((folder / "sbom.json").read_bytes())
    manifest = json.loads((folder / "manifest.json").read_bytes())
    model = told["metadata"]["component"]
    assert (model["name"], model["version"]) == ("churn", "1")
    assert model["hashes"] == [{"alg": "SHA-256", "content": manifest["files"]["model.onnx"]}]
    scopes = {part["name"]: part["scope"] for part in told["components"]}
    assert scopes["onnxruntime"] == scopes["millrace"] == "required"
    assert scopes["scikit-learn"] == scopes["lightgbm"] == "excluded"
    needed = {part["bom-ref"] for part in told["components"] if part["scope"] == "required"}
    assert f"pkg:pypi/onnxruntime@{version('onnxruntime')}" in needed
    assert set(told["dependencies"][0]["dependsOn"]) == needed
