from __future__ import annotations

import pytest

from millrace.store.objects import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)
