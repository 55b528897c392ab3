import pytest

from millrace.config.load import load
from millrace.errors import ProjectFileErrors


def problem(tmp_path, api):
    path = tmp_path / "millrace.yaml"
    path.write_text(f"sources: {{a: {{from: https://x/y, key: id, api: {api}}}}}\nmodel: {{predict: y}}\n")
    with pytest.raises(ProjectFileErrors) as raised:
        load(path, {"TOKEN": "hunter2-hunter2"})
    return str(raised.value)


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("{page: auto}", "`page` is not a key of `sources.a.api`. Did you mean `pages`?"),
        ("{pages: {page: p, offset: o}}", "`pages` has `page` and `offset`; exactly one is needed."),
        ("{pages: {}}", "`pages` is not stated; exactly one is needed."),
        ("{pages: {token: meta.next}}", "`token` and `param` belong together"),
        ("{pages: links}", "Did you mean `link`?"),
        ("{auth: {bearer: x, basic: {user: a, password: b}}}", "`auth` has `bearer` and `basic`; exactly one"),
        ("{auth: {token: x}}", "Allowed here: bearer, basic, header, query, oauth2."),
        ("{rate: 10 per secnd}", "is not a rate of requests. Did you mean `10 per second`?"),
        ("{rate: 0 per second}", "is not a rate of requests"),
        ("{auth: {oauth2: {token_url: 'file:///x', client_id: a, client_secret: b}}}", "A URL of a web server"),
        ("{timeout: 0}", "Allowed here: above 0."),
        ("{retry: soon}", "A duration is a number and a unit"),
        ("{max_answer_mb: 0}", "Allowed here: at least 1."),
    ],
)
def test_a_wrong_key_is_explained(tmp_path, api, told):
    assert told in problem(tmp_path, api)


@pytest.mark.parametrize("api", ['{auth: {bearer: ["${TOKEN}"]}}', '{rate: "${TOKEN}"}', '{pages: "${TOKEN}"}'])
def test_no_error_shows_what_the_environment_holds(tmp_path, api):
    assert "hunter2" not in problem(tmp_path, api)


def test_numbers_and_flags_are_sent_as_written(tmp_path):
    path = tmp_path / "millrace.yaml"
    path.write_text(
        "sources: {a: {from: https://x/y, key: id, api: {params: {n: 100, all: true, key: '${TOKEN}'}}}}\n"
        "model: {predict: y}\n"
    )
    settings = load(path, {"TOKEN": "hunter2-hunter2"}).sources["a"]
    assert [secret.get_secret_value() for secret in settings.api.params.values()] == ["100", "true", "hunter2-hunter2"]
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
