"""A package's graph in memory, after every file of the package was checked against its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from millrace.errors import PackageError, TamperedError
from millrace.records.fit import Answer
from millrace.records.package import Manifest
from millrace.records.signature import Signature
from millrace.store.packages import MANIFEST, decode

GRAPH = "model.onnx"
#: Left by the registry when it reserves a version; always empty.
_RESERVED = ".reserved"


class Model:
    """A model that answers; safe to share between threads.

    Opening trusts nothing in the folder: links, folders, files that are not in the manifest and files that differ from
    it are refused before a parser sees them; the graph is read from the very bytes that were checked and cannot
    register operators of its own.
    """

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._inputs = frozenset(tensor.name for tensor in session.get_inputs())
        self._outputs = ["value"] if self.signature.task == "regression" else ["label", "probabilities"]

    @classmethod
    def open(cls, path: str | Path) -> Model:
        """The model of the package in the local folder `path`.

        Raises `TamperedError` when a file is not what the manifest promises, `PackageError` when the folder holds no
        package or its graph cannot be run.
        """
        folder = Path(path)
        manifest = _manifest(folder)
        files = _verified(folder, manifest)
        try:
            session = onnxruntime.InferenceSession(files[GRAPH], _options(folder), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class
            raise PackageError(f"The graph cannot be run: {error}", where=str(folder), code="package.graph") from error
        _fits(manifest.signature, session, folder)
        return cls(manifest, session)

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.manifest.signature

    def answer(self, numbers: np.ndarray, texts: np.ndarray) -> Answer:
        """Predictions for some rows.

        `numbers` is float64 ``[rows, numeric fields]`` with missing as NaN, `texts` object ``[rows, other fields]``
        with missing as the empty text, both as `inference.columns.Reader` gives them. For binary tasks the label
        follows the package's threshold.
        """
        feed = {"numbers": numbers, "texts": texts}
        if len(self._inputs) == 1:
            (only,) = self._inputs
            feed = {only: feed[only]}
        found = self._session.run(self._outputs, feed)
        if len(found) == 1:
            return Answer(value=found[0])
        return Answer(label=found[0], probabilities=found[1])


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise PackageError(
            "This folder holds no complete package: it has no manifest.json.",
            where=str(folder),
            code="package.unknown",
            allowed=["the folder of one version, such as store/packages/churn/3"],
        )
    return decode(path.read_bytes(), str(folder))


def _verified(folder: Path, manifest: Manifest) -> Mapping[str, bytes]:
    """The bytes of every file the manifest names, each read once and checked."""
    for name in manifest.files:
        if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
            raise _tampered(folder, f"The manifest names {name!r}, which is not a plain file name.")
    _complete(folder, set(manifest.files))
    files = {name: (folder / name).read_bytes() for name in manifest.files}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            raise _tampered(folder, f"{name} differs from the checksum in the manifest.")
    if GRAPH not in files:
        raise _tampered(folder, f"The manifest names no {GRAPH}.")
    return files


def _complete(folder: Path, expected: set[str]) -> None:
    """Refuse a folder that holds anything but the expected files."""
    present = {entry.name: entry for entry in folder.iterdir()}
    for name, entry in present.items():
        if entry.is_symlink() or not entry.is_file():
            raise _tampered(folder, f"{name} is not a plain file.")
    if _RESERVED in present and present[_RESERVED].stat().st_size:
        raise _tampered(folder, f"{_RESERVED} is not empty.")
    if missing := sorted(expected - present.keys()):
        raise _tampered(folder, f"{missing[0]} is in the manifest and not in the folder.")
    if surplus := sorted(present.keys() - expected - {MANIFEST, _RESERVED}):
        raise _tampered(folder, f"{surplus[0]} is in the folder and not in the manifest.")


def _tampered(folder: Path, seen: str) -> TamperedError:
    return TamperedError(seen, where=str(folder), next_step="get the package again from where it was published")


def _options(folder: Path) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # One request is one core's work: threads of a pool would only wait for each other.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    # A graph that keeps tensors outside itself may find them among the checked files, nowhere else.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder.resolve()))
    return options


def _fits(signature: Signature, session: onnxruntime.InferenceSession, folder: Path) -> None:
    """Refuse a graph whose inputs and outputs are not those of the signature."""
    expected = {name: len(fields) for name, fields in (("numbers", signature.numbers), ("texts", signature.texts))}
    inputs = {tensor.name: tensor.shape[-1] for tensor in session.get_inputs()}
    outputs = {tensor.name for tensor in session.get_outputs()}
    needed = {"value"} if signature.task == "regression" else {"label", "probabilities"}
    if inputs != {name: width for name, width in expected.items() if width} or not needed <= outputs:
        raise PackageError(
            f"The graph takes {inputs} and gives {sorted(outputs)}.",
            where=str(folder),
            code="package.graph",
            allowed=[f"inputs {expected}", f"outputs {sorted(needed)}"],
        )
