"""A package served by itself, without a project: what a container does that a cloud gave a model.

Clouds lay the model into a folder and say where: SageMaker ``/opt/ml/model``, Azure ML ``AZUREML_MODEL_DIR``, Vertex AI
``AIP_STORAGE_URI``, KServe ``/mnt/models``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from millrace.config.schema import ServeSettings
from millrace.errors import PackageError
from millrace.records.package import Manifest
from millrace.records.progress import Watch, unwatched
from millrace.serve.stage import serve
from millrace.store.integrity import open_folder
from millrace.store.objects import Store
from millrace.store.packages import MANIFEST
from millrace.store.signing import Trust

#: Where clouds lay a model: a folder, or the name of a variable that holds one. The first that is there counts.
PLACES = ("/opt/ml/model", "AZUREML_MODEL_DIR", "AIP_STORAGE_URI", "/mnt/models")
_DEPTH = 3


def laid_out(environment: Mapping[str, str], places: tuple[str, ...] = PLACES) -> str | None:
    """Where a cloud laid a package, if one did.

    Examples
    --------
    >>> laid_out({"AIP_STORAGE_URI": "gs://models/churn"}, ("AIP_STORAGE_URI",))
    'gs://models/churn'
    >>> laid_out({}) is None
    True
    """
    for place in places:
        found = place if place.startswith("/") else environment.get(place, "")
        if "://" in found or (found and Path(found).is_dir()):
            return found
    return None


def serve_alone(path: str, settings: ServeSettings, store: str | None = None, watch: Watch = unwatched) -> None:
    """Answer with the package at `path`, a folder or a prefix of an object store, until told to stop.

    The package may lie in a folder below `path`, as archives and model registries have it. Predictions and feedback are
    logged to `store`; without one the answers are not logged and feedback is refused.

    Raises `PackageError` when there is no package, or more than one, and as `millrace.serve.stage.serve` does.
    """
    found = _package(path)
    trust = Trust.read(settings.trust) if settings.trust else None
    manifest, _ = open_folder(found, trust)
    with tempfile.TemporaryDirectory(prefix="millrace-alone-") as folder:
        here = Store(store or folder)
        _take_in(found, manifest, here)
        settings = settings if store else settings.model_copy(update={"log": "none"})
        serve(here, settings, package=manifest.name, version=manifest.version, watch=watch, kept=store is not None)


def _package(path: str) -> str:
    """The one folder at or below `path` that holds a package."""
    keys = Store(path).keys("") if "://" in path or Path(path).is_dir() else ()
    folders = [key.removesuffix(MANIFEST).rstrip("/") for key in keys if key.rpartition("/")[2] == MANIFEST]
    near = [folder for folder in folders if folder.count("/") < _DEPTH]
    if len(near) != 1:
        seen = f"There are {len(near)} packages: {', '.join(near)}." if near else "There is no package."
        raise PackageError(
            seen,
            where=path,
            code="package.unknown",
            allowed=[f"a folder that holds {MANIFEST}, or one that holds one such folder"],
            next_step="name the folder of one version, such as packages/churn/3",
        )
    return f"{path.rstrip('/')}/{near[0]}".rstrip("/")


def _take_in(path: str, manifest: Manifest, store: Store) -> None:
    """Have the package in `store`. Raises `PackageError` when another one has its place there."""
    source, folder = Store(path), f"packages/{manifest.name}/{manifest.version}"
    for key in sorted(source.keys(""), key=lambda key: key == MANIFEST):
        content, there = source.read(key) or b"", f"{folder}/{key}"
        if not store.create(there, content) and store.read(there) != content:
            raise PackageError(
                f"The store has another version {manifest.version} of {manifest.name}.",
                where=store.at(folder),
                code="package.other",
                next_step="serve it from there, or give this server another store",
            )
