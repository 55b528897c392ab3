import pytest
from ruamel.yaml import YAML

from api_server import Api, answer, status
from millrace.config.schema import ProjectSettings
from millrace.errors import SourceError
from millrace.project import Project
from millrace.sources.proposing.project_file import propose

ROWS = [
    {"id": n, "updated_at": f"2026-01-01T10:{n:02}:00Z", "plan": {"name": "ab"[n % 2]}, "age": 20 + n, "churned": n % 3}
    for n in range(1, 26)
]


@pytest.fixture
def api():
    with Api(ROWS, size=10) as found:
        yield found


@pytest.mark.parametrize(
    ("style", "record", "pages"),
    [
        ("next", "items", "{next: next}  # next holds the URL of the next page"),
        ("link", '"$"', "link  # the answer has a Link header with rel=next"),
        (
            "token",
            "items",
            "{token: next_cursor, param: cursor}  # next_cursor holds a token; `cursor` usually takes it",
        ),
        ("page", "items", "{page: page}  # page=2 gives other records"),
        ("offset", "items", "{offset: offset}  # offset=10 gives other records"),
    ],
)
def test_what_is_proposed_reads_every_record(api, style, record, pages, tmp_path):
    api.style = style
    text = Project.init(api.url, "churned", folder=tmp_path).text
    assert f"    record: {record}  # " in text
    assert f"      pages: {pages}" in text
    assert "    key: id  # " in text
    assert "    # cursor: updated_at\n" in text
    assert "      plan.name: {type: text}  # 2 different values" in text
    project = Project.load(tmp_path / "millrace.yaml")
    assert project.check().problems == ()
    assert project.ingest()[0].kept == 25


def test_records_that_come_all_at_once_are_said_to(api):
    api.size = 100
    text = propose(api.url, "churned")
    assert "pages: none  # all 25 records came at once, and no next page is named" in text
    assert text.startswith("# Proposed by `millrace init` from 25 rows.\n")


def test_secrets_of_the_url_become_references(api, tmp_path):
    text = propose(api.url.replace("//", "//ann:hunter2@") + "?limit=10", "churned")
    assert 'auth: {basic: {user: "${API_USER}", password: "${API_PASSWORD}"}}' in text
    text += propose(api.url + "?api_key=hunter2&limit=10", "churned")
    assert 'auth: {query: {api_key: "${API_KEY}"}}' in text
    assert f'from: "{api.url}?limit=10"' in text
    assert "hunter2" not in text


def test_records_without_an_identifier_are_noted(api):
    api.rows = [{"plan": "ab"[n % 2], "churned": n % 2} for n in range(9)]
    text = propose(api.url, "churned")
    assert "# key: <column>  # is needed; no identifier was found" in text
    ProjectSettings.model_validate(YAML(typ="safe").load(text))


@pytest.mark.parametrize(
    ("fault", "match"),
    [
        (answer(b"<html>", "text/html"), r"The answer \(text/html\) is not JSON"),
        (answer(b'{"items": []}'), "no records to look at"),
        (answer(b'{"a": [{"id": 1}], "b": [{"id": 2}]}'), "Several lists"),
        (status(401), r"answers 401(.|\n)*check `api.auth`"),
    ],
)
def test_what_is_no_api_is_refused_and_nothing_written(api, fault, match, tmp_path):
    api.always = fault
    with pytest.raises(SourceError, match=match):
        Project.init(api.url, folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_at_a_url_is_proposed_like_a_file(tmp_path):
    with Api() as api:
        lines = "".join(f"{n},{'yes' if n % 2 else 'no'}\n" for n in range(40))
        api.others = {"/a.csv": lambda exchange: exchange.send(f"id,churned\n{lines}".encode(), kind="text/csv")}
        url = f"http://127.0.0.1:{api.port}/a.csv"
        text = Project.init(url, folder=tmp_path).text
        assert f'  a:\n    from: "{url}"\n    key: id  # 40 of 40 distinct' in text
        assert Project.load(tmp_path / "millrace.yaml").check().problems == ()
