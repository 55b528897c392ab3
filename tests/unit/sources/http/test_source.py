import json

import pytest

from api_server import Api, answer, status
from millrace.config.schema import SourceSettings
from millrace.errors import MillraceError, ProjectFileError, SourceError
from millrace.ingest.stage import ingest
from millrace.sources.http import source as module
from millrace.sources.http.source import ApiSource
from millrace.store.objects import Store
from millrace.store.tables import Table
from millrace.testing.sources import SourceContract, read

ROWS = [{"id": n, "at": f"2026-01-01T10:0{n}:00Z", "who": {"name": f"n{n}"}, "tags": ["a"]} for n in range(1, 8)]
STYLES = {
    "next": "auto",
    "link": "auto",
    "token": "auto",
    "page": {"page": "page"},
    "offset": {"offset": "offset"},
}


@pytest.fixture
def api():
    with Api(ROWS) as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("millrace.sources.http.client.FIRST_PAUSE", 0.001)


def settings(api, cursor=None, overlap=None, **said):
    source = {"from": api.url, "key": "id", "chunk": 2, "cursor": cursor, "overlap": overlap, "api": said}
    return SourceSettings.model_validate({name: value for name, value in source.items() if value is not None})


def source(api, **said):
    return ApiSource("rows", settings(api, **said), None, None)


def ids(batches):
    return [row for batch in batches for row in batch.frame["id"]]


@pytest.mark.parametrize("style", STYLES)
class TestStyles(SourceContract):
    @pytest.fixture(autouse=True)
    def _api(self, api, style):
        api.style, self.api = style, api
        api.rows[2:2] = [{"id": None, "at": "2026-01-01T10:02:30Z", "who": {"name": 1}}]
        api.rows.insert(3, 7)

    def open(self):
        return source(self.api, pages=STYLES[self.api.style])


class TestSince(SourceContract):
    @pytest.fixture(autouse=True)
    def _api(self, api):
        self.api = api
        api.since = "from"

    def open(self):
        return source(self.api, cursor="at", since="from")


@pytest.mark.parametrize("style", STYLES)
def test_every_page_is_read_once(api, style):
    api.style = style
    assert ids(read(source(api, pages=STYLES[style]))) == [1, 2, 3, 4, 5, 6, 7]
    assert len(api.requests) == 5 if style in {"page", "offset"} else 4


def test_inner_objects_become_columns_and_lists_json(api):
    opened = source(api)
    assert opened.schema() == {"id": "integer", "at": "datetime", "who.name": "text", "tags": "text"}
    assert read(opened)[0].frame.row(0)[2:] == ("n1", '["a"]')


def test_several_pages_make_one_commit(api, tmp_path):
    said = settings(api).model_copy(update={"chunk": None})
    ingest("rows", said, Store(tmp_path), tmp_path, "r")
    assert Table(Store(tmp_path), "tables/rows").snapshot().delta.version() == 1


def test_a_row_pushed_onto_the_next_page_comes_once_and_the_new_one_with_the_next_ingest(api):
    reading = source(api).batches(None)
    first = [next(reading)]
    api.rows.insert(0, ROWS[0] | {"id": 0})
    whole = first + list(reading)
    assert ids(whole) == [1, 2, 3, 4, 5, 6, 7]
    assert ids(read(source(api), whole[-1].position)) == [0]


def test_a_position_names_the_next_page(api):
    position = read(source(api))[0].position
    api.requests.clear()
    assert ids(
        read(
            source(
                api,
            ),
            json.loads(json.dumps(position)),
        )
    ) == [3, 4, 5, 6, 7]


def test_a_known_schema_costs_no_request(api):
    known = source(api).schema()
    position = read(source(api))[0].position
    api.requests.clear()
    read(ApiSource("rows", settings(api), None, known), position)
    assert [query.get("offset") for _, query, _ in api.requests] == ["2", "4", "6"]


def test_only_what_is_new_is_asked_for(api):
    api.since = "changed_after"
    said = settings(api, cursor="at", since="changed_after", overlap="90 s")
    opened = ApiSource("rows", said, None, None)
    first, known = read(opened), opened.schema()
    api.rows += [ROWS[0] | {"id": 8, "at": "2026-01-01T10:08:00Z"}]
    api.rows.insert(0, ROWS[0] | {"id": 9, "at": "2026-01-01T10:06:30Z"})
    api.requests.clear()
    then = read(ApiSource("rows", said, None, known), first[-1].position)
    assert api.requests[0][1]["changed_after"] == "2026-01-01T10:05:30Z"
    assert sorted(ids(then)) == [8, 9]
    assert read(ApiSource("rows", said, None, known), then[-1].position) == []


def test_a_changed_record_comes_again_where_the_cursor_says_that_it_changed(api):
    first = read(source(api, cursor="at"))
    api.rows[0] = ROWS[0] | {"at": "2026-01-02T00:00:00Z"}
    assert ids(read(source(api, cursor="at"), first[-1].position)) == [1]


def test_a_page_that_the_api_no_longer_knows_starts_the_sweep_again(api):
    first = read(source(api))[0]
    known = source(api).schema()
    api.requests.clear()
    api.faults[0] = status(410)
    assert ids(read(ApiSource("rows", settings(api), None, known), first.position)) == [3, 4, 5, 6, 7]


def test_a_sweep_that_was_cut_and_has_nothing_left_does_not_stop_the_next_one(api):
    first = read(source(api))[0]
    api.rows[:] = [ROWS[0] | {"id": 9}, *ROWS[:1]]
    assert ids(read(source(api), first.position)) == [9]


def test_a_value_that_does_not_fit_is_told_and_what_is_no_object_refused(api):
    api.rows[3:3] = [{"id": "x", "at": "2026-01-01T10:00:00Z"}, 7]
    known = {"id": "integer", "at": "datetime", "who.name": "text", "tags": "text"}
    batches = read(ApiSource("rows", settings(api), None, known))
    refused = [row for batch in batches for row in batch.refused.rows()]
    assert refused == [(1, None, "not a JSON object", "7")]
    odd = [row for batch in batches if batch.misfits is not None for row in batch.misfits.rows()]
    assert odd == [(1, "id", "x")]
    assert ids(batches) == [1, 2, 3, None, 4, 5, 6, 7]


def test_two_records_of_one_key_in_one_page_are_refused(api):
    api.rows[0] = ROWS[1] | {"tags": []}
    with pytest.raises(ProjectFileError, match="does not tell records apart"):
        read(source(api))


def test_a_key_that_no_record_has_is_refused_with_the_nearest(api):
    with pytest.raises(SourceError, match=r"have no field `ids`\. Did you mean `id`"):
        read(ApiSource("rows", settings(api).model_copy(update={"key": "ids"}), None, None))


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"key": None}, "need a `key`"),
        ({"api": {"since": "from"}}, "`cursor` is not stated"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_asked(api, said, match):
    with pytest.raises(ProjectFileError, match=match):
        ApiSource("rows", SourceSettings.model_validate({"from": api.url, "key": "id", **said}), None, None)
    assert api.requests == []


LOOPS = {
    "the same URL": lambda api, query: ({"items": ROWS[:2], "next": "/rows?offset=0"}, {}),
    "a token that always differs": lambda api, query: ({"items": ROWS[:2], "next_cursor": len(api.requests)}, {}),
    "empty pages": lambda api, query: ({"items": [], "next_cursor": len(api.requests)}, {}),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_an_api_that_runs_in_circles_is_refused(api, loop):
    api.page = lambda query: LOOPS[loop](api, query)
    with pytest.raises(SourceError, match="runs in circles"):
        read(source(api))
    assert len(api.requests) <= 2 * module.IDLE_PAGES


def test_a_server_that_ignores_the_number_of_the_page_is_refused(api):
    api.page = lambda query: ({"items": ROWS[:2]}, {})
    with pytest.raises(SourceError, match="runs in circles"):
        read(source(api, pages={"page": "page"}))


def test_a_page_sent_twice_is_read_once(api):
    api.style = "token"
    honest, turns = api.page, ["0", "2", "2", "4", "6"]

    def repeat(query):
        at = len(api.requests)
        return honest({"cursor": turns[at - 1]})[0] | {"next_cursor": at if at < len(turns) else None}, {}

    api.page = repeat
    assert ids(read(source(api))) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("where", ["file:///etc/passwd", "http://example.com/rows?offset=2", "https://127.0.0.1/rows"])
def test_a_next_page_elsewhere_is_refused(api, where):
    api.page = lambda query: ({"items": ROWS[:2], "next": where}, {})
    with pytest.raises(SourceError, match=r"said to be at (file|https?)://.*not followed"):
        read(source(api))


BAD = {
    "html": (answer(b"<html>Sign in</html>", "text/html"), r"\(text/html\) with what is not JSON.*<html>Sign in"),
    "malformed": (answer(b'{"items": [{"id": 1}'), "not JSON: Input data was truncated"),
    "nested": (answer(b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nested too deep"),
    "not UTF-8": (answer(b'{"items": [{"id": "\xff"}]}'), "not JSON"),
    "two lists": (answer(b'{"a": [{"id": 1}], "b": [{"id": 2}]}'), "Several lists(.|\n)*record: a, record: b"),
    "no list": (answer(b'{"error": "no"}'), "no list of records"),
    "a part": (answer(b'{"items": [{"id": 1}], "total": 9}'), "holds 1 of 9 records(.|\n)*pages: none"),
    "many fields": (answer(json.dumps([{f"f{n}": n for n in range(20_000)} | {"id": 1}]).encode()), "at most 16,384"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_refused_with_what_was_seen(api, what, tmp_path):
    api.always, match = BAD[what]
    with pytest.raises(SourceError, match=match):
        ingest("rows", settings(api), Store(tmp_path), tmp_path, "r")
    assert len(api.requests) == 1
    assert Table(Store(tmp_path), "tables/rows").version() == -1


def test_more_than_can_be_remembered_is_refused_unless_since_bounds_it(api, monkeypatch):
    monkeypatch.setattr(module, "MOST_SEEN", 4)
    with pytest.raises(SourceError, match="More than 4 records would have to be remembered"):
        read(source(api))
    api.since = "from"
    assert ids(read(source(api, cursor="at", since="from", overlap="1 min"))) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("value", [["2026"], True, "2026-01-01", 5])
def test_a_cursor_without_an_order_is_refused(api, value):
    api.rows[1] = ROWS[1] | {"at": value}
    with pytest.raises(SourceError, match="which have no order"):
        read(source(api, cursor="at", since="from"))


SECRET = "hunter2-hunter2"
WAYS = {
    "bearer": {"auth": {"bearer": SECRET}},
    "basic": {"auth": {"basic": {"user": "ann", "password": SECRET}}},
    "header": {"auth": {"header": {"X-Api-Key": SECRET}}},
    "query": {"auth": {"query": {"api_key": SECRET}}},
    "params": {"params": {"token": SECRET}},
    "headers": {"headers": {"X-Team": SECRET}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_reaches_the_server_and_nothing_else(api, way, tmp_path):
    opened = source(api, **WAYS[way])
    assert ids(read(opened)) == [1, 2, 3, 4, 5, 6, 7]
    told = str(api.requests)
    assert SECRET in told or "Basic YW5uOmh1bnRlcjItaHVudGVyMg==" in told
    assert SECRET not in repr(opened) + repr(opened._settings) + opened._settings.model_dump_json()
    ingest("rows", settings(api, **WAYS[way]), Store(tmp_path), tmp_path, "r")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", [403, 503])
def test_an_error_shows_no_secret_even_where_the_server_repeats_it(api, way, code):
    def repeat(exchange):
        exchange.send({"seen": exchange.path + str(exchange.headers)}, status=code)
        return True

    api.always = repeat
    with pytest.raises(MillraceError, match=r"127\.0\.0\.1 ") as raised:
        read(source(api, retry=1, **WAYS[way]))
    told = str(raised.value) + repr(raised.value) + str(raised.value.__context__) + str(raised.value.__cause__)
    assert SECRET not in told
    assert "YW5uOmh1bnRlcjItaHVudGVyMg==" not in told


def test_a_next_page_that_repeats_a_credential_elsewhere_is_not_written_down(api):
    known = source(api).schema()
    api.page = lambda query: ({"items": ROWS[:2], "next": f"/rows?offset=2&sig=x-{SECRET}"}, {})
    with pytest.raises(SourceError, match="repeats a credential"):
        read(ApiSource("rows", settings(api, auth={"bearer": SECRET}), None, known))
