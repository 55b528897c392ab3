"""Every way a verb can fail: its words, its JSON, its exit code."""

import json

import pytest

from millrace.errors import (
    DataError,
    MillraceError,
    MissingExtraError,
    ReleaseError,
    RemoteError,
    TamperedError,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), 2),
        (MissingExtraError("no"), 4),
        (RemoteError("no"), 5),
        (ReleaseError("no"), 1),
        (DataError("no"), 1),
        (TamperedError("no"), 1),
        (KeyboardInterrupt(), 130),
        (RuntimeError("boom"), 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_kind_of_error_has_its_exit_code(error, code, millrace_says):
    assert millrace_says("check", check=error).code == code


def test_a_wrong_project_file_ends_in_3_with_every_problem(millrace_says, folder):
    (folder / "bad.yaml").write_text("sources: {c: {form: x}}\nmodle: {predict: y}\n")
    said = millrace_says("check", "-p", "bad.yaml")
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        "bad.yaml:1:15  config.unknown-key\n"
        "  `form` is not a key of `sources.c`. Did you mean `from`?\n"
        "  Allowed here: from, use, with, table, query, cursor, overlap, chunk, api, header, names, "
        "delimiter, quote, escape, encoding, comment, skip, decimal, thousands, record, quiet, sheet, key, "
        "keep, on_delete, columns, missing, "
        "contract, clean, required, unique, references, checks, expect, pii, retain.\n"
        "bad.yaml:2:1  config.unknown-key\n"
        "  `modle` is not a section. Did you mean `model`?\n"
        "  Allowed here: version, project, sources, dataset, model, serve, monitor, retrain, up, engine, store.\n"
    )


def test_with_json_the_problems_are_on_standard_output_too(millrace_says, folder):
    (folder / "bad.yaml").write_text("sources: {c: {form: x}}\nmodle: {predict: y}\n")
    said = millrace_says("run", "--json", "--project", "bad.yaml")
    error = json.loads(said.out)["error"]
    assert said.code == 3
    assert (error["code"], error["where"], error["nearest"]) == ("config.unknown-key", "bad.yaml:1:15", "from")
    assert set(error) == {"code", "where", "seen", "allowed", "nearest", "next", "problems"}
    assert [problem["where"] for problem in error["problems"]] == ["bad.yaml:1:15", "bad.yaml:2:1"]
    assert "Did you mean `model`?" in said.err


def test_a_missing_project_file_says_how_to_start_one(millrace_says, folder):
    (folder / "millrace.yaml").rename(folder / "milrace.yaml")
    said = millrace_says("run")
    assert said.code == 3
    assert "There is no such file. Did you mean `milrace.yaml`?" in said.err
    assert "Next: millrace init <your.csv> --predict <column>" in said.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean `run`?"),
        (["run", "--jsno"], "No such option: --jsno. Did you mean `--json`?"),
        (["release"], "Allowed here: challenge, conclude, history, promote, rollback, shadow, status, stop."),
        (["release", "promote"], "Missing argument 'version'"),
        (["release", "promote", "three"], "valid integer"),
        (["package", "inspect", "0"], "VERSION"),
        (["serve", "--port", "99999"], "--port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_ends_in_2(argv, words, millrace_says):
    said = millrace_says(*argv)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_wrong_command_line_with_json_is_told_as_json(millrace_says):
    said = millrace_says("rnu", "--json")
    assert json.loads(said.out)["error"]["nearest"] == "run"


def test_a_defect_is_one_line_and_how_to_report_it(millrace_says, monkeypatch):
    monkeypatch.delenv("MILLRACE_TRACEBACK", raising=False)
    said = millrace_says("check", check=RuntimeError("boom\nmore"))
    assert "RuntimeError: boom\n" in said.err
    assert "please report it" in said.err
    assert "Traceback" not in said.err


def test_a_defect_shows_its_traceback_to_who_asks(millrace_says, monkeypatch):
    monkeypatch.setenv("MILLRACE_TRACEBACK", "1")
    assert "Traceback (most recent call last)" in millrace_says("check", check=RuntimeError("boom")).err


def test_no_words_at_all_give_the_help(millrace_says):
    said = millrace_says()
    assert said.code == 0
    assert "Usage: millrace" in said.out


def test_text_of_an_error_is_not_read_as_markup(millrace_says):
    said = millrace_says("check", check=MillraceError("a [bold]b[/bold] [/] c", where="x"))
    assert "a [bold]b[/bold] [/] c" in said.err


@pytest.mark.parametrize("error", [RemoteError("db://me:s3cret-s3cret@host refused"), RuntimeError("s3cret-s3cret")])
def test_a_value_of_the_environment_is_never_part_of_an_error(error, millrace_says, folder, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "s3cret-s3cret")
    text = "sources: {c: {from: 'db://me:${DB_PASSWORD}@host'}}\nmodel: {predict: y}\n"
    (folder / "secret.yaml").write_text(text)
    for where in (("-p", "secret.yaml"), ("--project=secret.yaml",)):
        said = millrace_says("check", "--json", *where, check=error)
        assert "s3cret" not in said.out + said.err
        assert "${DB_PASSWORD}" in said.err
