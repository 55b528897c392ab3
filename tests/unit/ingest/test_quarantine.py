from __future__ import annotations

import json

import polars as pl
import pytest

from millrace.errors import UsageError
from millrace.ingest.quarantine import show, summary
from millrace.ingest.stage import ingest_source
from millrace.records.quarantine import RefusedRule
from millrace.store.tables import Table
from unit.ingest.intake import FRAMES, RULES, Listed, settings, take


class Stopped(Exception):  # noqa: N818 - it stands for a death, not for an error
    """The process ends here."""


def stop_at(point):
    def watch(step):
        if step.text.endswith(point):
            raise Stopped(point)

    return watch


def test_a_row_that_fails_several_rules_is_there_once_with_all_reasons(store):
    take(store, FRAMES[:1], run="run-7", **RULES)
    (row,) = show(store, "customers", 9).iter_rows(named=True)
    assert (row["_run"], row["_source"], row["_origin"], row["_row"]) == ("run-7", "customers", "memory", 4)
    assert row["_rules"] == ["type", "tenure_positive"]
    assert row["_reasons"] == (
        "type: charge is not a number: 'abc'; tenure_positive: `tenure >= 0` does not hold: tenure = '-3'"
    )


def test_a_row_rests_as_it_was_before_cleaning(store):
    frame = pl.DataFrame({"id": [1], "charge": [' "x" '], "note": [None]}, schema_overrides={"note": pl.String})
    take(store, [frame], clean=[{"trim": "all"}], columns={"charge": {"type": "number"}})
    assert json.loads(show(store, "customers", 1)["_raw"].item()) == {"id": 1, "charge": ' "x" ', "note": None}


def test_a_line_that_is_no_row_rests_as_it_was(store):
    ingest_source(Listed([FRAMES[0]], refused=['5,"']), "customers", settings(), store, "run")
    (row,) = show(store, "customers", 9).iter_rows(named=True)
    assert (row["_row"], row["_rules"], row["_raw"]) == (90, ["unreadable"], '5,"')
    assert row["_reasons"] == "tenure: a quote is not closed"


def test_the_newest_commit_is_shown_first(store):
    take(store, FRAMES, **RULES)
    assert show(store, "customers", 3)["_row"].to_list() == [8, 5, 6]


def test_rules_are_counted_most_first(store):
    take(store, FRAMES, **RULES)
    first = "type: charge is not a number: 'abc'; tenure_positive: `tenure >= 0` does not hold: tenure = '-3'"
    assert (
        summary(store)
        == summary(store, "customers")
        == (
            RefusedRule("customers", "tenure_positive", 3, first),
            RefusedRule("customers", "type", 3, first),
        )
    )


def test_nothing_refused_is_an_empty_answer(store):
    take(store, FRAMES[:1])
    assert summary(store) == ()
    assert summary(store, "customers") == ()
    assert show(store, "customers", 5).is_empty()


def test_an_unknown_source_is_named_with_the_nearest(store):
    take(store, FRAMES[:1])
    with pytest.raises(UsageError, match="`custmers`") as caught:
        show(store, "custmers", 5)
    assert caught.value.nearest == "customers"


def test_refusals_whose_commit_never_landed_are_not_shown(store):
    take(store, FRAMES[:1], **RULES)
    with pytest.raises(Stopped, match="quarantined"):
        take(store, FRAMES, stop_at("quarantined"), **RULES)
    assert Table(store, "quarantine/customers").read().height == 3
    assert show(store, "customers", 9)["_row"].to_list() == [4]


def test_refusals_tried_between_others_are_written_once(store):
    other = RULES | {"checks": {"first_only": "id < 2"}}
    for rules in (RULES, other):
        with pytest.raises(Stopped, match="quarantined"):
            take(store, FRAMES[:1], stop_at("quarantined"), **rules)
    take(store, FRAMES[:1], **RULES)
    take(store, FRAMES, **RULES)
    assert sorted(show(store, "customers", 9)["_row"]) == [4, 5, 6, 8]
