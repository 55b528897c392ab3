"""What each verb prints, for people and as JSON, and how it ends."""

import json
from dataclasses import replace

import pytest

from millrace.cli.output import show
from millrace.cli.render.predicted import predicted
from millrace.records.ingestion import Expectation, Ingested
from millrace.records.predicted import Predicted

DRAWN = {
    "check": ["check"],
    "run": ["run"],
    "train": ["train"],
    "ingest": ["ingest", "customers"],
    "quarantine-list": ["quarantine", "list"],
    "quarantine-by-day": ["quarantine", "list", "--by", "day"],
    "quarantine-show": ["quarantine", "show", "customers", "--limit", "5"],
    "lineage": ["lineage"],
    "report": ["report"],
    "package-inspect": ["package", "inspect", "3"],
    "package-verify": ["package", "verify"],
    "predict": ["predict", "new.csv", "--to", "answers.csv"],
    "promote": ["release", "promote", "3", "--reason", "agreed"],
    "rollback": ["release", "rollback"],
    "history": ["release", "history"],
    "challenge": ["release", "challenge", "4", "--weight", "10%"],
    "shadow": ["release", "shadow", "4"],
    "status": ["release", "status"],
    "stop": ["release", "stop"],
    "conclude": ["release", "conclude"],
    "monitor": ["monitor"],
    "retrain": ["retrain"],
    "retrain-force": ["retrain", "--force"],
    "init": ["init", "customers.csv", "--predict", "Churn"],
}
#: These answers say no.
SAYS_NO = {"monitor"}


@pytest.mark.parametrize("name", DRAWN)
def test_a_record_is_drawn_for_people(name, millrace_says, golden):
    said = millrace_says(*DRAWN[name])
    assert "\n".join(line.rstrip() for line in said.out.splitlines()) == golden(name).rstrip("\n")
    assert said.code == (1 if name in SAYS_NO else 0)


@pytest.mark.parametrize("name", DRAWN)
def test_with_json_standard_output_is_one_json_value_and_nothing_else(name, millrace_says):
    said = millrace_says(*DRAWN[name], "--json")
    json.loads(said.out, parse_constant=pytest.fail)
    assert said.err == ""
    assert said.code == (1 if name in SAYS_NO else 0)


def test_a_batch_prediction_tells_what_was_refused_and_what_was_there_already(capsys):
    done = Predicted(3, "scores", "churn", 2, 0.1, refused=1, aside="scores.refused-1f.csv", table_version=4)
    show(done, as_json=False, render=predicted)
    show(replace(done, already=True), as_json=False, render=predicted)
    assert capsys.readouterr().out.splitlines() == [
        "✓ 3 rows answered by churn 2 in 0.1 s: scores, version 4",
        "✗ 1 rows could not be read: scores.refused-1f.csv",
        "✓ scores has these answers by churn 2 already; nothing was written",
    ]


def test_to_append_and_to_replace_exclude_each_other(millrace_says):
    said = millrace_says("predict", "new.csv", "--to", "scores", "--append", "--replace")
    assert (said.code, "exclude each other" in said.err) == (2, True)


def test_the_json_of_a_run_has_the_agreed_keys(millrace_says):
    record = json.loads(millrace_says("run", "--json").out)
    kept = {"run", "ingest", "evaluation", "package", "gate", "release", "report", "seconds", "dataset"} | {
        "waits",
        "reason",
        "notes",
        "used",
    }
    assert set(record) == kept
    assert {"read", "kept", "quarantined", "duplicate", "late", "table_version"} <= set(record["ingest"]["customers"])
    assert record["evaluation"]["metrics"]["log_loss"]["high"] is None
    assert record["package"] == {"name": "churn", "version": 3, "path": "store/packages/churn/3"}


def test_the_json_of_monitoring_has_the_agreed_keys(millrace_says):
    record = json.loads(millrace_says("monitor", "--json").out)
    assert {"decision", "alarms", "columns"} <= set(record)
    assert set(record["alarms"][0]) == {"kind", "column", "statistic", "value", "evidence"}


def test_a_gate_that_says_no_ends_in_1(millrace_says, run_that_the_gate_refused):
    said = millrace_says("run", run=run_that_the_gate_refused)
    assert said.code == 1
    assert "✗ The gate says no." in said.out
    assert "Next: millrace report --version 3 --open" in said.out


def test_a_run_warns_of_a_column_that_gives_the_answer_away(millrace_says, run_that_the_gate_refused):
    notes = ("Warning: `refunded` alone predicts `returned` almost perfectly.", "`id` is not used.")
    said = millrace_says("run", run=replace(run_that_the_gate_refused, notes=notes)).out
    assert notes[0] in said
    assert notes[1] not in said


def test_a_decision_to_keep_ends_in_0(millrace_says, keep):
    assert millrace_says("monitor", monitor=keep).code == 0


def test_progress_without_a_terminal_is_one_line_a_stage_on_standard_error(millrace_says):
    assert millrace_says("run").err == "ingest 50%: customers.csv\ntrain: logistic regression\n"


def test_the_json_schema_needs_no_project(millrace_says, folder):
    (folder / "millrace.yaml").unlink()
    said = millrace_says("check", "--schema")
    assert said.code == 0
    assert json.loads(said.out)["title"] == "millrace.yaml"


def test_a_glob_that_the_shell_unfolded_is_one_glob_again(millrace_says, folder):
    for name in ("a.csv", "b.csv", "c.csv"):
        (folder / name).touch()
    assert json.loads(millrace_says("init", "a.csv", "b.csv", "c.csv", "--json").out)["text"].startswith("from: *.csv")
    said = millrace_says("init", "a.csv", "b.csv")
    assert said.code == 2
    assert "2 files with the same columns were given, and no glob that means just these." in said.err


def test_a_project_started_elsewhere_is_run_by_its_path(millrace_says, folder):
    said = millrace_says("init", "customers.csv", "--folder", "shop")
    assert "Next: millrace run --project shop/millrace.yaml" in said.out
    said = millrace_says("init", "customers.csv", "--folder", str(folder))
    assert said.out.startswith("✓ millrace.yaml is written")
    assert said.out.endswith("Next: millrace run\n")


def test_ingest_ends_in_1_when_a_load_is_not_as_expected(millrace_says):
    odd = Expectation("rows", holds=False, text="3 rows were read; expected: > 3")
    fine = Expectation("quarantined", holds=True, text="0 of 3 rows were refused, 0.00%; expected: < 5%")
    record = Ingested("customers", 3, 3, 0, 0, 0, 1, expectations=(odd, fine))
    said = millrace_says("ingest", ingest=(record,))
    assert said.code == 1
    assert "✗ customers: rows: 3 rows were read; expected: > 3" in said.out
    assert "✓ customers: quarantined: 0 of 3 rows were refused" in said.out
    assert millrace_says("ingest", ingest=(replace(record, expectations=(fine,)),)).code == 0
