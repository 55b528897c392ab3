from pathlib import Path

import numpy as np
import polars as pl
import pytest

import trained
from millrace.engine.here import Here
from millrace.errors import DataError, UsageError
from millrace.package.api import Package
from millrace.package.batch import Answered, Asking, answer_file, table_at
from millrace.package.stage import pack
from millrace.package.writers import ParquetWriter
from millrace.records.conformal import Conformal
from millrace.store.objects import Store
from millrace.train.calling import Calling

READ = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".ndjson": pl.read_ndjson}


@pytest.fixture(scope="module")
def fit():
    return trained.fit("binary")


@pytest.fixture(scope="module")
def package(fit, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return Package.load(Path(pack(fit, store, name="churn", run="r1", lineage={}, profile=None)[1].path), threads=0)


def refused(rows):
    return pl.DataFrame({"_row": list(range(rows)), "_rules": [["type", "range"]] * rows, "_raw": ["x"] * rows})


def answered(package, batches, to, **how):
    return answer_file(Asking(package, **how).answers(batches, Here()), to)


@pytest.mark.parametrize("suffix", READ)
def test_batches_become_one_file_in_their_order(fit, package, tmp_path, suffix):
    rows = fit.test_rows
    batches = ((rows[start : start + 7], refused(0)) for start in range(0, rows.height, 7))
    done = answered(package, batches, tmp_path / f"answers{suffix}")
    found = READ[suffix](tmp_path / f"answers{suffix}")
    assert done == Answered(rows.height, 0)
    assert found["age"].to_list() == rows["age"].to_list()
    assert found["label"].to_list() == [("no", "yes")[i] for i in fit.answer.label]
    assert [path.name for path in tmp_path.iterdir()] == [f"answers{suffix}"]


def test_rows_that_cannot_be_read_stand_aside_with_their_rules(fit, package, tmp_path):
    rows = fit.test_rows.head(3)
    done = answered(package, [(rows, refused(0)), (rows, refused(2)), (rows, refused(1))], tmp_path / "a.csv")
    aside = pl.read_csv(tmp_path / "a.refused.csv")
    assert done == Answered(9, 3, str(tmp_path / "a.refused.csv"))
    assert aside["_rules"].to_list() == ["type, range"] * 3


@pytest.mark.parametrize("suffix", READ)
def test_a_failure_midway_leaves_the_earlier_file_alone(fit, package, tmp_path, suffix):
    to = tmp_path / f"answers{suffix}"
    to.write_bytes(b"earlier")

    def batches():
        yield fit.test_rows, refused(1)
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="the disk went away"):
        answered(package, batches(), to)
    assert to.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [to]


def test_another_format_is_refused_with_those_that_exist(package, tmp_path):
    with pytest.raises(UsageError, match=r"answers\.xlsx[\s\S]*\.csv, \.parquet, \.ndjson"):
        answered(package, [], tmp_path / "answers.xlsx")


@pytest.mark.parametrize("suffix", READ)
def test_what_else_may_be_true_is_written_beside_the_answers(fit, tmp_path, suffix):
    costs, conformal = np.array([[0.0, 1.0], [8.0, 0.0]]), Conformal(0.9, cuts=(0.3, 0.4))
    calling = Calling(fit.signature, threshold=0.43, costs=costs, conformal=conformal)
    surrounded = trained.with_calling(fit, calling)
    store = Store(tmp_path / "store")
    info = pack(surrounded, store, name="churn", run="r1", lineage={}, profile=None)[1]
    rows = fit.test_rows
    to = tmp_path / f"answers{suffix}"
    answered(Package.load(Path(info.path)), [(rows, refused(0))], to, conformal=True)
    found, expected = READ[suffix](to), surrounded.answer
    sets = [[name for name, held in zip(("no", "yes"), row, strict=True) if held] for row in expected.inside]
    assert found["set"].to_list() == ([", ".join(one) for one in sets] if suffix == ".csv" else sets)
    assert found["cost_yes"].to_list() == pytest.approx(expected.costs[:, 1].tolist(), abs=1e-5)


def test_a_package_with_nothing_around_its_answers_says_so(fit, package):
    with pytest.raises(UsageError, match="has no sets, intervals or costs"):
        package.predict(fit.test_rows, conformal=True)


def test_rows_without_a_column_of_the_model_are_not_answered(fit, package, tmp_path):
    rows = fit.test_rows.rename({"age": "Age"})
    with pytest.raises(DataError, match=r"no column `age`[\s\S]*Did you mean `Age`"):
        answered(package, [(rows, refused(0))], tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_batch_may_lack_a_column_that_its_source_has(fit, package, tmp_path):
    rows = fit.test_rows
    answered(package, [(rows, refused(0)), (rows.drop("age"), refused(0))], tmp_path / "a.parquet", known=rows.columns)
    found = pl.read_parquet(tmp_path / "a.parquet")
    assert found["age"].to_list() == rows["age"].to_list() + [None] * rows.height
    with pytest.raises(DataError, match="have the column `more`, which those before do not have"):
        answered(package, [(rows, refused(0)), (rows.with_columns(more=1), refused(0))], tmp_path / "b.parquet")


def test_an_answer_does_not_take_the_name_of_a_column(fit, package, tmp_path):
    rows = fit.test_rows.with_columns(label=pl.lit("true one"))
    answered(package, [(rows, refused(0))], tmp_path / "a.parquet")
    found = pl.read_parquet(tmp_path / "a.parquet")
    assert set(found["label"]) == {"true one"}
    assert found["predicted_label"].to_list() == [("no", "yes")[i] for i in fit.answer.label]


@pytest.mark.parametrize(
    ("to", "existing", "seen"),
    [
        ("s3://lake/answers.csv", "refuse", "Files are written on this machine"),
        ("answers.xlsx", "refuse", r"answers\.xlsx[\s\S]*\.csv, \.parquet, \.ndjson, a folder for a Delta table"),
        ("answers.csv", "append", "only a table can be told to append"),
    ],
)
def test_a_place_that_takes_no_answers_is_refused_with_those_that_do(to, existing, seen):
    with pytest.raises(UsageError, match=seen):
        table_at(to, existing)


def test_a_file_that_cannot_be_written_is_told_and_not_waited_for(tmp_path):
    def write():
        with ParquetWriter(tmp_path / "not there" / "a.parquet") as file:
            for _ in range(20):
                file.write(pl.DataFrame({"age": [1, 2]}))

    with pytest.raises(DataError, match="The answers cannot be written"):
        write()
