from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest

from millrace.errors import PackageError, TamperedError
from millrace.inference.columns import from_rows
from millrace.inference.model import Model
from millrace.records.package import Manifest
from millrace.store.integrity import open_folder
from millrace.store.objects import Store
from millrace.store.packages import encode
from millrace.store.signing import Trust
from tiny_package import MANIFEST, graph, publish_tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(publish_tiny(Store(tmp_path)).path)


def test_answers_are_those_of_the_formula(folder: Path) -> None:
    model = Model.open(folder)
    answer = model.answer(*from_rows(model.signature, [{"age": 20, "plan": "gold", "calls": 0}, {"age": 20}]))
    # logits 0 and -2: sigmoid 0.5 and 1/(1+e²) = 0.1192029
    assert answer.label is not None
    assert answer.label.tolist() == [1, 0]
    assert answer.probabilities == pytest.approx(np.array([[0.5, 0.5], [0.8807971, 0.1192029]]))


def test_no_rows_give_no_answers(folder: Path) -> None:
    model = Model.open(folder)
    answer = model.answer(*from_rows(model.signature, []))
    assert answer.label is not None
    assert answer.label.shape == (0,)


@pytest.mark.parametrize("name", ["model.onnx", "profile.json"])
def test_a_changed_byte_is_refused_before_it_is_parsed(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(TamperedError, match=f"{name} differs"):
        Model.open(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "profile.json").unlink()
    with pytest.raises(TamperedError, match=r"profile\.json is in the manifest"):
        Model.open(folder)


def test_a_surplus_file_is_refused(folder: Path) -> None:
    (folder / "custom.so").write_bytes(b"")
    with pytest.raises(TamperedError, match=r"custom\.so is in the folder"):
        Model.open(folder)


def test_a_link_is_refused_even_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "profile.json", tmp_path / "elsewhere")
    (folder / "profile.json").unlink()
    (folder / "profile.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TamperedError, match="not a plain file"):
        Model.open(folder)


@pytest.mark.parametrize("name", ["/etc/hostname", "../2/model.onnx", "sub/model.onnx", ".."])
def test_names_that_leave_the_folder_are_refused(folder: Path, name: str) -> None:
    files = {"model.onnx": hashlib.sha256(graph()).hexdigest(), name: "0" * 64}
    (folder / "manifest.json").write_bytes(encode(replace(MANIFEST, version=1, files=files)))
    with pytest.raises(TamperedError, match="not a plain file name"):
        Model.open(folder)


def _repack(folder: Path, content: bytes, **beside: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    for name, held in {"model.onnx": content, **beside}.items():
        manifest["files"][name] = hashlib.sha256(held).hexdigest()
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def test_a_graph_cannot_read_files_outside_its_package(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(np.array([[-0.1], [1.0]]).tobytes())
    model = onnx.load_from_string(graph())
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    escape = "/".join([".."] * (len(folder.parts) - len(tmp_path.parts)))
    weights.external_data.add(key="location", value=f"{escape}/secret")
    assert (folder / escape / "secret").exists()
    _repack(folder, model.SerializeToString())
    with pytest.raises(PackageError, match="cannot be run"):
        Model.open(folder)


def test_a_graph_cannot_read_a_file_by_its_absolute_path(folder: Path, tmp_path: Path) -> None:
    model = onnx.load_from_string(graph())
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    (tmp_path / "secret").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=str(tmp_path / "secret"))
    _repack(folder, model.SerializeToString())
    with pytest.raises(PackageError, match="cannot be run"):
        Model.open(folder)


def test_operators_of_a_domain_of_its_own_are_refused(folder: Path) -> None:
    model = onnx.load_from_string(graph())
    model.graph.node[0].domain = "own.operators"
    model.opset_import.add(domain="own.operators", version=1)
    _repack(folder, model.SerializeToString())
    with pytest.raises(PackageError, match=r"own\.operators"):
        Model.open(folder)


def test_a_tensor_beside_the_graph_is_read_from_the_bytes_that_were_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = onnx.load_from_string(graph())
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    right = weights.raw_data
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights")
    (folder / "weights").write_bytes(right)
    _repack(folder, model.SerializeToString(), weights=right)

    def then_changed(path: str | Path, trust: Trust | None = None) -> tuple[Manifest, Mapping[str, bytes]]:
        checked = open_folder(path, trust)
        (folder / "weights").write_bytes(bytes(len(right)))
        return checked

    monkeypatch.setattr("millrace.inference.model.open_folder", then_changed)
    opened = Model.open(folder)
    answer = opened.answer(*from_rows(opened.signature, [{"age": 20, "plan": "gold", "calls": 0}, {"age": 20}]))
    assert answer.probabilities == pytest.approx(np.array([[0.5, 0.5], [0.8807971, 0.1192029]]))


def test_bytes_that_are_no_graph_are_a_package_error(folder: Path) -> None:
    _repack(folder, b"not a graph")
    with pytest.raises(PackageError, match="cannot be run"):
        Model.open(folder)


def test_a_graph_for_another_signature_is_refused(folder: Path) -> None:
    manifest = replace(MANIFEST, signature=replace(MANIFEST.signature, inputs=MANIFEST.signature.inputs[:2]))
    files = msgspec.json.decode((folder / "manifest.json").read_bytes())["files"]
    (folder / "manifest.json").write_bytes(encode(replace(manifest, files=files)))
    with pytest.raises(PackageError, match="numbers"):
        Model.open(folder)


def test_a_folder_without_manifest_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no complete package"):
        Model.open(tmp_path)
