"""Packages from Python: look at one, trust one, ask one. Needs none of the libraries that trained it."""

from __future__ import annotations

from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from millrace.errors import UsageError
from millrace.inference.model import Model
from millrace.package.frame import demand, matrices, tabular
from millrace.records.fit import Answer
from millrace.records.package import Manifest, PackageInfo
from millrace.records.signature import Signature
from millrace.store.integrity import open_folder, read_manifest, sign_folder
from millrace.store.signing import Trust

PROFILE = "profile.json"


class Package:
    """A model that answers frames, from the folder of one version.

    ``Package.load("store/packages/churn/3").predict(frame)``
    """

    def __init__(self, path: str | Path, model: Model) -> None:
        self.path = path
        self._model = model

    @classmethod
    def load(cls, path: str | Path, *, threads: int = 1, trust: str | Path | None = None) -> Package:
        """The package at `path`, a folder or a URL, once every file of it was checked against the manifest.

        `threads` share the rows of each answer; 0 means all cores. With `trust`, the file of a public key, only a
        package that this key signed. Raises `TamperedError` or `PackageError` as `verify` does.
        """
        return cls(path, Model.open(path, threads, None if trust is None else Trust.read(trust)))

    @property
    def manifest(self) -> Manifest:
        """What the package says about itself."""
        return self._model.manifest

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""
        return self.manifest.signature

    @cached_property
    def profile(self) -> bytes | None:
        """The reference profile as JSON, as it rests in the package; None when there is none."""
        return open_folder(self.path)[1].get(PROFILE)

    def predict(self, frame: Any, *, conformal: bool = False) -> pl.DataFrame:
        """One row of predictions for each row of `frame`, in its order.

        `frame` is a Polars or pandas frame, a mapping of columns or a sequence of mappings. Columns of the answer:
        ``label`` String and ``p_<class>`` Float32 for each class, or ``value`` Float32. Columns that the signature
        names and `frame` lacks count as missing. With `conformal` what else may be true follows: ``set`` List(String),
        or ``lower`` and ``upper`` Float32; and ``cost_<class>`` Float32, what each call is expected to cost, where the
        project says so. Raises `RequestError` when a column's type does not fit, `UsageError` when nothing surrounds.
        """
        if conformal and self.manifest.conformal is None and self.manifest.evaluation.costs is None:
            raise UsageError(
                "This package has no sets, intervals or costs.",
                where=f"{self.manifest.name} {self.manifest.version}",
                next_step="set `conformal` under `model` in the project file, and run again",
            )
        return _framed(self.answer(frame, around=conformal), self.signature)

    def answer(self, frame: Any, *, around: bool = False) -> Answer:
        """The same as arrays: class indices and probabilities, or values; with `around` what surrounds them."""
        numbers, texts = matrices(tabular(frame), self.signature)
        demand(numbers, texts, self.signature)
        return self._model.answer(numbers, texts, around=around)

    def __repr__(self) -> str:
        return f"Package({self.manifest.name!r}, version {self.manifest.version}, {str(self.path)!r})"

    def _repr_html_(self) -> str:
        manifest = self.manifest
        metrics = "".join(
            f"<tr><td>{escape(name)}</td><td>{metric.value:.4g}</td><td>{metric.low:.4g} … {metric.high:.4g}</td></tr>"
            for name, metric in manifest.evaluation.metrics.items()
        )
        return (
            f"<b>{escape(manifest.name)}</b> version {manifest.version}: predicts "
            f"<code>{escape(manifest.signature.target)}</code> from {len(manifest.signature.inputs)} columns"
            f"<table><tr><th>metric</th><th>value</th><th>95 % interval</th></tr>{metrics}</table>"
        )


def inspect(path: str | Path) -> Manifest:
    """The manifest of the package at `path`; its files are not looked at."""
    return read_manifest(path)


def verify(path: str | Path, trust: str | Path | None = None) -> PackageInfo:
    """Check every file of the package at `path` against its manifest.

    With `trust`, the file of a public key, the signature is checked before anything else. Raises `TamperedError` naming
    the file, with the expected and the found SHA-256, when one was changed, and when one is missing, surplus or a link;
    `PackageError` when there is no manifest that this version can read.
    """
    manifest, _ = open_folder(path, None if trust is None else Trust.read(trust))
    return PackageInfo(manifest.name, manifest.version, str(path))


def sign(path: str | Path, key: str | Path) -> PackageInfo:
    """Sign the package at `path` with the private key (PEM, EC on NIST P-256) in the file `key`.

    Raises as `verify` does, and `PackageError` when `key` holds no such key.
    """
    manifest = sign_folder(path, key)
    return PackageInfo(manifest.name, manifest.version, str(path))


def _framed(answer: Answer, signature: Signature) -> pl.DataFrame:
    if answer.label is None or answer.probabilities is None:
        bounds = {"lower": answer.lower, "upper": answer.upper}
        return pl.DataFrame({"value": answer.value, **{name: one for name, one in bounds.items() if one is not None}})
    classes = pl.Series(signature.classes, dtype=pl.String)
    columns = {f"p_{name}": answer.probabilities[:, i] for i, name in enumerate(signature.classes)}
    if answer.costs is not None:
        columns |= {f"cost_{name}": answer.costs[:, i] for i, name in enumerate(signature.classes)}
    framed = pl.DataFrame({"label": classes.gather(answer.label), **columns})
    if answer.inside is None:
        return framed
    held = [[name for name, inside in zip(signature.classes, row, strict=True) if inside] for row in answer.inside]
    return framed.with_columns(pl.Series("set", held, dtype=pl.List(pl.String)))
