"""What a server shows to people: a form made from the signature, and a page that reads its OpenAPI description."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from millrace.records.package import Manifest


def form(manifest: Manifest) -> str:
    """A page where a person fills in one row and reads the answer."""
    signature = manifest.signature
    content = {
        "package": manifest.name,
        "version": manifest.version,
        "target": signature.target,
        "task": signature.task,
        "classes": signature.classes,
        "positive": signature.positive,
        "inputs": signature.inputs,
    }
    # A `<` could end the script element it stands in.
    return _page("form.html").replace("{/*MODEL*/}", msgspec.json.encode(content).decode().replace("<", "\\u003c"))


def docs() -> str:
    """A page that shows ``/openapi.json`` without needing any other server."""
    return _page("docs.html")


def _page(name: str) -> str:
    return files("millrace.serve").joinpath("pages_html", name).read_text(encoding="utf-8")
