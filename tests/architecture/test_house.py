"""The house stays in order: rooms, sizes, names, light imports, public words."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "millrace"
MODULES = sorted(SOURCE.rglob("*.py"))
TRAINING = ("sklearn", "lightgbm", "scipy", "pandas", "onnx", "skl2onnx", "onnxmltools", "altair")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_room_is_in_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")["layers"]
    named = {room.strip("() ") for layer in layers for room in layer.split("|")}
    rooms = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__"} <= named


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400, "split it: 300 lines are a sign, 500 a wall"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_function_fits_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = node.body[1].lineno if ast.get_docstring(node) and len(node.body) > 1 else node.body[0].lineno
            assert (node.end_lineno or start) - start < 45, f"{node.name} in {path.name}"


def test_no_module_has_a_name_that_tells_nothing() -> None:
    empty_names = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler"}
    assert not [path for path in MODULES if path.stem in empty_names]


def test_the_public_names_are_these() -> None:
    import millrace

    assert sorted(millrace.__all__) == [
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
    assert all(getattr(millrace, name) is not None for name in millrace.__all__)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import millrace

    with pytest.raises(AttributeError, match="no attribute 'Modle'"):
        _ = millrace.Modle  # type: ignore[attr-defined]


def test_importing_millrace_loads_no_library() -> None:
    assert not loaded_by("import millrace") & {"numpy", "polars", "pydantic", "onnxruntime", *TRAINING}


def test_the_serving_core_loads_no_training_library() -> None:
    loaded = loaded_by("import millrace.serve.core, millrace.inference.model, millrace.inference.columns")
    assert not loaded & {"polars", "duckdb", "deltalake", "pydantic", *TRAINING}


def test_versions_agree() -> None:
    import millrace

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert millrace.__version__ == declared
