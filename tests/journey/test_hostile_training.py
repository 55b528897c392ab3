"""Tables that mean trouble, from the file to the packaged answer: a good model or a clear message, nothing between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import millrace as mr
from millrace.config.schema import ModelSettings
from millrace.errors import MillraceError
from millrace.evaluate.ranking import roc_auc
from millrace.package.graph import build
from millrace.package.parity import prove
from millrace.records.run import Run
from millrace.train.stage import train

ROWS = 300
#: What a careless program would take for SQL, a pattern, a path, markup, or two columns.
STRANGE = (
    '"; drop table rows; --',
    "a' or '1'='1",
    "größe (cm) 東京 🚲",
    "x\u202ey",
    "a.b[0]->'c'",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} ${HOME} %s",
    "select",
    "col*",
    "n" * 300,
)


def numbers(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """A number that tells the class four times in five, and one that tells nothing."""
    rng = np.random.default_rng(seed)
    good, odds = rng.normal(size=rows), rng.normal(size=rows)
    classes = np.where(good + 0.7 * rng.normal(size=rows) > 0, "yes", "no")
    return pl.DataFrame({"good": good, "odd": odds, "y": classes})


def trained(folder: Path, frame: pl.DataFrame, **model: object) -> Run:
    """The run of a project over these rows, with two models tried."""
    folder.joinpath("rows.parquet").unlink(missing_ok=True)
    frame.write_parquet(folder / "rows.parquet")
    told = {"predict": "y", "budget": "2 trials"} | model
    folder.joinpath("millrace.yaml").write_text(
        "version: 1\nproject: p\nsources: {rows: {from: rows.parquet}}\nmodel:\n"
        + "".join(f"  {key}: {value}\n" for key, value in told.items())
    )
    return mr.Project.load(folder / "millrace.yaml").train()


def area(run: Run, frame: pl.DataFrame) -> float:
    """How well the package ranks rows it has not seen."""
    answer = mr.Package.load(run.package.path).answer(frame.drop("y"))
    assert answer.probabilities is not None
    return roc_auc((frame["y"] == "yes").to_numpy().astype(np.int64), answer.probabilities[:, 1])


def notes(run: Run) -> str:
    """What the report and the card tell of the training."""
    return (Path(run.package.path) / "MODEL_CARD.md").read_text("utf-8")


def refusal(folder: Path, frame: pl.DataFrame, **model: object) -> str:
    """What is said where there can be no model; nothing is packed then."""
    with pytest.raises(MillraceError) as caught:
        trained(folder, frame, **model)
    assert not list(folder.rglob("model.onnx"))
    return str(caught.value)


def test_a_leaked_column_is_named(tmp_path: Path) -> None:
    frame = numbers().with_columns(refund=pl.when(pl.col("y") == "yes").then(12.5).otherwise(0.0))
    assert "`refund` alone predicts `y` almost perfectly" in notes(trained(tmp_path, frame))


def test_a_constant_target_is_refused(tmp_path: Path) -> None:
    assert "`y` is `yes` in every row; there is nothing to learn" in refusal(
        tmp_path, numbers().with_columns(y=pl.lit("yes"))
    )


def test_one_row_of_a_class_is_told_and_no_obstacle(tmp_path: Path) -> None:
    frame = numbers().with_columns(y=pl.when(pl.int_range(ROWS) == 5).then(pl.lit("rare")).otherwise("y"))
    run = trained(tmp_path, frame)
    assert mr.Package.load(run.package.path).signature.classes == ("no", "rare", "yes")
    assert "Class `rare` of `y` has one row: its quality cannot be judged." in notes(run)


def test_one_row_against_all_others_is_refused(tmp_path: Path) -> None:
    frame = numbers().with_columns(y=pl.when(pl.int_range(ROWS) == 5).then(pl.lit("rare")).otherwise(pl.lit("usual")))
    assert "Class `rare` has 1 rows, and none of them fell into the test part" in refusal(tmp_path, frame)


def test_columns_without_any_value_are_left_out_and_named(tmp_path: Path) -> None:
    frame = numbers().with_columns(
        void=pl.lit(None, dtype=pl.Float64), blank=pl.lit(""), nan=pl.lit(float("nan")), empty=pl.lit(None, pl.String)
    )
    run = trained(tmp_path, frame)
    for name in ("void", "blank", "nan", "empty"):
        assert f"`{name}` is not used: it has no value in any row." in notes(run)
    assert area(run, numbers(seed=1)) > 0.75


def test_only_columns_without_values_are_refused(tmp_path: Path) -> None:
    frame = numbers().select("y", void=pl.lit(None, dtype=pl.Float64), nan=pl.lit(float("nan")))
    assert "No column is left to predict `y` from" in refusal(tmp_path, frame)


def test_strange_column_names_are_learned_from_and_answered(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = numbers().rename({"good": STRANGE[0]})
    frame = frame.with_columns(
        *(pl.Series(name, rng.normal(size=ROWS)) for name in STRANGE[1:-1]),
        pl.Series(STRANGE[-1], rng.choice(["a", "b", "c"], ROWS)),
    )
    run = trained(tmp_path, frame)
    package = mr.Package.load(run.package.path)
    assert {field.name for field in package.signature.inputs} == {*STRANGE, "odd"}
    assert area(run, frame) > 0.75
    report = Path(run.report).read_text("utf-8")
    assert "<script>alert(1)</script>" not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report


@pytest.mark.parametrize("name", ["*", "^a$"], ids=["star", "pattern"])
def test_names_that_stand_for_many_columns_are_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    said = refusal(tmp_path, numbers().with_columns(pl.lit(1.0).alias(name)))
    assert "Next: " in said
    assert "column" in said


@pytest.mark.parametrize("name", ["", "GOOD"], ids=["empty", "another case"])
def test_no_column_is_mistaken_for_another(tmp_path: Path, name: str) -> None:
    noise = pl.Series(name, np.random.default_rng(1).normal(size=ROWS))
    run = trained(tmp_path, numbers().with_columns(noise))
    names = [field.name for field in mr.Package.load(run.package.path).signature.inputs]
    assert names[:2] == ["good", "odd"]
    assert names[2].casefold() not in {"", "good", "odd"}  # it has a name of its own
    assert run.evaluation.metrics["roc_auc"].value > 0.75


def test_ten_thousand_columns_of_fifty_rows_give_a_model() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.normal(size=(50, 10_000)), schema=[f"x{place}" for place in range(10_000)])
    frame = frame.with_columns(y=pl.when(pl.int_range(50) % 2 == 0).then(pl.lit("yes")).otherwise(pl.lit("no")))
    fit = train(frame, ModelSettings.model_validate({"predict": "y", "budget": "1 trials"}))
    assert len(fit.signature.inputs) == 10_000
    assert any(note.startswith("There is no evidence that the model is better than") for note in fit.notes)
    proved = prove(build(fit), fit)
    assert proved.difference < 1e-5
    assert proved.rows > 500
