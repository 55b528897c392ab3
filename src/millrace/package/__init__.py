"""From a fit, an estimator or a graph to a package: one ONNX graph that was proved to give the same answers."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from millrace.package.own.adopt import adopt
    from millrace.package.own.build import build

_HOME = MappingProxyType({"adopt": "millrace.package.own.adopt", "build": "millrace.package.own.build"})

__all__ = ["adopt", "build"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'millrace.package' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
