import json

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.sources.files.source import FileSource
from millrace.sources.registry import kinds
from millrace.testing.sources import SourceContract
from unit.sources.spreadsheet import write_xlsx

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


def json_array(folder):
    rows = [{"id": i, "name": n, "x": x} for i, n, x in ROWS]
    (folder / "a.json").write_text(json.dumps([*rows[:2], 7, *rows[2:]], indent=1))
    (folder / "b.json").write_text('{"x": 9.5, "id": 8, "name": "zoe"}\n')
    return "*.json"


def xml(folder):
    rows = "".join(f'<r id="{i}"><name>{n}</name><x>{x or ""}</x></r>' for i, n, x in ROWS)
    (folder / "a.xml").write_text(f"<all>{rows}</all>")
    return "*.xml"


def excel(folder):
    pytest.importorskip("python_calamine", reason="needs the extra excel")
    cells = "".join(
        f'<row r="{n}">'
        + "".join(f'<c r="{c}{n}" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in zip("AB", row, strict=False))
        + "</row>"
        for n, row in enumerate([("id", "name"), *ROWS], 1)
    )
    write_xlsx(folder / "a.xlsx", cells)
    return "*.xlsx"


def arrow(folder):
    frame = pl.DataFrame(ROWS, schema=["id", "name", "x"], orient="row")
    frame.write_ipc(folder / "a.arrow")
    frame.reverse().write_ipc_stream(folder / "b.arrow")
    return "*.arrow"


WRITERS = {
    "arrow": arrow,
    "delimited": delimited,
    "excel": excel,
    "json": json_array,
    "ndjson": ndjson,
    "parquet": parquet,
    "xml": xml,
}


def test_every_built_in_kind_is_under_contract():
    assert set(WRITERS) <= set(kinds())


@pytest.mark.parametrize("kind", WRITERS)
class TestFiles(SourceContract):
    @pytest.fixture(autouse=True)
    def _files(self, tmp_path, kind, monkeypatch):
        monkeypatch.setattr("millrace.sources.files.source.BATCH_ROWS", 2)
        self.folder, self.kind, self.pattern = tmp_path, kind, WRITERS[kind](tmp_path)

    def open(self):
        source = kinds()[self.kind].open("s", SourceSettings(**{"from": self.pattern}), self.folder, None)
        assert isinstance(source, FileSource)
        return source
