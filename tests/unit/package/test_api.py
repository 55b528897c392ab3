import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

import trained
from millrace.errors import PackageError, RequestError, TamperedError
from millrace.package import api
from millrace.package.stage import pack
from millrace.store.objects import Store
from millrace.store.packages import decode

FILES = ("model.onnx", "profile.json", "MODEL_CARD.md")


@pytest.fixture(scope="module")
def fit():
    return trained.fit("binary")


@pytest.fixture(scope="module")
def published(fit, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return Path(pack(fit, store, name="churn", run="r1", lineage={}, profile=b"{}")[1].path)


@pytest.fixture
def folder(published, tmp_path):
    return Path(shutil.copytree(published, tmp_path / "package"))


def test_predictions_are_the_trained_models(fit, published):
    found = api.Package.load(published).predict(fit.test_rows)
    assert found.columns == ["label", "p_no", "p_yes"]
    np.testing.assert_allclose(found["p_yes"], fit.answer.probabilities[:, 1], atol=1e-6)
    assert found["label"].to_list() == [("no", "yes")[i] for i in fit.answer.label]


def test_a_regression_gives_values(tmp_path):
    fit = trained.fit("regression")
    path = pack(fit, Store(tmp_path), name="rent", run="r1", lineage={}, profile=None)[1].path
    package = api.Package.load(path)
    np.testing.assert_allclose(package.predict(fit.test_rows)["value"], fit.answer.value, rtol=1e-5)
    assert package.profile is None


def test_rows_may_be_mappings_and_lack_columns(published):
    package = api.Package.load(published)
    assert package.predict([{"city": "Oslo", "age": 41}]).height == 1
    assert package.predict({"age": [41.0, None]}).height == 2


def test_no_rows_give_no_predictions(fit, published):
    assert api.Package.load(published).predict(fit.test_rows.clear()).height == 0


def test_texts_where_numbers_belong_are_refused_by_column(published):
    with pytest.raises(RequestError, match=r"field age[\s\S]*It holds String"):
        api.Package.load(published).predict(pl.DataFrame({"age": ["old"]}))


def test_a_notebook_shows_the_metrics(published):
    assert "<td>roc_auc</td><td>0.81</td><td>0.78 … 0.84</td>" in api.Package.load(published)._repr_html_()


def test_predicting_needs_no_training_library(fit, published, tmp_path):
    fit.test_rows.write_parquet(tmp_path / "rows.parquet")
    code = f"""
import sys
BLOCKED = {{"sklearn", "lightgbm", "onnx", "skl2onnx", "onnxmltools", "scipy"}}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Block())
import polars as pl
from millrace.package.api import Package
rows = pl.read_parquet({str(tmp_path / "rows.parquet")!r})
print(Package.load({str(published)!r}).predict(rows)["p_yes"].sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(float(fit.answer.probabilities[:, 1].sum()), rel=1e-5)


def test_an_untouched_package_is_verified(folder):
    assert api.verify(folder).version == 1


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_named_with_both_digests(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    expected = api.inspect(folder).files[name]
    with pytest.raises(TamperedError, match=rf"{name} differs.*expected sha256 {expected}, found [0-9a-f]{{64}}"):
        api.verify(folder)
    with pytest.raises(TamperedError, match=name):
        api.Package.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(TamperedError, match=f"{name} is in the manifest and not in the folder"):
        api.verify(folder)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_link_is_refused(folder, name, tmp_path):
    (folder / name).rename(tmp_path / "same bytes")
    (folder / name).symlink_to(tmp_path / "same bytes")
    with pytest.raises(TamperedError, match=f"{name} is not a plain file"):
        api.verify(folder)


def test_a_surplus_file_is_refused(folder):
    (folder / "hook.py").write_text("print('hello')")
    with pytest.raises(TamperedError, match=r"hook\.py is in the folder and not in the manifest"):
        api.verify(folder)


def test_a_truncated_manifest_is_refused(folder):
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(PackageError, match="manifest cannot be read"):
        api.verify(folder)


def test_a_newer_format_is_refused_with_the_way_out(folder):
    path = folder / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | {"format": 2}))
    with pytest.raises(PackageError, match=r"format 2; this Millrace reads up to 1[\s\S]*pip install --upgrade"):
        api.inspect(folder)


def test_a_manifest_of_format_1_opens_for_ever():
    content = (Path(__file__).parent / "fixtures" / "manifest-1.json").read_bytes()
    manifest = decode(content, "fixture")
    assert (manifest.name, manifest.version, manifest.format) == ("churn", 3, 1)
    assert manifest.signature.inputs[1].categories == ("gold", "basic")
    assert manifest.evaluation.metrics["roc_auc"].low == 0.78
    assert manifest.files["model.onnx"].startswith("9f86d081")


def test_a_package_is_loaded_only_from_the_signer_that_is_trusted(folder, tmp_path):
    pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
    from millrace.store.signing import make_keys

    key, other = make_keys(tmp_path / "key.pem"), make_keys(tmp_path / "other.pem")
    with pytest.raises(TamperedError, match="This package is not signed"):
        api.Package.load(folder, trust=key)
    api.sign(folder, tmp_path / "key.pem")
    assert api.Package.load(folder, trust=key).predict([{"age": 41.0}]).height == 1
    with pytest.raises(TamperedError, match="another key made it"):
        api.Package.load(folder, trust=other)
