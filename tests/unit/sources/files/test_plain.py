import gzip
import zipfile

import pytest

from millrace.errors import SourceError
from unit.sources.files.reading import read, source, write


def test_gzip_is_read_like_plain_text(tmp_path):
    path = write(tmp_path, gzip.compress(b"id,name\n1,ann\n2\n"), "a.csv.gz")
    assert read(source(path)) == ([(1, "ann")], [(3, None, "1 values where 2 columns are expected", "2")])


def test_windows_text_is_recognised_where_no_character_is_well_formed_utf8(tmp_path):
    path = write(tmp_path, "id,name,p\n1,Müller,5 €\n2,„Ann“,…\n".encode("cp1252"))
    assert read(source(path)) == ([(1, "Müller", "5 €"), (2, "„Ann“", "…")], [])


def test_a_stated_encoding_is_used_and_its_broken_lines_are_refused(tmp_path):
    path = write(tmp_path, "id,name\n1,Жук\n2,".encode("koi8-r") + b"x\n")
    assert read(source(path, encoding="koi8-r")) == ([(1, "Жук"), (2, "x")], [])
    path = write(tmp_path, b"id,name\n1,a\x81b\n2,caf\xe9\n", "b.csv")
    rows, refused = read(source(path, encoding="cp1252"))
    assert rows == [(2, "café")]
    reason = "name: bytes that the encoding does not have; state the `encoding` of the file"
    assert refused == [(2, "name", reason, r"1,a\x81b")]


def test_an_unknown_encoding_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(SourceError, match=r"`cp-1253x` is not a text encoding. Did you mean `cp1252`"):
        source(write(tmp_path, "a,b\n1,2\n"), encoding="cp-1253x").schema()


@pytest.mark.parametrize("ending", [".zip", ".zst"])
def test_zip_and_zstandard_are_read_like_plain_text(tmp_path, ending):
    content = b"id,name\n1,ann\n2\n"
    path = tmp_path / f"a.csv{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", content)
    else:
        path.write_bytes(pytest.importorskip("zstandard", reason="needs the extra zstd").compress(content))
    assert read(source(path)) == ([(1, "ann")], [(3, None, "1 values where 2 columns are expected", "2")])


def test_an_archive_of_several_files_or_with_a_path_that_climbs_out_is_refused(tmp_path):
    for names, reason in ((("a.csv", "b.csv"), "holds 2 files"), (("../a.csv",), "a path that leads out")):
        path = tmp_path / "a.csv.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "id\n1\n")
        with pytest.raises(SourceError, match=reason):
            source(path).schema()


@pytest.mark.parametrize("ending", [".zip", ".gz"])
def test_a_decompression_bomb_is_refused(tmp_path, ending):
    path = tmp_path / f"a.csv{ending}"
    zeros = b"id,v\n" + b"1,0000000000000000\n" * (4 << 20)
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            archive.writestr("a.csv", zeros)
    else:
        path.write_bytes(gzip.compress(zeros, 6))
    with pytest.raises(SourceError, match="as a decompression bomb does"):
        source(path).schema()


def test_comments_and_skipped_lines_are_no_rows_and_do_not_shift_line_numbers(tmp_path):
    content = 'Report\nof 2024\n# c\nid,note\n1,"a\n# b"\n#x,y\n2,c # d\n3\n'
    rows, refused = read(source(write(tmp_path, content), comment="#", skip=2))
    assert rows == [(1, "a\n# b"), (2, "c # d")]
    assert refused == [(9, None, "1 values where 2 columns are expected", "3")]


def test_control_characters_that_are_signs_of_windows_1252_are_these_signs_where_no_encoding_is_stated(tmp_path):
    text = "id,name\n1,HR \x96 caf\xe9\n2,\x93Ann\x94 \x81\n"
    path = write(tmp_path, text)
    assert read(source(path)) == ([(1, "HR \N{EN DASH} café"), (2, "“Ann” \x81")], [])
    assert read(source(path, encoding="utf-8")) == ([(1, "HR \x96 café"), (2, "\x93Ann\x94 \x81")], [])


def test_such_a_control_character_is_found_where_two_pieces_meet(tmp_path, monkeypatch):
    text = "id,name\n1,a\x96b\n"
    for module in ("unpack", "plain"):
        monkeypatch.setattr(f"millrace.sources.files.{module}.PIECE", text.encode().index(b"\x96"))
    assert read(source(write(tmp_path, text))) == ([(1, "a\N{EN DASH}b")], [])
