"""The bill of materials of a package (CycloneDX 1.6): what answers with it, and what it was trained with.

A scanner of vulnerabilities reads it as it stands: https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from importlib.resources import files
from typing import Any

import msgspec

from millrace.records.package import Manifest

#: What a server needs, by the names of distributions.
_SERVING = "requirements.txt"
#: What only those need who train.
_TRAINING = ("lightgbm", "onnx", "scikit-learn", "scipy", "skl2onnx")


def bill(manifest: Manifest) -> bytes:
    """The bill of `manifest` as JSON, with the versions that are installed here; `required` is what a server needs.

    The components of scope `excluded` trained the model and are not there when it answers.
    """
    parts = _components()
    model = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": manifest.name,
        "version": str(manifest.version),
        "hashes": [{"alg": "SHA-256", "content": manifest.files["model.onnx"]}],
    }
    needed = [part["bom-ref"] for part in parts if part["scope"] == "required"]
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "version": 1,
                "metadata": {"timestamp": manifest.created, "component": model},
                "components": parts,
                "dependencies": [{"ref": "model", "dependsOn": needed}],
            }
        ),
        indent=2,
    )


@cache
def _components() -> list[dict[str, Any]]:
    serving = files("millrace.serve").joinpath(_SERVING).read_text("utf-8").split()
    return [*_of(["millrace", *serving], "required"), *_of(_TRAINING, "excluded")]


def _of(distributions: list[str] | tuple[str, ...], scope: str) -> Iterator[dict[str, Any]]:
    """The distributions that are installed, with the licence that they state in the words of SPDX."""
    for name in distributions:
        try:
            told = metadata(name)
        except PackageNotFoundError:
            continue
        reference = f"pkg:pypi/{name}@{told['Version']}"
        part: dict[str, Any] = {"type": "library", "bom-ref": reference, "name": name, "version": told["Version"]}
        part |= {"purl": reference, "scope": scope}
        if "License-Expression" in told:
            part["licenses"] = [{"expression": told["License-Expression"]}]
        yield part
