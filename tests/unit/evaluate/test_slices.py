import numpy as np
import polars as pl
import pytest

from millrace.evaluate.groups import groups
from millrace.evaluate.slices import worst_slices
from millrace.records.signature import Field, Signature

FIELDS = (Field("age", "number"), Field("plan", "category"), Field("seen", "date"), Field("note", "text"))
SIGNATURE = Signature("regression", "y", FIELDS)


def frame(rows, rng):
    return pl.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "plan": rng.choice(["gold", "basic", "trial"], rows),
            "seen": pl.Series(rng.integers(19000, 20000, rows)).cast(pl.Int32).cast(pl.Date),
            "note": ["words"] * rows,
        }
    )


def test_a_bad_pair_is_found_and_named_by_both_columns():
    rng = np.random.default_rng(0)
    rows = frame(2000, rng)
    bad = ((rows["plan"] == "gold") & (rows["age"] < rows["age"].quantile(0.25))).to_numpy()
    worst = worst_slices(rows, SIGNATURE, rng.exponential(size=2000) + 2 * bad)
    first = worst.slices[0]
    assert first.name.startswith("`age` below ")
    assert first.name.endswith(" and `plan` is `gold`")
    assert (first.members == bad).mean() > 0.99
    assert first.excess.low > 1
    assert first.excess.low < 2 < first.excess.high
    assert first.loss.low < 3 < first.loss.high


def test_where_all_rows_are_alike_none_is_called_worse_more_often_than_stated():
    rng = np.random.default_rng(1)
    found = [bool(worst_slices(frame(400, rng), SIGNATURE, rng.random(400)).slices) for _ in range(200)]
    assert np.mean(found) < 0.08  # 5 % over all groups of one look


def test_groups_that_tell_the_same_are_told_once():
    rng = np.random.default_rng(2)
    rows = frame(1500, rng).with_columns(tariff=pl.col("plan"))
    signature = Signature("regression", "y", (*FIELDS, Field("tariff", "category")))
    losses = rng.random(1500) + 3 * (rows["plan"] == "gold").to_numpy()
    names = [one.name for one in worst_slices(rows, signature, losses).slices]
    assert len(names) == 1


def test_too_few_rows_make_no_group():
    rng = np.random.default_rng(3)
    assert worst_slices(frame(40, rng), SIGNATURE, rng.random(40)).slices == ()


def test_groups_are_values_quarters_and_the_missing():
    rows = pl.DataFrame(
        {
            "age": [1.0, 2.0, 3.0, 4.0, None],
            "plan": ["gold", "gold", None, "basic", "basic"],
            "seen": pl.Series([0, 100, 200, 300, 400]).cast(pl.Int32).cast(pl.Date),
        }
    )
    found = {group.name: group.members.tolist() for group in groups(rows, SIGNATURE)}
    assert found["`age` is missing"] == [False, False, False, False, True]
    assert found["`plan` is `gold`"] == [True, True, False, False, False]
    assert found["`age` below 1.75"] == [True, False, False, False, False]
    assert found["`age` from 3.25"] == [False, False, False, True, False]
    assert found["`seen` from 1970-04-11 to 1970-07-20"] == [False, True, False, False, False]
    assert sum(np.array(members) for name, members in found.items() if "seen" in name).tolist() == [1] * 5


@pytest.mark.parametrize("kind", [pl.Boolean, pl.Int64], ids=["boolean", "two numbers"])
def test_two_values_are_two_groups(kind):
    rows = pl.DataFrame({"flag": pl.Series([1, 0, 1, 1]).cast(kind)})
    field = Field("flag", "boolean" if kind == pl.Boolean else "integer")
    found = groups(rows, Signature("regression", "y", (field,)))
    assert sorted(int(group.members.sum()) for group in found) == [1, 3]
