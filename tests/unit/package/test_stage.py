from dataclasses import replace

import pytest

import trained
from millrace.errors import PackageError, ParityError
from millrace.package.stage import pack
from millrace.records.evaluation import Metric
from millrace.store.objects import Store
from millrace.store.packages import find, versions


@pytest.fixture(scope="module")
def fit():
    return trained.fit("binary")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def publish(fit, store, name="churn"):
    return pack(fit, store, name=name, run="r7", lineage={"tables": {"customers": 3}}, profile=b'{"rows": 240}')


def test_a_package_holds_graph_profile_card_and_manifest(fit, store):
    manifest, info = publish(fit, store)
    assert sorted(manifest.files) == ["MODEL_CARD.md", "model.onnx", "profile.json", "sbom.json"]
    assert (info.name, info.version) == ("churn", 1)
    assert find(store, "churn", 1) == info


def test_versions_count_up(fit, store):
    assert [publish(fit, store)[1].version for _ in range(2)] == [1, 2]


def test_two_packages_of_one_fit_have_the_same_graph(fit, store):
    digests = {publish(fit, store)[0].files["model.onnx"] for _ in range(2)}
    assert len(digests) == 1


def test_lineage_says_tables_and_libraries(fit, store):
    lineage = publish(fit, store)[0].lineage
    assert lineage["tables"] == {"customers": 3}
    assert set(lineage["libraries"]) >= {"lightgbm", "onnxruntime", "scikit-learn"}


def test_the_card_knows_its_version_and_the_notes(fit, store):
    publish(fit, store)
    card = (store.read("packages/churn/1/MODEL_CARD.md") or b"").decode()
    assert card.startswith("# churn, version 1\n")
    assert "- a note" in card


def test_a_graph_that_answers_otherwise_is_not_published(fit, store):
    wrong = replace(fit, threshold=0.9)
    with pytest.raises(ParityError, match="No package was written"):
        publish(wrong, store)
    assert versions(store, "churn") == ()


def test_a_metric_that_could_not_be_measured_is_left_out(fit, store):
    nothing = float("nan")
    metrics = {"roc_auc": Metric(nothing, nothing, nothing), "recall": Metric(0.5, 0.4, 0.6)}
    manifest, _ = publish(replace(fit, evaluation=replace(fit.evaluation, metrics=metrics)), store)
    assert list(manifest.evaluation.metrics) == ["recall"]


def test_a_name_that_is_no_folder_is_refused(fit, store):
    with pytest.raises(PackageError, match=r"'\.\./x' cannot name a package"):
        publish(fit, store, "../x")
