"""A graph from elsewhere made safe and plain: nothing outside it, no operators of its own, its ends known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import GraphProto, ModelProto, TensorProto, inliner

from millrace.errors import PackageError

#: The domains whose operators every ONNX Runtime has.
_DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml"))
#: Graphs written before it lack operators that the call of a class needs.
OLDEST = 13


@dataclass(frozen=True, slots=True)
class End:
    """One input or output: element type (0 for maps) and shape, None where it is not stated."""

    name: str
    element: int
    shape: tuple[int | None, ...]


@dataclass(slots=True)
class Bare:
    """A model that was read, its inputs and outputs, and by output the class labels it says it has."""

    model: ModelProto
    inputs: list[End]
    outputs: list[End]
    labels: dict[str, tuple[str, ...]]

    @property
    def opsets(self) -> dict[str, int]:
        """The version of each domain."""
        found = {"" if one.domain == "ai.onnx" else one.domain: one.version for one in self.model.opset_import}
        return {"ai.onnx.ml": 3, **found}


def read(path: str | Path) -> Bare:
    """The model in a file. Raises `PackageError` when it is none, or one that a package cannot hold."""
    where = str(path)
    try:
        model = onnx.load_model(where, load_external_data=False)
        if model.functions:
            model = inliner.inline_local_functions(model)
        _refuse_strange(model, where)
        onnx.checker.check_model(model)
    except PackageError:
        raise
    except Exception as error:  # onnx's errors, and protobuf's, share no base class
        told = f"This is no ONNX model: {str(error).splitlines()[0]}"
        raise _unfit(
            where, told, "export the model as ONNX; a fitted pipeline is packed by mr.package.build"
        ) from error
    labels = _zip_maps(model.graph)
    given = {one.name for one in model.graph.initializer}
    inputs = [_end(one) for one in model.graph.input if one.name not in given]
    return Bare(model, inputs, [_end(one) for one in model.graph.output], labels)


def _refuse_strange(model: ModelProto, where: str) -> None:
    versions = {one.domain: one.version for one in model.opset_import}
    if strange := sorted(set(versions) - _DOMAINS):
        raise _unfit(where, f"It uses operators of {strange[0]}, which a package cannot hold.")
    if versions.get("", versions.get("ai.onnx", 0)) < OLDEST:
        raise _unfit(where, f"It is of opset {versions.get('')}, and {OLDEST} is the oldest that can be packed.")
    for graph in _graphs(model.graph):
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in graph.initializer):
            raise _unfit(
                where, "It keeps tensors in other files.", "onnx.save_model(model, path, save_as_external_data=False)"
            )
        if graph.sparse_initializer:
            raise _unfit(where, "It has sparse constants.")
        if strange_node := next((node for node in graph.node if node.domain not in _DOMAINS), None):
            raise _unfit(
                where, f"It uses {strange_node.op_type} of {strange_node.domain}, which a package cannot hold."
            )


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)


def _zip_maps(graph: GraphProto) -> dict[str, tuple[str, ...]]:
    """Take the `ZipMap` nodes out, so that their outputs are matrices; give the labels that they name."""
    labels: dict[str, tuple[str, ...]] = {}
    outputs = {one.name: one for one in graph.output}
    for node in [node for node in graph.node if node.op_type == "ZipMap" and node.output[0] in outputs]:
        named = [str(text) for attribute in node.attribute for text in _values(attribute)]
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        labels[node.output[0]] = tuple(named)
        outputs[node.output[0]].type.tensor_type.elem_type = TensorProto.FLOAT
        outputs[node.output[0]].type.tensor_type.shape.Clear()
        for size in (None, len(named)):
            dimension = outputs[node.output[0]].type.tensor_type.shape.dim.add()
            if size:
                dimension.dim_value = size
    return labels


def _values(attribute: Any) -> list[Any]:
    return [one.decode() for one in attribute.strings] or list(attribute.ints)


def _end(value: Any) -> End:
    tensor = value.type.tensor_type
    dims = tensor.shape.dim if tensor.HasField("shape") else ()
    return End(value.name, tensor.elem_type, tuple(one.dim_value or None for one in dims))


def _unfit(where: str, seen: str, next_step: str = "") -> PackageError:
    return PackageError(seen, where=where, code="package.import", next_step=next_step)
