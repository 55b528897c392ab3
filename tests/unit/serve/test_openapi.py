"""What a server says of itself, held against what it does by schemathesis, which nobody here wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from every_kind_package import publish_every_kind
from millrace.inference.model import Model
from millrace.serve.application import Application
from millrace.serve.clouds import paths
from millrace.serve.core import Core
from millrace.serve.openapi import openapi
from millrace.store.keys import create
from millrace.store.objects import Store
from millrace.store.packages import find
from serving import serving
from tiny_package import MANIFEST, publish_tiny

#: More is accepted than is described: other shapes of rows, 3.0 for 3, true for the category "true". And less: a tensor
#: has as many values as its shape says, CSV the model's columns.
CONFIG = """
seed = 20261125

[checks]
negative_data_rejection.enabled = false
positive_data_acceptance.enabled = false
"""


def held_against(description: str | Path, folder: Path, *more: str) -> str:
    """What schemathesis objects to: a status 5xx, or anything that the description does not tell."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    tool = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
    command = [sys.executable, "-c", tool, "run", str(description), "--no-color", *more]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500, check=False)
    assert "Test cases:" in said.stdout, said.stdout + said.stderr
    return "" if said.returncode == 0 else said.stdout


def test_every_path_of_the_server_is_described(store: Store) -> None:
    app = Application(Core(Model.open(find(store, "churn", 1).path)), environment={"AIP_HEALTH_ROUTE": "/well"})
    served = {route.path.replace("{model}", "churn") for route in app.routes.routes}
    described = openapi(MANIFEST, paths({"AIP_HEALTH_ROUTE": "/well"}))["paths"]
    assert set(described) == served


BOUNDED = ("--phases=examples,coverage,fuzzing", "--max-examples=6")


def test_a_classifier_with_the_paths_of_vertex_does_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_tiny(Store(tmp_path / "store"))
    monkeypatch.setenv("AIP_HEALTH_ROUTE", "/well")
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/ask")
    with serving(tmp_path / "store", version=1) as server:
        described = f"{server.url}/openapi.json"
        assert {"/well", "/ask"} <= httpx.get(described).json()["paths"].keys()
        assert held_against(described, tmp_path, *BOUNDED) == ""


def test_a_regression_that_asks_for_keys_does_as_it_says_and_takes_the_rows_it_describes(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    publish_every_kind(store)
    key = f"Authorization: Bearer {create(store, 'schemathesis', ('admin',), 'a test').secret}"
    with serving(tmp_path / "store", version=1, settings='{"port": 0, "keys": "required"}') as server:
        described = f"{server.url}/openapi.json"
        assert held_against(described, tmp_path, "--phases=fuzzing", "--max-examples=6", f"--header={key}") == ""
        description = httpx.get(described, headers=dict([key.split(": ")])).json()
        del description["paths"]["/predict"]["post"]["requestBody"]["content"]["text/csv"]
        rows = tmp_path / "rows.json"
        rows.write_text(json.dumps(description))
        accepted = ("--include-path=/predict", "--include-path=/feedback", "--checks=positive_data_acceptance")
        drawn = ("--mode=positive", "--phases=fuzzing", "--max-examples=40", f"--url={server.url}", f"--header={key}")
        assert held_against(rows, tmp_path, *accepted, *drawn) == ""
