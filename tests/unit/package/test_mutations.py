"""A slice of `tests/package_mutations.py`: whatever somebody changed in a signed package, it is refused and said so."""

import pytest

from millrace.errors import MillraceError
from millrace.inference.model import Model
from package_mutations import DESCRIPTIVE, mutated, pristine, tried


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    pytest.importorskip("cryptography", reason="the extra `sign` is not installed")
    return pristine(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("seed", range(0, 600, 100))
def test_a_changed_package_is_refused_and_nothing_but_a_stated_error_comes_out(seed, whole, tmp_path):
    files, trust, _ = whole
    for one in range(seed, seed + 100):
        kind, signed, unsigned = tried(files, trust, one, tmp_path / str(one))
        assert signed == "refused", f"seed {one}: {kind}"
        # Without a key, texts of the manifest can be changed, and a graph if its checksum is changed with it.
        assert unsigned == "refused" or kind in DESCRIPTIVE | {"deep"}, f"seed {one}: {kind}"


def test_a_graph_that_takes_a_single_number_is_refused(whole, tmp_path):
    files, trust, _ = whole
    assert tried(files, trust, 49130, tmp_path / "scalar") == ("rehashed", "refused", "refused")


def test_the_unchanged_package_is_opened(whole, tmp_path):
    files, trust, _ = whole
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert Model.open(tmp_path, trust=trust).manifest.name == "churn"


def test_a_graph_that_breaks_the_runtime_says_nothing_on_standard_output(whole, tmp_path, capfd):
    """ONNX Runtime prints, and tries again, where a text of the graph is not UTF-8."""
    files, _, _ = whole
    seen = set()
    for seed in range(400):
        folder = tmp_path / str(seed)
        folder.mkdir()
        if mutated(files, seed, folder) == "rehashed":
            try:
                Model.open(folder)
            except MillraceError as error:
                seen.add("can't decode" in str(error))
    assert seen
    assert capfd.readouterr().out == ""
