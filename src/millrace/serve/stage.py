"""Serve a package over HTTP until told to stop."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from millrace.config.schema import ServeSettings, TlsSettings
from millrace.engine.stopping import told_to_stop
from millrace.errors import MillraceError, ReleaseError, UsageError
from millrace.privacy.columns import privacy
from millrace.records.progress import Step, Watch, unwatched
from millrace.serve.child import Orders
from millrace.serve.opening import opened
from millrace.serve.tokens import Issuer, Tokens
from millrace.store.objects import Store
from millrace.store.prediction_log import wal
from millrace.store.releases import champion
from millrace.store.signing import Trust

_PUBLIC: Mapping[str, str] = MappingProxyType({})
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_SHARES = {"all": 1.0, "none": 0.0}
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


def serve(  # noqa: PLR0913 - what a server is told
    store: Store,
    settings: ServeSettings,
    *,
    package: str,
    version: int | None = None,
    pii: Mapping[str, str] = _PUBLIC,
    watch: Watch = unwatched,
    stop: threading.Event | None = None,
    kept: bool = True,
) -> None:
    """Answer requests for `package` until SIGTERM or SIGINT; then finish what was begun, and settle the log.

    With `stop`, which whoever started this thread sets, until that instead.

    With `version` None the champion answers, and whoever becomes champion answers within a second. `watch` gets one
    step, whose text is the server's URL, once it truly answers. The work is done by processes of its own, which end
    when this one does, even if it is killed. `pii` says how fields with personal values are protected. With
    `settings.trust`, no package is loaded that this key did not sign, neither now nor later. Where the store is not
    `kept` afterwards, feedback is refused.

    Raises `ProjectFileError` when a key for `pii` is missing, `ReleaseError` when there is no champion, `PackageError`
    when the package is unknown or not intact,
    `UsageError` when the port is taken, `MillraceError` when the server stops by itself.
    """
    privacy(pii, os.environ, "serve")
    first = version if version is not None else _champion(store, package)
    opened(store, package, first, Trust.read(settings.trust) if settings.trust else None)
    wal(store)
    if settings.tls:
        _check_certificate(settings.tls)
    if settings.tokens:
        Tokens(Issuer(**settings.tokens.model_dump())).refresh()
    _warn_if_open(settings)
    port = _free_port(settings.host, settings.port)
    with (
        tempfile.TemporaryDirectory(prefix="millrace-serve-") as board,
        nullcontext(stop) if stop else told_to_stop() as told,
    ):
        orders = Orders(
            store.url,
            package,
            version,
            first,
            settings.host,
            port,
            board=board,
            pii=dict(pii),
            kept=kept,
            **_told(settings),
        )
        server = _start("server", orders)
        settler = _start("settler", orders)
        try:
            url = f"{'https' if settings.tls else 'http'}://{_reachable(settings.host)}:{port}"
            _await_answer(server, url, told)
            _announce(url, orders, watch)
            while not told.wait(0.2):
                _still_running(server)
                if settler.poll() is not None:
                    settler = _start("settler", orders)
        finally:
            _end(server)
            _end(settler)


def _grpc_port(settings: ServeSettings) -> int | None:
    """The port for gRPC, if there is to be one. Raises `MissingExtraError` without its library."""
    if settings.grpc is None:
        return None
    from millrace.serve.grpc_server import library

    library()
    return _free_port(settings.host, settings.grpc)


def _announce(url: str, orders: Orders, watch: Watch) -> None:
    watch(Step("serve", url))
    if orders.grpc is not None:
        watch(Step("grpc", f"{_reachable(orders.host)}:{orders.grpc}"))


def _told(settings: ServeSettings) -> dict[str, Any]:
    """What the settings say to a server's processes."""
    tokens, tls = settings.tokens, settings.tls
    return {
        "workers": settings.workers,
        "log": _SHARES[settings.log] if isinstance(settings.log, str) else settings.log,
        "keys": settings.keys,
        "body_mib": settings.limits.body_mib,
        "queue": settings.limits.queue,
        "rate": settings.limits.rate,
        "certificate": tls.certificate if tls else None,
        "private_key": tls.key if tls else None,
        "trust": settings.trust,
        "grpc": _grpc_port(settings),
        "together": settings.batch.requests if settings.batch else 1,
        "together_ms": settings.batch.wait_ms if settings.batch else 0.0,
        "tokens": (tokens.keys, tokens.issuer, tokens.audience) if tokens else None,
    }


def _check_certificate(tls: TlsSettings) -> None:
    """Raises `UsageError` when there is no such certificate, or the key is not its key."""
    try:
        # An empty password: a key that has one is refused, where the library would ask the terminal for it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "unreadable"
        raise UsageError(
            f"The certificate {tls.certificate} cannot be used with the key {tls.key}: {reason}.",
            where="serve",
            code="serve.tls",
            allowed=["PEM files: a certificate chain, and its private key without a password"],
            next_step="mend `serve: {tls: {certificate: …, key: …}}`",
        ) from None


def _warn_if_open(settings: ServeSettings) -> None:
    """Say it when whoever reaches this machine may ask for predictions, and tell the log outcomes."""
    if settings.keys == "none" and not settings.tokens and settings.host not in _LOOPBACK:
        logging.getLogger("millrace.serve").warning(
            "serve  access.open\n  Whoever reaches %s is answered without an access key.\n"
            "  Next: set `serve: {keys: required}`, and make a key with millrace key create",
            settings.host,
        )


def _champion(store: Store, package: str) -> int:
    release = champion(store)
    if release is None or release.package != package:
        raise ReleaseError(
            f"No version of {package} is champion yet.",
            where="serve",
            code="release.none",
            next_step="millrace run, or millrace release promote",
        )
    return release.version


def _free_port(host: str, port: int) -> int:
    """The port to bind. The server's workers share theirs, so a foreign listener is only noticed here."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"Port {port} of {host} cannot be used: {error.strerror}.",
                where="serve",
                code="serve.port",
                next_step="stop what listens there, or let `serve: {port: 0}` or `--port 0` take any free port",
            ) from error
        return int(probe.getsockname()[1])


def _start(module: str, orders: Orders) -> subprocess.Popen[bytes]:
    # A session of its own: a Ctrl-C in the terminal reaches this process alone, which then ends the others in order.
    return subprocess.Popen(  # noqa: S603 - this interpreter, a module of this package
        [sys.executable, "-m", f"millrace.serve.{module}"],
        env=orders.environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _await_answer(server: subprocess.Popen[bytes], url: str, stop: threading.Event) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(url):
        _still_running(server)
        if time.monotonic() > deadline:
            raise MillraceError(
                f"The server did not answer within {_START_SECONDS:.0f} s.", where="serve", code="serve.slow"
            )
        if stop.wait(0.02):
            return


def _answers(url: str) -> bool:
    at = urlsplit(url)
    if at.scheme == "https":
        # Only whether it answers is asked, of a process just started here: its name need not be this machine's.
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(at.hostname or "", at.port, timeout=2, context=unchecked)
    else:
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=2)  # type: ignore[assignment]
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """An address a client can use: a server that listens everywhere is reached at home."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound
    return f"[{reachable}]" if ":" in reachable else reachable


def _still_running(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        raise MillraceError(
            f"The server stopped by itself (exit status {server.returncode}).",
            where="serve",
            code="serve.stopped",
            next_step="its last words are on standard error above",
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
