import json

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.sources.files import FileSource
from millrace.sources.registry import kinds
from millrace.testing.sources import SourceContract

ROWS = [(1, "ann", 0.5), (2, "bob", None), (3, "cy", 2.5), (4, "di", 1.0), (5, "eve", 3.0)]


def delimited(folder):
    (folder / "a.csv").write_text(
        "id,name,x\n1,ann,0.5\nbroken\n2,bob,\n3,cy,2.5\n4,di,1.0\n5,eve,3.0\n6,flo\n7,a,b,c,d\n"
    )
    (folder / "b.csv").write_text("x,id,name\n9.5,8,zoe\n")
    (folder / "c.csv").write_text("")
    return "*.csv"


def ndjson(folder):
    lines = [json.dumps({"id": i, "name": n, "x": x}) for i, n, x in ROWS]
    (folder / "a.ndjson").write_text("\n".join([*lines[:2], "{broken", "[1]", *lines[2:], ""]))
    (folder / "b.ndjson").write_text('{"x": 9.5, "id": 8, "name": "zoe"}\n')
    return "*.ndjson"


def parquet(folder):
    frame = pl.DataFrame(ROWS, schema=["id", "name", "x"], orient="row")
    frame.write_parquet(folder / "a.parquet")
    frame.reverse().write_parquet(folder / "b.parquet")
    return "*.parquet"


WRITERS = {"delimited": delimited, "ndjson": ndjson, "parquet": parquet}


def test_every_built_in_kind_is_under_contract():
    assert set(WRITERS) <= set(kinds())


@pytest.mark.parametrize("kind", WRITERS)
class TestFiles(SourceContract):
    @pytest.fixture(autouse=True)
    def _files(self, tmp_path, kind, monkeypatch):
        monkeypatch.setattr("millrace.sources.files.BATCH_ROWS", 2)
        self.folder, self.kind, self.pattern = tmp_path, kind, WRITERS[kind](tmp_path)

    def open(self):
        source = kinds()[self.kind].open("s", SourceSettings(**{"from": self.pattern}), self.folder, None)
        assert isinstance(source, FileSource)
        return source
