from __future__ import annotations

from pathlib import Path

import pytest

from millrace.store.objects import Store
from tiny_package import publish_tiny


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one package, churn 1."""
    store = Store(tmp_path / "store")
    publish_tiny(store)
    return store
