"""An ONNX graph while it is written: nodes and constants with stable names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, compose, helper, numpy_helper

#: What every supported ONNX Runtime (1.23 and later) reads.
OPSETS: Mapping[str, int] = MappingProxyType({"": 20, "ai.onnx.ml": 5})
IR_VERSION = 10


class Nodes:
    """Nodes in the order they were asked for; the same node or constant asked for twice is written once.

    Names count up from zero, so the same requests give the same bytes.
    """

    def __init__(self, opsets: Mapping[str, int] = OPSETS, ir_version: int = IR_VERSION) -> None:
        self._opsets, self._ir_version = opsets, ir_version
        self._nodes: list[NodeProto] = []
        self._constants: list[Any] = []
        self._known: dict[bytes, list[str]] = {}

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Write a node with one output; give the output's name."""
        return self.add_many(operator, *inputs, outputs=1, domain=domain, **attributes)[0]

    def add_many(self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Write a node with several outputs; give their names."""
        node = helper.make_node(operator, list(inputs), [], domain=domain, **attributes)
        key = node.SerializeToString(deterministic=True)
        if key not in self._known:
            stem = f"{operator.lower()}_{len(self._nodes)}"
            node.name = stem
            node.output.extend([stem] if outputs == 1 else [f"{stem}_{i}" for i in range(outputs)])
            self._nodes.append(node)
            self._known[key] = list(node.output)
        return self._known[key]

    def constant(self, values: np.ndarray) -> str:
        """Write a constant tensor; give its name."""
        tensor = numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)))
        key = tensor.SerializeToString(deterministic=True)
        if key not in self._known:
            tensor.name = f"constant_{len(self._constants)}"
            self._constants.append(tensor)
            self._known[key] = [tensor.name]
        return self._known[key][0]

    def name(self, value: str, name: str) -> None:
        """Give an inner value a public name."""
        node = helper.make_node("Identity", [value], [name], name=name)
        self._nodes.append(node)

    def cast(self, value: str, to: int, name: str) -> None:
        """Cast an inner value to an element type, under a public name."""
        self._nodes.append(helper.make_node("Cast", [value], [name], name=name, to=to))

    def paste(self, graph: GraphProto, feeds: Mapping[str, str]) -> list[str]:
        """Write all of another graph, its inputs replaced by our values; give the names of its outputs."""
        prefix = f"part_{len(self._nodes)}_"
        part = GraphProto()
        part.CopyFrom(graph)
        compose.add_prefix_graph(part, prefix, inplace=True)
        # By name rather than put in place: graphs within the graph may look for its inputs too.
        for theirs, ours in feeds.items():
            self.name(ours, prefix + theirs)
        self._nodes.extend(part.node)
        self._constants.extend(part.initializer)
        return [output.name for output in part.output]

    def model(self, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> ModelProto:
        """All of it as a model."""
        graph = helper.make_graph(self._nodes, "millrace", list(inputs), list(outputs), self._constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self._opsets.items()]
        return helper.make_model(graph, ir_version=self._ir_version, opset_imports=opsets, producer_name="millrace")
