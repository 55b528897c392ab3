"""What monitoring decides, and why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import time_machine

from millrace.config.schema import MonitorSettings
from millrace.errors import ReleaseError, UsageError
from millrace.monitor.history import history, remember
from millrace.monitor.message import message
from millrace.monitor.stage import monitor
from millrace.records.costs import Costs
from millrace.records.evaluation import Metric
from millrace.records.monitoring import Alarm, Decision
from millrace.records.package import Manifest
from millrace.records.profile import Profile
from millrace.records.release import Release
from millrace.store.objects import Store
from millrace.store.releases import append

Log = Callable[..., pl.DataFrame]

NO_FEEDBACK = pl.DataFrame(schema={"prediction_id": pl.String, "outcome": pl.String, "at": pl.Datetime("us", "UTC")})
SETTINGS = MonitorSettings()
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def decide(store: Store, manifest: Manifest, reference: Profile):
    def look(
        predictions: pl.DataFrame, feedback: pl.DataFrame = NO_FEEDBACK, promised: Manifest = manifest
    ) -> Decision:
        return monitor(store, SETTINGS, promised, reference, predictions, feedback)

    return look


def test_unchanged_rows_are_kept_and_the_furthest_column_is_named(decide, log: Log) -> None:
    decision = decide(log(400))
    assert (decision.decision, decision.alarms, decision.rows) == ("keep", (), 400)
    assert decision.reason.startswith("Nothing moved that matters in 400 rows")
    assert set(decision.columns) == {"size", "age", "label", "(label)", "(probability)"}
    assert (decision.package, decision.version, decision.at[-6:]) == ("ill", 2, "+00:00")


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_too_few_rows_are_no_ground_for_anything(decide, log: Log, rows: int) -> None:
    decision = decide(log(rows, shift=3.0))
    assert (decision.decision, decision.columns, decision.rows) == ("keep", {}, rows)
    assert decision.reason == f"Not enough rows yet: {rows} of the 50 that a look needs."


def test_an_empty_log_without_answers_is_no_ground_for_anything(decide) -> None:
    schema = {"prediction_id": pl.String(), "at": pl.Datetime("us", "UTC"), "package": pl.String(), "version": pl.Int64}
    assert decide(pl.DataFrame(schema=schema)).reason.startswith("Not enough rows yet: 0 of the 50")


def test_a_shifted_column_asks_for_retraining_and_is_named_before_what_it_caused(decide, log: Log) -> None:
    decision = decide(log(400, shift=0.7))
    assert decision.decision == "retrain"
    assert decision.alarms[0].column == "size"
    assert decision.reason.startswith("`size`: the mean value went from ")
    assert "columns moved, first `size`" in decision.reason
    assert next(iter(decision.columns)) == "size"
    seen = message(decision, "ill").picture
    assert seen is not None
    assert (seen.column, sum(seen.usual), round(sum(seen.now), 9)) == ("size", 1, 1)
    assert sum(seen.now[-4:]) > 0.5 > sum(seen.usual[-4:])
    assert decision.columns["(probability)"].alarmed
    assert not decision.columns["age"].alarmed


def test_a_move_that_the_newest_window_does_not_show_is_over(decide, log: Log) -> None:
    early, late = log(500, shift=2.0), log(500, seed=2, after=timedelta(days=5))
    decision = decide(pl.concat([early, late]))
    assert (decision.decision, decision.rows) == ("keep", 500)


def test_a_small_move_that_lasts_is_found_in_several_windows(decide, log: Log) -> None:
    days = [log(200, shift=0.25, seed=20 + day, after=timedelta(days=day)) for day in range(8)]
    assert decide(days[0]).decision == "keep"
    decision = decide(pl.concat(days))
    assert (decision.decision, decision.rows) == ("retrain", 200)
    assert decision.alarms[0].column == "size"
    assert ", in 1,600 rows (distance" in decision.reason


def test_a_thin_window_reaches_back_to_the_release(decide, log: Log, release) -> None:
    release(1, 2)
    before = log(300, shift=2.0, seed=3, after=timedelta(days=-4))
    early, late = log(300), log(20, seed=2, after=timedelta(days=5))
    assert decide(pl.concat([before, early, late])).rows == 320


def test_predictions_of_other_versions_are_left_out(decide, log: Log) -> None:
    decision = decide(pl.concat([log(200), log(300, version=1, shift=2.0)]))
    assert (decision.decision, decision.rows) == ("keep", 200)


def test_an_input_that_no_request_holds_is_missing(decide, log: Log) -> None:
    decision = decide(log(200).drop("age"))
    assert decision.decision == "fix"
    assert decision.reason.startswith("What arrives is broken, and training on it would teach the fault: `age`: ")
    assert [(alarm.kind, alarm.column) for alarm in decision.alarms] == [("missing", "age")]


def test_another_unit_is_a_fault_to_fix_and_comes_before_harm(decide, log: Log, truths: Log, release) -> None:
    release(1, 2)
    predictions = log(400)
    feet = predictions.with_columns(pl.col("age") * 12)
    decision = decide(feet, truths(predictions, right=0.2))
    assert decision.decision == "fix"
    assert "of the values are unlike any in the reference" in decision.reason
    assert {alarm.kind for alarm in decision.alarms} >= {"performance", "range"}


def test_good_outcomes_are_kept(decide, log: Log, truths: Log) -> None:
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=0.9)).decision == "keep"


def test_harm_asks_for_retraining_when_there_is_nobody_to_go_back_to(decide, log: Log, truths: Log, release) -> None:
    release(2)
    predictions = log(400)
    decision = decide(predictions, truths(predictions, right=0.2))
    assert decision.decision == "retrain"
    assert [(alarm.kind, alarm.column, alarm.statistic) for alarm in decision.alarms] == [
        ("performance", None, "roc_auc")
    ]
    assert decision.reason.startswith("roc_auc is 0.")
    assert "on 400 predictions with known outcome, 0.9 (0.86 to 0.93) on held-out rows" in decision.reason


def test_harm_since_the_release_rolls_back(decide, log: Log, truths: Log, release) -> None:
    release(1, 2)
    predictions = log(400)
    decision = decide(predictions, truths(predictions, right=0.2))
    assert decision.decision == "roll back"
    assert decision.reason.startswith("Worse than promised ever since its release: roc_auc is 0.")


def test_harm_that_began_later_asks_for_retraining(decide, log: Log, truths: Log, release) -> None:
    release(1, 2)
    early, late = log(300), log(300, seed=2, after=timedelta(days=1))
    feedback = pl.concat([truths(early, right=1.0), truths(late, right=-1.0)])
    decision = decide(pl.concat([early, late]), feedback)
    assert decision.decision == "retrain"
    assert decision.alarms[0].kind == "performance"


def test_a_package_that_is_not_champion_is_never_rolled_back(decide, log: Log, truths: Log, release) -> None:
    release(2, 1)
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=0.2)).decision == "retrain"


def test_a_metric_that_should_be_low_harms_by_being_high(decide, log: Log, manifest: Manifest, truths: Log) -> None:
    losses = replace(manifest, evaluation=replace(manifest.evaluation, primary="log_loss"))
    predictions = log(400)
    harmed = decide(predictions, truths(predictions, right=0.0), losses)
    assert [alarm.statistic for alarm in harmed.alarms] == ["log_loss"]


def test_a_modest_promise_is_kept_by_a_modest_model(decide, log: Log, manifest: Manifest, truths: Log) -> None:
    easy = {"log_loss": Metric(5.0, 4.0, 6.0, higher_is_better=False)}
    modest = replace(manifest, evaluation=replace(manifest.evaluation, primary="log_loss", metrics=easy))
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=0.0), modest).decision == "keep"


def test_what_was_found_a_moment_ago_still_stands_when_a_few_rows_have_come(decide, log: Log) -> None:
    predictions = log(400, shift=0.7)
    found = decide(predictions.head(398))
    again = decide(predictions)
    assert found.decision == again.decision == "retrain"
    assert [alarm.column for alarm in again.alarms] == [alarm.column for alarm in found.alarms]


def test_few_outcomes_prove_no_harm(decide, log: Log, truths: Log) -> None:
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=-1.0).head(49)).decision == "keep"
    no = truths(predictions, right=-1.0).with_columns(pl.lit("no").alias("outcome"))
    assert decide(predictions, no).decision == "keep"


def test_the_last_outcome_of_a_prediction_counts(decide, log: Log, truths: Log) -> None:
    predictions = log(400)
    wrong = truths(predictions, right=0.0)
    mended = truths(predictions, right=1.0).with_columns(pl.col("at") + timedelta(days=1))
    assert decide(predictions, pl.concat([mended, wrong])).decision == "keep"


def test_outcomes_of_no_known_class_are_an_alarm_and_left_out(decide, log: Log, truths: Log) -> None:
    predictions = log(400)
    feedback = truths(predictions, right=1.0).with_columns(
        pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("maybe")).otherwise("outcome").alias("outcome")
    )
    decision = decide(predictions, feedback)
    assert [(alarm.kind, alarm.column, alarm.value) for alarm in decision.alarms] == [("unseen", "ill", 0.1)]
    assert "10.0% of the outcomes, such as `maybe`, are none the model can answer" in decision.reason


def test_equal_effects_are_ranked_by_importance(decide, log: Log) -> None:
    gone = log(200).with_columns(pl.lit(None, pl.Float64).alias("size"), pl.lit(None, pl.Float64).alias("age"))
    assert list(decide(gone).columns)[:2] == ["size", "age"]


def test_a_damaged_release_log_stops_the_look(decide, log: Log, store: Store) -> None:
    store.write("releases/1.json", b"")
    with pytest.raises(ReleaseError, match="damaged"):
        decide(log(100))


def counts(at: datetime, requests: int, failed: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "at": [at],
            "package": ["ill"],
            "version": [2],
            "requests": [requests],
            "failed": [failed],
            "latencies": [[requests, 0]],
            "bounds": [[0.05]],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def held(store: Store, manifest: Manifest, reference: Profile, rows: pl.DataFrame, failed: int) -> Decision:
    settings = MonitorSettings(kpis={"error_rate": "< 1%", "p99_latency_ms": "< 50"})
    service = counts(datetime.now(UTC), 1000, failed)
    return monitor(store, settings, manifest, reference, rows, NO_FEEDBACK, service)


def test_a_service_that_fails_is_to_be_fixed_even_where_no_row_was_answered(store, manifest, reference, log) -> None:
    decision = held(store, manifest, reference, log(0), failed=400)
    assert (decision.decision, [alarm.statistic for alarm in decision.alarms]) == ("fix", ["error_rate"])
    assert decision.reason.startswith("The service is not what it should be: error_rate is 40.00%")
    assert [one.alarmed for one in decision.kpis] == [True, False]


def test_a_service_as_it_should_be_changes_nothing(store, manifest, reference, log) -> None:
    decision = held(store, manifest, reference, log(400), failed=1)
    assert (decision.decision, decision.alarms) == ("keep", ())
    assert len(decision.kpis) == 2


def test_a_failing_service_does_not_hide_that_the_model_drifted(store, manifest, reference, log) -> None:
    decision = held(store, manifest, reference, log(400, shift=0.7), failed=400)
    assert decision.decision == "retrain"
    assert decision.alarms[-1].statistic == "error_rate"
    assert decision.reason.startswith("`size`")


def test_a_decision_with_indicators_of_which_nothing_is_known_is_remembered(store, manifest, reference, log) -> None:
    settings = MonitorSettings(kpis={"p99_latency_ms": "< 50", "throughput": "> 5"})
    decision = monitor(store, settings, manifest, reference, log(60), NO_FEEDBACK)
    remember(store, decision)
    assert history(store) == (decision,)


def test_a_cost_that_rises_harms(decide, log: Log, manifest: Manifest, truths: Log) -> None:
    spread = Metric(0.1, 0.08, 0.12, higher_is_better=False)
    costs = Costs(((0.0, 1.0), (8.0, 0.0)), spread, {"no": spread, "yes": spread})
    promised = replace(
        manifest, evaluation=replace(manifest.evaluation, metrics={"cost": spread}, primary="cost", costs=costs)
    )
    predictions = log(600)
    kept, harmed = (decide(predictions, truths(predictions, right=right), promised) for right in (1.0, 0.0))
    assert [alarm.statistic for alarm in harmed.alarms] == ["cost"]
    assert kept.alarms == ()


def settings(**changes: object) -> MonitorSettings:
    return SETTINGS.model_copy(update=changes)


def at(moment: datetime) -> AbstractContextManager[object]:
    return time_machine.travel(moment, tick=False)


def test_outcomes_count_once_their_predictions_are_old_enough(store, manifest, reference, log, truths) -> None:
    predictions = log(400)
    wrong = truths(predictions, right=0.2)
    look = (store, settings(maturity=7 * 86400.0), manifest, reference, predictions, wrong)
    with at(RELEASED + timedelta(days=6)):
        early = monitor(*look)
        assert (early.decision, early.performance) == ("keep", None)
    with at(RELEASED + timedelta(days=8)):
        due = monitor(*look)
    assert due.decision == "retrain"
    assert due.performance
    assert (due.performance.predictions, due.performance.outcomes) == (400, 400)
    assert due.performance.metrics["roc_auc"].high < due.performance.promised["roc_auc"].low == 0.86


def test_harm_of_the_newest_window_is_found_though_the_months_before_were_good(decide, log, truths, release) -> None:
    release(1, 2)
    early, late = log(5000), log(300, seed=2, after=timedelta(days=10))
    feedback = pl.concat([truths(early, right=1.0), truths(late, right=0.3)])
    decision = decide(pl.concat([early, late]), feedback)
    assert decision.decision == "retrain"
    assert "on 300 predictions with known outcome" in decision.alarms[0].evidence


def test_a_detector_that_the_project_asks_for_names_when_errors_grew(store, manifest, reference, log, truths) -> None:
    early, late = log(1500), log(300, seed=2, after=timedelta(days=2))
    feedback = pl.concat([truths(early, right=0.9), truths(late, right=0.0)])
    predictions = pl.concat([early, late])
    told = monitor(store, settings(detectors=("betting",)), manifest, reference, predictions, feedback)
    (alarm,) = [alarm for alarm in told.alarms if alarm.statistic == "betting"]
    assert "the detector `betting` alarmed at the prediction of 2026-01-03 0" in alarm.evidence
    calm = monitor(store, settings(detectors=("betting",)), manifest, reference, early, feedback)
    assert not [alarm for alarm in calm.alarms if alarm.statistic == "betting"]


def test_a_detector_that_nobody_knows_is_refused(store, manifest, reference, log, truths) -> None:
    predictions = log(400)
    with pytest.raises(UsageError, match="`adwinn` is no kind of detector"):
        monitor(
            store, settings(detectors=("adwinn",)), manifest, reference, predictions, truths(predictions, right=1.0)
        )


def test_a_champion_that_was_left_for_its_harm_is_not_gone_back_to(store, decide, log, truths, release) -> None:
    release(1, 2)
    harm = Alarm("performance", None, "roc_auc", 0.6, "roc_auc is 0.6")
    remember(store, Decision("retrain", "Harm.", (harm,), package="ill", version=1, at="2025-12-31T00:00:00+00:00"))
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=0.2)).decision == "retrain"


def test_a_champion_that_a_rollback_reinstated_is_not_left_for_one_further_back(store, decide, log, truths) -> None:
    for place, (kind, version) in enumerate([("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2)], 1):
        entry = Release(place, kind, "ill", version, None, (RELEASED - timedelta(days=4 - place)).isoformat(), "a", "b")
        append(store, lambda past, entry=entry: entry)
    predictions = log(400)
    assert decide(predictions, truths(predictions, right=0.2)).decision == "retrain"


def test_answers_to_broken_inputs_say_nothing_about_the_model(decide, log, truths) -> None:
    fine, broken = log(1500), log(300, seed=2, after=timedelta(days=2))
    broken = broken.with_columns(pl.lit(None, pl.Float64).alias("size"))
    later = log(1500, seed=3, after=timedelta(days=3))
    wrong = truths(broken.with_columns(pl.lit(1.0).alias("size")), right=-1.0)
    feedback = pl.concat([truths(fine, right=1.0), wrong, truths(later, right=1.0)])
    decision = decide(pl.concat([fine, broken, later]), feedback)
    assert decision.decision == "keep"
    assert decision.performance.outcomes == 1440
