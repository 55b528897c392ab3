"""Boosted trees that time is too short for are grown on fewer rows, and only then."""

import numpy as np
import pytest

from millrace.config.models import Wanted
from millrace.records.signature import Field, Signature
from millrace.train.candidates import configured
from millrace.train.models import boosted
from millrace.train.models.base import Lesson, Problem

ROWS = 60_000
PROBLEM = Problem(Signature("binary", "y", (Field("a", "number"),), ("no", "yes")), "roc_auc", 0)


def lesson(rows=ROWS):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(rows, 2)).astype(np.float32)
    truth = (matrix[:, 0] + random.normal(size=rows) > 0).astype(np.int64)
    return Lesson(matrix, truth, matrix[:500], truth[:500], weights=np.ones(rows))


def seen(found):
    """How many rows the first tree was grown on."""
    return found.booster_.dump_model(num_iteration=1)["tree_info"][0]["tree_structure"]["internal_count"]


@pytest.fixture
def ticking(monkeypatch):
    """A clock on which every look, and so every tree, takes a second."""
    at = [0.0]

    def look():
        at[0] += 1
        return at[0]

    monkeypatch.setattr(boosted, "monotonic", look)


def grown(deadline, rows=ROWS, trees=None):
    learn = configured(Wanted("lightgbm", {}), {"num_leaves": 4}, PROBLEM).learn
    return learn(lesson(rows), trees, deadline)[0]


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize(("deadline", "rows"), [(161, 30_000), (41, 20_000), (1e6, ROWS)])
def test_time_for_half_of_enough_trees_is_spent_on_half_of_the_rows_and_never_on_few(deadline, rows):
    # After 10 trees, at second 11, half of 300 trees are left by second 161, and a tenth by second 41.
    assert seen(grown(deadline)) == pytest.approx(rows, abs=2)


@pytest.mark.usefixtures("ticking")
def test_the_last_fit_and_small_tables_see_all_rows():
    assert seen(grown(41, trees=20)) == ROWS
    assert seen(grown(41, rows=19_000)) == 19_000
