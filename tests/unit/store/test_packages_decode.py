"""A manifest that is no manifest is refused with a stated error, however it is broken."""

import pytest

from millrace.errors import PackageError
from millrace.store.packages import decode


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff", b'{"format": 1e400}', b'{"format": null}', b"[" * 200_000, b'{"a":' * 200_000],
    ids=["empty", "no fields", "a list", "no UTF-8", "infinite format", "no format", "deep lists", "deep objects"],
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(PackageError, match="The manifest cannot be read"):
        decode(content, "here")
