import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    repository = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("MILLRACE_SHARED", repository.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}; set MILLRACE_SHARED")
    return folder
