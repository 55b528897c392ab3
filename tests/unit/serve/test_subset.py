"""A server runs where nothing is installed but what `serve/requirements.txt` names."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import millrace
from millrace.store.objects import Store
from tiny_package import publish_tiny

SOURCE = Path(millrace.__file__).parent
STATED = (SOURCE / "serve" / "requirements.txt").read_text().split()
SERVE = """
import sys
from millrace.config.schema import ServeSettings
from millrace.serve.stage import serve
from millrace.store.objects import Store
serve(Store(sys.argv[1]), ServeSettings(port=0), package="churn", version=1, watch=lambda s: print(s.text, flush=True))
"""


def environment(folder: Path) -> Path:
    """An environment with Millrace, the stated distributions, and no other; give its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = (folder / "lib").glob("python*/site-packages")
    for name in STATED:
        found = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            target = Path(str(found.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    (site / "millrace").symlink_to(SOURCE)
    return folder / "bin" / "python"


def test_a_server_answers_logs_and_settles_with_the_stated_distributions_alone(tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    publish_tiny(Store(tmp_path / "store"))
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    command = [str(python), "-I", "-c", SERVE, str(tmp_path / "store")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bare)
    try:
        assert server.stdout
        assert server.stderr
        url = server.stdout.readline().strip()
        assert url.startswith("http"), server.stderr.read()
        body = json.dumps({"rows": [{"age": 20, "plan": "gold", "calls": 0}]}).encode()
        with urllib.request.urlopen(f"{url}/predict", body, timeout=20) as said:
            assert json.load(said)["predictions"][0]["label"] == "Yes"
    finally:
        server.terminate()
        _, told = server.communicate(timeout=30)
    assert "ModuleNotFoundError" not in told
    assert list((tmp_path / "store").rglob("_delta_log")), told
    gone = subprocess.run([str(python), "-I", "-c", "import sklearn"], capture_output=True, check=False)
    assert gone.returncode == 1
    assert sys.executable != str(python)
