"""What loading a project file gives, and every way it says no."""

from pathlib import Path

import pytest

from millrace.config.load import load
from millrace.errors import ProjectFileError, ProjectFileErrors

SMALLEST = "sources: {c: {from: x.csv}}\nmodel: {predict: y}\n"


def test_a_full_file_gives_its_values_in_numbers(project_file, good):
    settings = load(project_file(good), {})
    assert settings.project == "churn"
    assert settings.sources["customers"].from_ == "data/customers-*.csv"
    assert settings.sources["customers"].columns["TotalCharges"].missing == (" ", "n/a")
    assert settings.model.split.test == 0.15
    assert settings.model.budget == 300.0
    assert settings.model.gate == ("roc_auc >= 0.80", "better than champion")
    assert settings.serve.port == 8080


def test_two_keys_are_enough_and_the_folder_gives_the_name(tmp_path):
    folder = tmp_path / "my churn (2)"
    folder.mkdir()
    (folder / "millrace.yaml").write_text(SMALLEST)
    assert load(folder / "millrace.yaml", {}).project == "my-churn-2"


def test_a_byte_order_mark_is_no_part_of_the_first_key(project_file):
    assert load(project_file(b"\xef\xbb\xbf" + SMALLEST.encode()), {}).model.predict == "y"


def test_values_come_from_the_environment_and_fit_where_numbers_are_expected(project_file):
    text = SMALLEST + 'serve: {port: "${PORT}", host: "${HOST:-0.0.0.0}"}\n'
    settings = load(project_file(text), {"PORT": "9000", "HOST": ""})
    assert (settings.serve.port, settings.serve.host) == (9000, "0.0.0.0")


def test_the_process_environment_is_used_by_default(project_file, monkeypatch):
    monkeypatch.setenv("MILLRACE_TEST_HOST", "example.org")
    assert load(project_file(SMALLEST + 'serve: {host: "${MILLRACE_TEST_HOST}"}\n')).serve.host == "example.org"


def test_dates_and_words_like_yes_stay_texts(project_file):
    text = "sources: {c: {from: x, missing: [2024-01-01, no]}}\nmodel: {predict: y, positive: yes}\n"
    settings = load(project_file(text), {})
    assert settings.sources["c"].missing == ("2024-01-01", "no")
    assert settings.model.positive == "yes"


GOLDEN = {
    "typo-in-section": "sources: {c: {from: x}}\nmodle: {predict: y}\n",
    "typo-in-nested-key": "sources:\n  c:\n    from: x\nmodel:\n  predict: y\n  split:\n    tset: 20%\n",
    "wrong-type": "sources: {c: {from: x}}\nmodel: {predict: y, gate: roc_auc >= 0.8}\nserve: {port: eighty}\n",
    "two-problems": "sources:\n  c: {form: x}\nmodel:\n  predict: y\n  metric: roc_acu\n",
    "missing-variable": 'sources: {c: {from: x}}\nmodel: {predict: y}\nserve: {host: "${HOTS}"}\n',
    "duplicate-key": "sources: {c: {from: x}}\nmodel: {predict: y}\nmodel: {predict: z}\n",
    "bad-duration": "sources: {c: {from: x}}\nmodel: {predict: y, budget: 5 mni}\n",
    "bad-percent": "sources: {c: {from: x}}\nmodel: {predict: y, split: {test: 150%, validation: many}}\n",
    "missing-key": "sources:\n  c: {}\nmodel:\n  metric: auto\n",
    "two-sources-no-dataset": "sources: {a: {from: x}, b: {from: y}}\nmodel: {predict: y}\n",
    "time-and-group": "sources: {c: {from: x}}\nmodel: {predict: y, split: {time: t, group: g}}\n",
    "unknown-cleaning-step": "sources: {c: {from: x, clean: [{trimm: all}]}}\nmodel: {predict: y}\n",
    "gate": 'sources: {c: {from: x}}\nmodel: {predict: y, gate: ["roc_acu >= 1", better then champion, f1 > a]}\n',
    "monitor-and-retrain": "sources: {c: {from: x}}\nmodel: {predict: y}\n"
    "monitor: {false_alarms: 1 per mnth}\nretrain: {when: [drfit, 3 dyas]}\n",
    "rows-without-time": "sources: {c: {from: x}}\nmodel: {predict: y}\nretrain: {when: [harm], rows: since drift}\n",
    "cost-of-retraining": "sources: {c: {from: x}}\nmodel: {predict: y}\nretrain: {when: [harm, 30 days], cost: 200}\n",
    "cost-without-schedule": "sources: {c: {from: x}}\nmodel:\n  predict: y\n"
    "  metric: {cost: {false_positive: 1, false_negative: 8}}\nretrain:\n  cost: 200\n",
    "cost": "sources: {c: {from: x}}\nmodel: {predict: y, metric: {cost: {false_positive: 1}}}\n",
    "path-as-source-name": "sources: {../../x: {from: x}}\nmodel: {predict: y}\n",
    "empty": "# nothing yet\n",
    "list": "- sources\n",
    "tab": "sources:\n\tc: {from: x}\n",
    "unquoted-reference": "sources: {c: {from: ${DATA}}}\n",
    "unclosed": "sources: {c: {from: x}\nmodel:\n  predict: y\n",
    "python-tag": "sources: {c: {from: x}}\nmodel: {predict: !!python/object/apply:os.system [ls]}\n"
    "store: !!python/name:os.x y\n",
    "control-character": "sources: {c: {from: x}}\nmodel: {predict: \x07}\n",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_errors_say_where_what_and_what_next(name, refusal, golden):
    assert f"{refusal(GOLDEN[name], {'HOST': 'x'})}\n" == golden(name)


def test_all_problems_come_at_once_in_the_order_of_the_file(refusal):
    error = refusal("store:\nsources: {c: {from: x, hedaer: true}}\nmodel: {predict: 5}\nextra: 1\n")
    assert [(p.where, p.code) for p in error.problems] == [
        ("millrace.yaml:1:1", "config.type"),
        ("millrace.yaml:2:24", "config.unknown-key"),
        ("millrace.yaml:3:18", "config.type"),
        ("millrace.yaml:4:1", "config.unknown-key"),
    ]
    assert (error.code, error.where) == ("config.type", "millrace.yaml:1:1")


@pytest.mark.parametrize(
    "text",
    [
        'sources: {c: {from: x}}\nmodel: {predict: y, metric: "${SECRET}"}\n',
        'sources: {c: {from: x}}\nmodel: {predict: y, gate: ["${SECRET}"], budget: "${SECRET}"}\n',
        'sources: {c: {from: x}}\nmodel: {predict: "${SECRET}", drop: ["${SECRET}"]}\n',
        'sources: {c: {from: x, clean: [{trimm: "${SECRET}"}]}}\nmodel: {predict: y}\n',
        'sources: {c: {from: x}}\nmodel: {predict: y}\nserve: {port: "${SECRET}", log: "${SECRET}"}\n',
        "sources: {c: {from: {a: 'postgresql://me:hunter2@db/x'}}}\nmodel: {predict: y, task: 'x://me:hunter2@db'}\n",
    ],
    ids=["metric", "gate", "drop", "step", "port", "password-in-url"],
)
def test_secrets_are_never_shown(text, refusal):
    assert "hunter2" not in str(refusal(text, {"SECRET": "hunter2"}))


def test_a_missing_file_names_the_nearest_one_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "millrace.yml").write_text(SMALLEST)
    with pytest.raises(ProjectFileErrors, match=r"millrace\.yaml  config\.missing-file") as caught:
        load(Path("millrace.yaml"), {})
    assert caught.value.nearest == "millrace.yml"
    assert caught.value.next_step == "millrace init <your.csv> --predict <column>"


def test_a_folder_is_not_a_project_file(project_file, tmp_path):
    project_file(SMALLEST)
    with pytest.raises(ProjectFileError, match="This is a folder"):
        load(tmp_path, {})


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(ProjectFileError, match="There is no folder `nowhere`"):
        load(tmp_path / "nowhere" / "millrace.yaml", {})


def test_text_that_is_not_utf8_is_shown_by_its_first_wrong_byte(refusal):
    error = refusal("sources:\n  c: {from: Zürich.csv}\n".encode("latin-1"))
    assert (error.where, error.code) == ("millrace.yaml:2:14", "config.encoding")


def test_a_file_that_unfolds_without_end_is_refused(refusal):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert refusal(bomb).code == "config.syntax"
    assert refusal("a: &a [*a]\n").code == "config.syntax"
    assert refusal("[" * 5000).code == "config.syntax"
