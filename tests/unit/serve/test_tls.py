"""A real server with a certificate of its own."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from millrace.config.schema import ServeSettings
from millrace.errors import UsageError
from millrace.serve.stage import serve
from millrace.store.objects import Store
from serving import serving

ROW = {"age": 20, "plan": "gold", "calls": 0}


def certified(folder: Path, name: str) -> dict[str, str]:
    """The settings of a new certificate for 127.0.0.1, signed by itself."""
    tls = {"certificate": str(folder / f"{name}.pem"), "key": str(folder / f"{name}.key")}
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", *words.split(), *names, "-keyout", tls["key"], "-out", tls["certificate"]]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed: nothing makes a certificate")
    return tls


def test_answers_come_over_https_alone_and_browsers_are_told_so(store: Store, tmp_path: Path) -> None:
    tls = certified(tmp_path, "own")
    settings = ServeSettings.model_validate({"port": 0, "tls": tls}).model_dump_json()
    with serving(Path(store.url), version=1, settings=settings) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=tls["certificate"])
        answer = httpx.post(f"{server.url}/predict", json=ROW, verify=trusted)
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx.HTTPError, match=r".+"):
            httpx.get(server.url.replace("https", "http"))


@pytest.mark.parametrize("broken", ["other", "absent", "text"])
def test_a_certificate_that_cannot_be_used_is_refused_before_anything_starts(
    store: Store, tmp_path: Path, broken: str
) -> None:
    tls = certified(tmp_path, "own")
    (tmp_path / "text.key").write_text("no key, and secret")
    keys = {"other": certified(tmp_path, "other")["key"], "absent": "absent.key", "text": str(tmp_path / "text.key")}
    settings = ServeSettings.model_validate({"port": 0, "tls": tls | {"key": keys[broken]}})
    with pytest.raises(UsageError, match="cannot be used with the key") as refused:
        serve(store, settings, package="churn", version=1)
    assert "secret" not in str(refused.value)


def test_paths_of_a_certificate_count_from_the_project_file() -> None:
    settings = ServeSettings.model_validate({"tls": {"certificate": "a.pem", "key": "/etc/b.key"}})
    placed = settings.placed(9000, Path("/project"))
    assert placed.tls is not None
    assert (placed.port, placed.tls.certificate, placed.tls.key) == (9000, "/project/a.pem", "/etc/b.key")


def test_the_path_of_a_trusted_key_counts_from_the_project_file() -> None:
    assert ServeSettings(trust="keys/a.pub").placed(0, Path("/project")).trust == "/project/keys/a.pub"
