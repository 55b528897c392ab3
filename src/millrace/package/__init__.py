"""From a fit, an estimator or a graph to a package: one ONNX graph that was proved to give the same answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from millrace.package.own.build import build as build

__all__ = ["build"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'millrace.package' has no attribute {name!r}")
    return getattr(import_module("millrace.package.own.build"), name)
