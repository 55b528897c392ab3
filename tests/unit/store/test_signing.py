from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from millrace.errors import PackageError, TamperedError
from millrace.inference.model import Model
from millrace.store.integrity import sign_folder
from millrace.store.objects import Store
from millrace.store.signing import Trust, make_keys
from tiny_package import publish_tiny


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust.read(make_keys(tmp_path / "key.pem"))


@pytest.fixture
def folder(tmp_path: Path, trust: Trust) -> Path:
    folder = Path(publish_tiny(Store(tmp_path / "store")).path)
    sign_folder(folder, tmp_path / "key.pem")
    return folder


def test_what_the_key_signed_is_opened(folder: Path, trust: Trust) -> None:
    assert Model.open(folder, trust=trust).manifest == Model.open(folder).manifest


@pytest.mark.parametrize("size", [0, 1, 40, 200])
def test_a_truncated_signature_is_refused(folder: Path, trust: Trust, size: int) -> None:
    file = folder / "manifest.sig"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(TamperedError, match=r"manifest\.sig cannot be read"):
        Model.open(folder, trust=trust)


def test_an_unsigned_package_is_refused(folder: Path, trust: Trust) -> None:
    (folder / "manifest.sig").unlink()
    with pytest.raises(TamperedError, match="is not signed"):
        Model.open(folder, trust=trust)


def test_a_signature_by_another_key_is_refused(folder: Path, trust: Trust, tmp_path: Path) -> None:
    make_keys(tmp_path / "other.pem")
    sign_folder(folder, tmp_path / "other.pem")
    with pytest.raises(TamperedError, match="another key made it"):
        Model.open(folder, trust=trust)


def test_another_keys_signature_under_the_trusted_name_is_refused(folder: Path, trust: Trust, tmp_path: Path) -> None:
    file = folder / "manifest.sig"
    ours = msgspec.json.decode(file.read_bytes())
    make_keys(tmp_path / "other.pem")
    sign_folder(folder, tmp_path / "other.pem")
    file.write_bytes(msgspec.json.encode(msgspec.json.decode(file.read_bytes()) | {"key": ours["key"]}))
    with pytest.raises(TamperedError, match="not the trusted key's signature of this manifest"):
        Model.open(folder, trust=trust)


@pytest.mark.parametrize("swapped", ["manifest.json", "manifest.sig"])
def test_the_manifest_or_signature_of_another_package_is_refused(
    folder: Path, trust: Trust, tmp_path: Path, swapped: str
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    manifest = other / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    sign_folder(other, tmp_path / "key.pem")
    assert Model.open(other, trust=trust)
    shutil.copy(other / swapped, folder / swapped)
    with pytest.raises(TamperedError, match="not the trusted key's signature of this manifest"):
        Model.open(folder, trust=trust)


def test_a_manifest_is_not_parsed_before_its_signature_holds(folder: Path, trust: Trust) -> None:
    (folder / "manifest.json").write_bytes(b"{not json")
    with pytest.raises(TamperedError, match="not the trusted key's signature of this manifest"):
        Model.open(folder, trust=trust)


@pytest.mark.parametrize("name", ["model.onnx", "profile.json"])
def test_a_file_changed_after_signing_is_refused(folder: Path, trust: Trust, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b"\xff")
    with pytest.raises(TamperedError, match=f"{name} differs"):
        Model.open(folder, trust=trust)


def test_a_removed_file_is_refused(folder: Path, trust: Trust) -> None:
    (folder / "profile.json").unlink()
    with pytest.raises(TamperedError, match=r"profile\.json is in the manifest"):
        Model.open(folder, trust=trust)


def test_an_added_file_is_refused(folder: Path, trust: Trust) -> None:
    (folder / "custom.so").write_bytes(b"")
    with pytest.raises(TamperedError, match=r"custom\.so is in the folder"):
        Model.open(folder, trust=trust)


def test_a_linked_signature_is_refused(folder: Path, trust: Trust, tmp_path: Path) -> None:
    shutil.move(folder / "manifest.sig", tmp_path / "elsewhere")
    (folder / "manifest.sig").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TamperedError, match=r"manifest\.sig is not a plain file"):
        Model.open(folder, trust=trust)


def test_a_tampered_package_is_not_signed(folder: Path, tmp_path: Path) -> None:
    before = (folder / "manifest.sig").read_bytes()
    (folder / "profile.json").write_bytes(b"other")
    with pytest.raises(TamperedError, match=r"profile\.json differs"):
        sign_folder(folder, tmp_path / "key.pem")
    assert (folder / "manifest.sig").read_bytes() == before


def test_a_key_is_never_overwritten_and_is_its_owners_alone(tmp_path: Path, trust: Trust) -> None:
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(PackageError, match="There is a file already"):
        make_keys(tmp_path / "key.pem")


def test_a_private_key_is_not_taken_for_a_public_one(tmp_path: Path, trust: Trust) -> None:
    with pytest.raises(PackageError, match="no public key"):
        Trust.read(tmp_path / "key.pem")


def test_the_public_keys_name_is_not_taken_for_the_private_key(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
    with pytest.raises(PackageError, match=r"written beside the private one[\s\S]*my\.pem"):
        make_keys(tmp_path / "my.pub")
    assert list(tmp_path.iterdir()) == []
