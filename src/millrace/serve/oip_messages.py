"""The messages of the Open Inference Protocol's gRPC service, from a table that reads like its proto file.

Made when a server with gRPC starts, in a pool of their own: no generated code, and nothing that another library's copy
of the same messages could collide with. Source: https://github.com/kserve/open-inference-protocol
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE, SERVICE = "inference", "GRPCInferenceService"
#: Each method with its request and response.
METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")

_TENSOR = "name=1 string; datatype=2 string; shape=3 *int64; parameters=4 map; contents=5 InferTensorContents"
#: Fields by message, as ``name=number type``; ``*`` repeats, ``map`` is from string to InferParameter, ``?`` is one of.
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "ServerLiveRequest": "",
        "ServerLiveResponse": "live=1 bool",
        "ServerReadyRequest": "",
        "ServerReadyResponse": "ready=1 bool",
        "ModelReadyRequest": "name=1 string; version=2 string",
        "ModelReadyResponse": "ready=1 bool",
        "ServerMetadataRequest": "",
        "ServerMetadataResponse": "name=1 string; version=2 string; extensions=3 *string",
        "ModelMetadataRequest": "name=1 string; version=2 string",
        "TensorMetadata": "name=1 string; datatype=2 string; shape=3 *int64",
        "ModelMetadataResponse": "name=1 string; versions=2 *string; platform=3 string; inputs=4 *TensorMetadata; "
        "outputs=5 *TensorMetadata",
        "InferParameter": "bool_param=1 ?bool; int64_param=2 ?int64; string_param=3 ?string; double_param=4 ?double; "
        "uint64_param=5 ?uint64",
        "InferTensorContents": "bool_contents=1 *bool; int_contents=2 *int32; int64_contents=3 *int64; "
        "uint_contents=4 *uint32; uint64_contents=5 *uint64; fp32_contents=6 *float; fp64_contents=7 *double; "
        "bytes_contents=8 *bytes",
        "InferInputTensor": _TENSOR,
        "InferRequestedOutputTensor": "name=1 string; parameters=2 map",
        "ModelInferRequest": "model_name=1 string; model_version=2 string; id=3 string; parameters=4 map; "
        "inputs=5 *InferInputTensor; outputs=6 *InferRequestedOutputTensor; raw_input_contents=7 *bytes",
        "InferOutputTensor": _TENSOR,
        "ModelInferResponse": "model_name=1 string; model_version=2 string; id=3 string; parameters=4 map; "
        "outputs=5 *InferOutputTensor; raw_output_contents=6 *bytes",
    }
)


def messages() -> Mapping[str, type[Any]]:
    """The class of each message by its name."""
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        _describe(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in _MESSAGES)
    return {one.name: message_factory.GetMessageClass(one) for one in found}


def _describe(message: Any, fields: str) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, number, kind in _fields(fields):
        field = message.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL)
        bare = kind.lstrip("*?")
        if kind.startswith("*") or bare == "map":
            field.label = kinds.LABEL_REPEATED
        if kind.startswith("?"):
            field.oneof_index = 0
            if not message.oneof_decl:
                message.oneof_decl.add(name="parameter_choice")
        if bare == "map":
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{message.name}.ParametersEntry"
            entry = message.nested_type.add(name="ParametersEntry")
            entry.options.map_entry = True
            _describe(entry, "key=1 string; value=2 InferParameter")
        elif bare[0].isupper():
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{bare}"
        else:
            field.type = kinds.Type.Value(f"TYPE_{bare.upper()}")


def _fields(text: str) -> Iterator[tuple[str, int, str]]:
    for line in filter(None, text.split("; ")):
        named, kind = line.split(" ")
        name, number = named.split("=")
        yield name, int(number), kind
