"""A profile comes back from its file as it was, and a damaged file says so."""

from __future__ import annotations

import polars as pl
import pytest

from millrace.errors import PackageError
from millrace.profile.build import profile
from millrace.profile.file import decode, encode
from millrace.records.signature import Field, Signature

SIGNATURE = Signature("regression", "y", (Field("n", "number"), Field("c", "category"), Field("t", "text")))

OLDEST = b"""{"columns": {"n": {"kind": "number", "rows": 3, "missing": 1, "counts": [0, 1, 1, 0],
"edges": [1.0, 2.0, 2.0000000000000004], "values": [], "strangers": [], "finite": 2, "mean": 1.5, "m2": 0.5,
"low": 1.0, "high": 2.0}}, "format": 1}"""


def test_a_profile_comes_back_as_it_was() -> None:
    frame = pl.DataFrame({"n": [0.1, None, 1e300], "c": ["a", "b", None], "t": ["", "long", "longer"]})
    written = profile(frame, SIGNATURE)
    assert decode(encode(written)) == written


def test_the_oldest_format_opens() -> None:
    column = decode(OLDEST).columns["n"]
    assert (column.present, column.counts, column.mean) == (2, (0, 1, 1, 0), 1.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"\xff", "cannot be read", id="not UTF-8"),
        pytest.param(b"[]", "cannot be read", id="not an object"),
        pytest.param(OLDEST.replace(b'"rows": 3', b'"rows": "3"'), "cannot be read", id="a text for a number"),
        pytest.param(OLDEST.replace(b"[0, 1, 1, 0]", b"[1, 1]"), "column `n` do not fit", id="too few cells"),
        pytest.param(OLDEST.replace(b'"rows": 3', b'"rows": 9'), "column `n` do not fit", id="too many rows"),
        pytest.param(OLDEST.replace(b'"format": 1', b'"format": 2'), "format 2; .* up to 1", id="from the future"),
    ],
)
def test_a_damaged_profile_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        decode(content)
