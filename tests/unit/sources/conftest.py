import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    repository = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("MILLRACE_SHARED", repository.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}; set MILLRACE_SHARED")
    return folder


@pytest.fixture
def project(tmp_path):
    """A project's folder with a package `shop` of its own, forgotten afterwards."""
    (tmp_path / "shop").mkdir()
    yield tmp_path
    sys.path[:] = [place for place in sys.path if place != str(tmp_path.resolve())]
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]
