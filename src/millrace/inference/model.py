"""A package's graph in memory, after every file of the package was checked against its manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime

from millrace.errors import PackageError, TamperedError
from millrace.inference.single import Single
from millrace.records.fit import Answer
from millrace.records.package import Manifest
from millrace.records.signature import Signature
from millrace.store.integrity import open_folder
from millrace.store.signing import Trust

GRAPH = "model.onnx"


class Model:
    """A model that answers; safe to share between threads.

    Opening trusts nothing in the folder: links, folders, files that are not in the manifest and files that differ from
    it are refused before a parser sees them; the graph and the tensors beside it are read from the very bytes that
    were checked, and cannot register operators of their own.
    """

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._only = _only_what_is_asked()
        inputs = {tensor.name for tensor in session.get_inputs()}
        self._numbers, self._texts = "numbers" in inputs, "texts" in inputs
        self._outputs = ["value"] if self.signature.task == "regression" else ["label", "probabilities"]
        given = {tensor.name for tensor in session.get_outputs()}
        self._around = [name for name in ("costs", "inside", "lower", "upper") if name in given]

    @classmethod
    def open(cls, path: str | Path, threads: int = 1, trust: Trust | None = None) -> Model:
        """The model of the package at `path`, a local folder or a prefix of an object store.

        `threads` share each answer's rows: 1 for requests, where they would only wait for each other; 0, all cores,
        for large batches. With `trust`, only a package that its key signed is opened.

        Raises `TamperedError` when a file is not what the manifest promises or the signature is not as asked,
        `PackageError` when the folder holds no
        package or its graph cannot be run.
        """
        where = str(path)
        manifest, files = open_folder(path, trust)
        if GRAPH not in files:
            raise TamperedError(f"The manifest names no {GRAPH}.", where=where)
        try:
            with _private_copy(files) as folder:
                session = onnxruntime.InferenceSession(
                    files[GRAPH], _options(folder, threads), providers=["CPUExecutionProvider"], enable_fallback=False
                )
        except Exception as error:  # onnxruntime's errors share no base class
            raise PackageError(f"The graph cannot be run: {error}", where=where, code="package.graph") from error
        _fits(manifest.signature, session, where)
        return cls(manifest, session)

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.manifest.signature

    def answer(self, numbers: np.ndarray, texts: np.ndarray, *, around: bool = False) -> Answer:
        """Predictions for some rows; with `around` also what surrounds them, as far as the graph gives it.

        `numbers` is float64 ``[rows, numeric fields]`` with missing as NaN, `texts` object ``[rows, other fields]``
        with missing as the empty text, both as `inference.columns.Reader` gives them. For binary tasks the label
        follows the package's threshold.
        """
        feed = {"numbers": numbers} if self._numbers else {}
        if self._texts:
            feed["texts"] = texts
        if around:
            names = [*self._outputs, *self._around]
            return Answer(**dict(zip(names, self._session.run(names, feed), strict=True)))
        found = self._session.run(self._outputs, feed, self._only)
        if len(found) == 1:
            return Answer(value=found[0])
        return Answer(label=found[0], probabilities=found[1])

    def single(self) -> Single:
        """What answers one row at a time as `answer` does, sooner; made once by who serves."""
        widths = len(self.signature.numbers), len(self.signature.texts)
        return Single(self._session, *widths, self._outputs, self._only)


@contextmanager
def _private_copy(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder of this user alone that has the checked bytes, for as long as a session is built.

    The runtime opens tensors outside the graph by itself: in the package's own folder they could differ by then.
    """
    with tempfile.TemporaryDirectory(prefix="millrace-") as folder:
        for name in files.keys() - {GRAPH}:
            (Path(folder) / name).write_bytes(files[name])
        yield Path(folder)


def _only_what_is_asked() -> onnxruntime.RunOptions:
    """Options of a run that works out nothing but the outputs it is asked for."""
    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True
    # The default, said aloud: onnxruntime 1.32 looks this up before each run, and raises and catches where it is unset.
    options.add_run_config_entry("gpu_graph_id", "0")
    return options


def _options(folder: Path, threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    # A graph that keeps tensors outside itself may find them among the checked files, nowhere else.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder.resolve()))
    return options


def _fits(signature: Signature, session: onnxruntime.InferenceSession, where: str) -> None:
    """Refuse a graph whose inputs and outputs are not those of the signature."""
    expected = {name: len(fields) for name, fields in (("numbers", signature.numbers), ("texts", signature.texts))}
    inputs = {tensor.name: tensor.shape[-1] if tensor.shape else None for tensor in session.get_inputs()}
    outputs = {tensor.name for tensor in session.get_outputs()}
    needed = {"value"} if signature.task == "regression" else {"label", "probabilities"}
    if inputs != {name: width for name, width in expected.items() if width} or not needed <= outputs:
        raise PackageError(
            f"The graph takes {inputs} and gives {sorted(outputs)}.",
            where=where,
            code="package.graph",
            allowed=[f"inputs {expected}", f"outputs {sorted(needed)}"],
        )
