"""The command line as a real process."""

import json
import os
import subprocess
import sys

HEAVY = ("polars", "duckdb", "sklearn", "lightgbm", "numpy", "onnxruntime", "deltalake", "ruamel", "altair")


def python(*argv, **environ):
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def test_help_loads_nothing_heavy():
    code = (
        "import json, sys\nfrom millrace.cli.edge import run\n"
        "run(['--help']); run(['run', '--help'])\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert loaded.isdisjoint(HEAVY)


def test_the_module_is_the_command():
    done = python("-m", "millrace", "--version")
    assert (done.returncode, done.stdout) == (0, "millrace 0.1.0\n")


def test_the_exit_code_reaches_the_shell():
    done = python("-m", "millrace", "chekc", "--json", NO_COLOR="1")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["nearest"] == "check"
    assert "Did you mean `check`?" in done.stderr


def test_the_schema_is_printed_as_json():
    done = python("-m", "millrace", "check", "--schema")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["required"] == ["sources", "model"]
