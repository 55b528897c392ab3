import pytest

from millrace.config.api import PagesSettings
from millrace.errors import SourceError
from millrace.sources.http.pages import Pages, at, record_path, records_in, steps


def pages(stated="auto", path="/v1/rows", hidden=(), **fixed):
    return Pages(stated, ("https://api.example.com", path), fixed, frozenset(hidden), "s")


def following(document, headers=None, stated="auto", place=None, count=2, **fixed):
    found = pages(stated, **fixed)
    after = found.after(place or {}, document, headers or {}, count)
    return after and found.request(after)


URL = "https://api.example.com/v1/rows?cursor=abc&n=2"
WAYS = {
    "Link": ({}, {"link": f'<https://x/>; rel="prev", <{URL}>; title="a, b"; rel="next"'}),
    "Link without quotes": ({}, {"link": f"<{URL}>; rel=next"}),
    "next": ({"next": URL}, {}),
    "relative": ({"next": "/v1/rows?cursor=abc&n=2"}, {}),
    "query only": ({"links": {"next": "?cursor=abc&n=2"}}, {}),
    "HAL": ({"_links": {"next": {"href": URL}}}, {}),
    "JSON:API": ({"links": {"next": URL}}, {}),
    "OData": ({"@odata.nextLink": URL}, {}),
    "behind a proxy": ({"next": URL.replace("https:", "http:")}, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_auto_follows_what_apis_usually_name(way):
    document, headers = WAYS[way]
    assert following(document, headers) == ("/v1/rows", [("cursor", "abc"), ("n", "2")])


TOKENS = {
    "Slack": ({"response_metadata": {"next_cursor": "abc="}}, ("cursor", "abc=")),
    "Google": ({"nextPageToken": "abc"}, ("pageToken", "abc")),
    "plain": ({"next_cursor": 7}, ("cursor", "7")),
}


@pytest.mark.parametrize("way", TOKENS)
def test_auto_sends_back_usual_tokens(way):
    document, sent = TOKENS[way]
    assert following(document, limit="2") == ("/v1/rows", [("limit", "2"), sent])


@pytest.mark.parametrize(
    "document",
    [{}, {"next": None}, {"next": ""}, {"next": 3}, {"next_cursor": ""}, {"next_cursor": True}, [], {"links": []}],
)
def test_auto_ends_where_nothing_follows(document):
    assert following(document) is None


@pytest.mark.parametrize(
    ("stated", "place", "document", "count", "expected"),
    [
        ({"page": "page"}, {}, {}, 2, ("/v1/rows", [("page", "2")])),
        ({"page": "p", "first": 0}, {}, {}, 2, ("/v1/rows", [("p", "1")])),
        ({"page": "page"}, {"page": 9}, {}, 0, None),
        ({"offset": "skip"}, {"offset": 4}, {}, 3, ("/v1/rows", [("skip", "7")])),
        ({"offset": "skip"}, {"offset": 4}, {}, 0, None),
        ({"token": "meta.after", "param": "after"}, {}, {"meta": {"after": "x"}}, 0, ("/v1/rows", [("after", "x")])),
        ({"token": "meta.after", "param": "after"}, {}, {"meta": {}}, 2, None),
        ({"next": "paging[0].url"}, {}, {"paging": [{"url": "/v2?x=1"}]}, 2, ("/v2", [("x", "1")])),
        ({"next": "paging.url"}, {}, {"paging": {"url": None}}, 2, None),
    ],
)
def test_a_stated_way_is_followed_exactly(stated, place, document, count, expected):
    assert following(document, {}, PagesSettings(**stated), place, count) == expected


def test_a_stated_way_that_holds_no_text_is_refused():
    with pytest.raises(SourceError, match=r"`a` holds neither text nor number"):
        following({"a": {}}, {}, PagesSettings(next="a"))


def test_the_first_page_is_asked_for_by_its_number():
    assert pages(PagesSettings(page="page")).request({}) == ("/v1/rows", [("page", "1")])
    assert pages(PagesSettings(offset="skip")).request({}) == ("/v1/rows", [("skip", "0")])
    assert pages(PagesSettings(next="next")).request({}) == ("/v1/rows", [])


def test_what_the_project_file_says_is_not_written_into_a_place():
    found = pages(path="/bot-SECRET/rows", key="PARAM-SECRET", hidden=["auth"])
    url = "https://api.example.com/bot-SECRET/rows/2?key=PARAM-SECRET&auth=AUTH-SECRET&after=x"
    place = found.after({}, {"next": url}, {}, 2)
    assert place == {"kept": 3, "path": ["2"], "query": [["key", None], ["after", "x"]]}
    assert found.request(place) == ("/bot-SECRET/rows/2", [("key", "PARAM-SECRET"), ("after", "x")])


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "https://evil.example.com/v1/rows",
        "https://api.example.com:8443/v1/rows",
        "https://api.example.com@evil.example.com/",
        "//evil.example.com/rows",
        "ftp://api.example.com/rows",
        "http://api.example.com:8080/rows",
        "https://[bad/",
    ],
)
def test_a_next_page_anywhere_else_is_refused(url):
    with pytest.raises(SourceError, match=r"not followed|is none"):
        following({"next": url}, {}, PagesSettings(next="next"))


@pytest.mark.parametrize("document", [{"total": 9}, {"meta": {"total": 9}}, {"count": 9}, {"pagination": {"total": 9}}])
def test_a_first_page_that_says_there_is_more_and_not_where_is_refused(document):
    with pytest.raises(SourceError, match="holds 2 of 9 records"):
        following(document)
    assert following(document, stated="none") is None


def test_the_total_may_stand_in_a_header():
    with pytest.raises(SourceError, match="holds 2 of 9 records"):
        following([], {"x-total-count": "9"})


@pytest.mark.parametrize(
    ("document", "record", "expected"),
    [
        ([{"id": 1}], None, [{"id": 1}]),
        ({"items": [{"id": 1}], "tags": ["a"]}, None, [{"id": 1}]),
        ({"data": {"rows": [{"id": 1}]}, "meta": {}}, None, [{"id": 1}]),
        ({"items": []}, None, []),
        (None, None, []),
        ({"a": [{"id": 1}], "b": {"c": [{"id": 2}]}}, None, [{"id": 1}]),
        ({"a": [{"id": 1}], "b": [{"id": 2}]}, "b", [{"id": 2}]),
        ({"a": {"b.c": [{"id": 2}]}}, "$.a['b.c'][*]", [{"id": 2}]),
        ({"id": 1}, "$", [{"id": 1}]),
        ({"items": None}, "items", []),
    ],
)
def test_records_are_found(document, record, expected):
    assert records_in(document, record, "s") == expected


@pytest.mark.parametrize(
    ("document", "record", "match"),
    [
        ({"a": [{"id": 1}], "b": [{"id": 2}]}, None, "Several lists"),
        ({"id": 1}, None, "no list of records"),
        ({"items": []}, "data", r"nothing at `data`(.|\n)*items"),
        ({"tags": ["a"]}, None, "no list of records"),
    ],
)
def test_what_could_be_several_things_is_refused(document, record, match):
    with pytest.raises(SourceError, match=match):
        records_in(document, record, "s")


def test_the_path_to_the_records_is_told():
    assert record_path({"data": {"rows": [{"id": 1}]}}) == "data.rows"
    assert record_path([{"id": 1}]) == "$"
    assert record_path({"a": [{}], "b": [{}]}) is None


def test_a_path_leads_through_lists_and_odd_names():
    assert at({"a": [{"b": 1}]}, steps("a[0].b")) == 1
    assert at({"a": [{"b": 1}]}, steps("a[1].b")) is None
    assert at({"x y": 1}, steps('["x y"]')) == 1
