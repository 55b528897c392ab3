"""The Open Inference Protocol over gRPC, on the core that answers over HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace import __version__
from millrace.errors import MissingExtraError, RequestError
from millrace.serve import oip
from millrace.serve.access import Access
from millrace.serve.core import Core
from millrace.serve.lanes import ANYONE
from millrace.serve.oip_messages import METHODS, PACKAGE, SERVICE, messages
from millrace.serve.oip_tensors import packed, unpacked

if TYPE_CHECKING:
    import grpc

#: The HTTP path whose access rules hold for a method.
_PATHS = {"ServerLive": "/v2/health/live", "ServerReady": "/v2/health/ready", "ModelInfer": "/v2/models/m/infer"}
_PATHS |= {"ModelReady": "/v2/models/m/ready"}
#: Which contents a datatype comes in when it is not raw.
_CONTENTS = {
    "BOOL": "bool", "INT8": "int", "INT16": "int", "INT32": "int", "INT64": "int64", "UINT8": "uint",
    "UINT16": "uint", "UINT32": "uint", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes",
}  # fmt: skip
_GRACE_SECONDS = 8.0


class GrpcServer:
    """One worker's gRPC server; a context. Workers share the port."""

    def __init__(
        self,
        core: Core,
        address: str,
        access: Access | None,
        *,
        body: int,
        queue: int,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        grpc = library()
        self._core, self._access, self._made = core, access, messages()
        options = [("grpc.so_reuseport", 1), ("grpc.max_receive_message_length", body)]
        # Inference holds one thread at a time; a second lets probes pass it.
        self._server = grpc.server(
            ThreadPoolExecutor(2, "grpc"), options=options, maximum_concurrent_rpcs=queue or None
        )
        handlers = {name: self._handler(grpc, name) for name in METHODS}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{PACKAGE}.{SERVICE}", handlers),))
        if certificate is None:
            self._server.add_insecure_port(address)
        else:
            chain, key = (Path(path).read_bytes() for path in certificate)
            self._server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)]))

    def __enter__(self) -> None:
        self._server.start()

    def __exit__(self, *_: object) -> None:
        self._server.stop(_GRACE_SECONDS).wait()

    def _handler(self, grpc: Any, name: str) -> Any:
        answers: Mapping[str, Callable[[Any, Any], Any]] = {
            "ServerLive": lambda _, answer: answer(live=True),
            "ServerReady": lambda _, answer: answer(ready=True),
            "ModelReady": lambda asked, answer: answer(ready=self._serves(asked.name, asked.version)),
            "ServerMetadata": lambda _, answer: answer(name="millrace", version=__version__),
            "ModelMetadata": self._metadata,
            "ModelInfer": self._infer,
        }
        response, own = self._made[f"{name}Response"], answers[name]

        def answered(asked: Any, context: grpc.ServicerContext) -> Any:
            self._let_in(name, context)
            try:
                return own(asked, response)
            except _UnknownModelError as error:
                context.abort(grpc.StatusCode.NOT_FOUND, str(error))
            except RequestError as error:
                allowed = f" Allowed: {', '.join(error.allowed)}" if error.allowed else ""
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error.where}: {error.seen}{allowed}")
            except OSError as error:
                context.abort(grpc.StatusCode.UNAVAILABLE, f"The answer could not be logged: {error}")
            return None

        return grpc.unary_unary_rpc_method_handler(
            answered,
            request_deserializer=self._made[f"{name}Request"].FromString,
            response_serializer=response.SerializeToString,
        )

    def _let_in(self, name: str, context: Any) -> None:
        """End a call that the access rules of HTTP do not let pass."""
        if self._access is None:
            return
        headers = [
            (key.encode("latin-1"), value.encode("latin-1") if isinstance(value, str) else value)
            for key, value in context.invocation_metadata()
        ]
        client = context.peer().partition(":")[2].rpartition(":")[0]
        refusal = self._access.refusal(_PATHS.get(name, "/v2"), headers, client)
        if refusal is not None:
            codes = library().StatusCode
            code = {401: codes.UNAUTHENTICATED, 403: codes.PERMISSION_DENIED}.get(refusal[0], codes.RESOURCE_EXHAUSTED)
            context.abort(code, refusal[1].decode())

    def _serves(self, name: str, version: str) -> bool:
        manifest = self._core.loaded.model.manifest
        return name == manifest.name and version in {"", *(str(one.version) for one in self._core.lanes.all)}

    def _metadata(self, asked: Any, answer: Any) -> Any:
        self._demand(asked.name, asked.version)
        return answer(**oip.model_metadata(self._core.loaded))

    def _infer(self, asked: Any, answer: Any) -> Any:
        self._demand(asked.model_name, asked.model_version)
        asker = ANYONE
        if asked.model_version and asked.model_version != str(self._core.loaded.version):
            asker = asker._replace(model=asked.model_version)
        said = oip.answered(self._core, _request(asked), asker)
        outputs: Any = said["outputs"]
        raw = [packed(output.pop("data"), output["datatype"]) for output in outputs]
        return answer(
            model_name=said["model_name"],
            model_version=said["model_version"],
            id=asked.id,
            outputs=outputs,
            raw_output_contents=raw,
        )

    def _demand(self, name: str, version: str) -> None:
        if not self._serves(name, version):
            manifest = self._core.loaded.model.manifest
            named = f"{name} version {version}" if version else name
            raise _UnknownModelError(
                f"{named} is not served here; {manifest.name} version {manifest.version} is.", code="request.model"
            )


class _UnknownModelError(RequestError):
    """Another model was asked for."""

    code = "request.model"


def library() -> Any:
    """The library `grpc`. Raises `MissingExtraError` without it."""
    try:
        import grpc
    except ImportError as error:
        raise MissingExtraError(
            "gRPC needs the library `grpcio`.", where="serve", next_step="pip install 'millrace[grpc]'"
        ) from error
    return grpc


def _request(asked: Any) -> oip.InferRequest:
    """The message as the request that HTTP would bring. Raises `RequestError` for contents in the wrong place."""
    raw = list(asked.raw_input_contents)
    if raw and (len(raw) != len(asked.inputs) or any(tensor.HasField("contents") for tensor in asked.inputs)):
        raise RequestError(
            f"There are {len(raw)} raw contents for {len(asked.inputs)} inputs.",
            code="request.tensor",
            allowed=["raw_input_contents for every input, and no contents", "contents in every input"],
        )
    inputs = []
    for place, tensor in enumerate(asked.inputs):
        values = unpacked(raw[place], tensor.datatype, tensor.name) if raw else _values(tensor)
        inputs.append(oip.Tensor(tensor.name, list(tensor.shape), tensor.datatype, values))
    return oip.InferRequest(inputs, asked.id or None, {}, [oip.Wanted(output.name) for output in asked.outputs])


def _values(tensor: Any) -> list[Any]:
    kind = _CONTENTS.get(tensor.datatype)
    if kind is None:
        seen = f"Its datatype is {tensor.datatype}, which comes raw alone."
        raise RequestError(seen, code="request.datatype", field=tensor.name, allowed=list(_CONTENTS))
    values = list(getattr(tensor.contents, f"{kind}_contents"))
    if kind == "bytes":
        try:
            return [value.decode() for value in values]
        except UnicodeDecodeError as error:
            raise RequestError(
                f"Its texts cannot be read: {error}.", code="request.tensor", field=tensor.name, allowed=["UTF-8"]
            ) from None
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]
