"""A package is signed and verified by the commands of docs/packages.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_package
from millrace.store.objects import Store


def test_a_package_is_signed_and_whatever_the_key_did_not_sign_is_refused(
    type_in: Callable[..., Any], tmp_path: Path
) -> None:
    pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
    folder = tiny_package.publish_tiny(Store(tmp_path / "store")).path
    type_in("package", "keys", "key.pem")
    unsigned = type_in("package", "verify", "--path", folder, "--trust", "key.pub", expect=1)
    assert "This package is not signed" in unsigned.stderr
    type_in("package", "sign", "--path", folder, "--key", "key.pem")
    type_in("package", "verify", "--path", folder, "--trust", "key.pub")
    type_in("package", "keys", "other.pem")
    assert (
        "another key made it" in type_in("package", "verify", "--path", folder, "--trust", "other.pub", expect=1).stderr
    )
