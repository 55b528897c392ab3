from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

import api_server
from api_server import Api, status
from millrace.config.api import ApiSettings
from millrace.errors import ProjectFileError, RemoteError, SourceError
from millrace.sources.http.client import Client, Refused

ROWS = [{"id": 1}]


@pytest.fixture
def api():
    with Api(ROWS) as found:
        yield found


@pytest.fixture
def pauses(monkeypatch):
    """What was slept, without sleeping."""
    slept = []
    monkeypatch.setattr("millrace.sources.http.client.sleep", slept.append)
    return slept


def client(api, **said):
    return Client(api.url, ApiSettings.model_validate(said), "sources.rows")


def get(api, **said):
    opened = client(api, **said)
    try:
        return opened.get("/rows", [])
    finally:
        opened.close()


PASSING = {
    "408": status(408),
    "425": status(425),
    "429": status(429),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "reset": api_server.cut,
    "truncated": api_server.truncated,
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(api, fault, pauses):
    api.faults = {0: PASSING[fault], 1: PASSING[fault]}
    assert get(api).body == b'{"items": [{"id": 1}], "next": null}'
    assert len(api.requests) == 3
    assert len(pauses) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 422, 501])
def test_what_does_not_pass_is_an_error_at_once(api, code, pauses):
    api.always = status(code)
    with pytest.raises(Refused, match=rf'127\.0\.0\.1 answers {code}: {{"error": "status {code}"}}'):
        get(api)
    assert (len(api.requests), pauses) == (1, [])


def test_trying_ends_and_says_how_often(api, pauses):
    api.always = status(503)
    with pytest.raises(RemoteError, match=r"it answers 503. It was tried 8 times(.|\n)*run again") as raised:
        get(api)
    assert raised.value.retryable
    assert len(pauses) == 7
    assert all(0 <= pause <= 0.5 * 2**n for n, pause in enumerate(pauses, 1))


def test_retry_after_in_seconds_is_waited_for(api, pauses):
    api.faults = {0: status(429, Retry_After="7")}
    get(api)
    assert 7 <= pauses[0] <= 7.1


def test_retry_after_as_a_date_is_waited_for(api, pauses):
    api.faults = {0: status(503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))}
    get(api)
    assert 55 <= pauses[0] <= 60.1


def test_a_longer_wait_than_is_allowed_is_not_begun(api, pauses):
    api.always = status(429, Retry_After="3600")
    with pytest.raises(RemoteError, match="asks to wait 3,600 s"):
        get(api, retry="5 min")
    assert pauses == []


def test_no_server_is_a_retryable_error(api, pauses):
    gone = client(api, retry=0.001)
    gone.origin = "http://127.0.0.1:1"
    with pytest.raises(RemoteError, match=r"cannot be reached \(Connection refused\)"):
        gone.get("/rows", [])


def test_a_body_that_drips_is_cut_off(api, pauses):
    api.always = api_server.slow
    with pytest.raises(RemoteError, match=r"took longer than 0\.2 s"):
        get(api, timeout=0.2, retry=0.0001)


@pytest.mark.parametrize("stated", [True, False], ids=["stated", "chunked"])
def test_an_answer_of_ten_gigabytes_is_refused_early(api, stated):
    sent = []

    def endless(exchange):
        exchange.send_response(200)
        exchange.send_header(*(("Content-Length", str(10 << 30)) if stated else ("Transfer-Encoding", "chunked")))
        exchange.end_headers()
        piece = b" " * (1 << 20)
        try:
            while len(sent) < 10_000:
                exchange.wfile.write(piece if stated else b"100000\r\n" + piece + b"\r\n")
                sent.append(len(piece))
        except OSError:
            exchange.close_connection = True
        return True

    api.always = endless
    with pytest.raises(SourceError, match=r"more than 2 MB at once(.|\n)*max_answer_mb"):
        get(api, max_answer_mb=2)
    assert sum(sent) < 64 << 20


def test_a_bomb_is_refused_by_its_unpacked_size(api):
    import gzip

    packed = gzip.compress(b" " * (20 << 20))
    assert len(packed) < 1 << 20

    def bomb(exchange):
        exchange.send(packed, {"Content-Encoding": "gzip"})
        return True

    api.always = bomb
    with pytest.raises(SourceError, match="more than 2 MB at once"):
        get(api, max_answer_mb=2)


def test_requests_keep_to_the_rate(api, pauses):
    opened = client(api, rate="2 per second")
    for _ in range(3):
        opened.get("/rows", [])
    opened.close()
    assert pauses[0] == 0
    assert 0.3 < pauses[1] <= 0.5
    assert 0.8 < pauses[2] <= 1.0


SECRET = {"auth": {"bearer": "hunter2-hunter2"}, "headers": {"X-Team": "red-red-red"}}


def test_a_redirection_within_the_host_keeps_the_credentials(api):
    api.faults = {0: status(302, Location="/moved")}
    get(api, **SECRET)
    assert [path for path, _, _ in api.requests] == ["/rows", "/moved"]
    assert api.requests[1][2]["Authorization"] == "Bearer hunter2-hunter2"


def test_a_redirection_to_another_host_carries_none(api):
    with Api(ROWS) as other:
        api.faults = {0: status(307, Location=other.url)}
        get(api, **SECRET)
    assert "hunter2" not in str(other.requests)
    assert "red-red-red" not in str(other.requests)
    assert len(other.requests) == 1


def test_a_redirection_that_comes_back_does_not_get_them_again(api):
    with Api(ROWS) as other:
        other.always = status(307, Location=api.url)
        api.faults = {0: status(307, Location=other.url)}
        get(api, **SECRET)
    assert "Authorization" not in api.requests[1][2]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirection_to_another_scheme_is_not_followed(api, target):
    api.always = status(302, Location=target)
    with pytest.raises(SourceError, match=r"redirects to (file|ftp)://: not followed"):
        get(api)


def test_endless_redirections_are_refused(api):
    api.always = status(302, Location="/again")
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        get(api)


class Tokens:
    """A token endpoint, and rows that want the newest token."""

    def __init__(self, api, lifetime=3600):
        self.given = []
        self.asked = []
        self.lifetime = lifetime
        api.others = {"/token": self.give, "/rows": self.rows}

    def give(self, exchange):
        self.asked.append((exchange.form, exchange.headers.get("Authorization")))
        self.given.append(f"token-{len(self.given)}")
        exchange.send({"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.lifetime})

    def rows(self, exchange):
        fits = self.given and exchange.headers.get("Authorization") == f"Bearer {self.given[-1]}"
        exchange.send(*(([], {}, 200) if fits else ({"error": "expired"}, {}, 401)))


def oauth(api, **more):
    url = f"http://127.0.0.1:{api.port}/token"
    said = {"token_url": url, "client_id": "ann", "client_secret": "hunter2-hunter2", **more}
    return client(api, auth={"oauth2": said})


def test_a_token_is_fetched_once_and_again_when_it_is_refused(api):
    tokens = Tokens(api)
    opened = oauth(api, scope="read")
    opened.get("/rows", [])
    opened.get("/rows", [])
    assert tokens.asked == [
        ({"grant_type": "client_credentials", "scope": "read"}, "Basic YW5uOmh1bnRlcjItaHVudGVyMg==")
    ]
    tokens.given.append("revoked")
    assert opened.get("/rows", []).status == 200
    assert len(tokens.asked) == 2
    opened.close()


def test_a_token_about_to_expire_is_renewed_before_it_is_refused(api):
    tokens = Tokens(api, lifetime=0)
    opened = oauth(api)
    opened.get("/rows", [])
    opened.get("/rows", [])
    opened.close()
    assert len(tokens.asked) == 2
    assert [path for path, _, _ in api.requests] == ["/token", "/rows", "/token", "/rows"]


def test_id_and_secret_may_go_in_the_body(api):
    tokens = Tokens(api)
    opened = oauth(api, credentials_in="body", params={"audience": "rows"})
    opened.get("/rows", [])
    opened.close()
    form = {"grant_type": "client_credentials", "audience": "rows", "client_id": "ann"}
    assert tokens.asked == [({**form, "client_secret": "hunter2-hunter2"}, None)]


def test_a_refused_token_ends_in_an_error_without_secrets(api):
    Tokens(api)
    api.others["/rows"] = lambda exchange: exchange.send({"got": exchange.headers["Authorization"]}, status=401)
    opened = oauth(api)
    with pytest.raises(Refused, match=r"answers 401: .*\*\*\*(.|\n)*check `api.auth`") as raised:
        opened.get("/rows", [])
    opened.close()
    assert "token-" not in str(raised.value)


def test_a_token_endpoint_that_gives_none_is_named(api):
    api.others = {"/token": lambda exchange: exchange.send({"token": "x"})}
    opened = oauth(api)
    with pytest.raises(SourceError, match="`token_url` answered without an `access_token`"):
        opened.get("/rows", [])
    opened.close()


@pytest.mark.parametrize("said", [{"auth": {"bearer": "hunter2\n"}}, {"headers": {"X-Key": "hunter2\u20ac"}}])
def test_a_secret_that_no_header_can_hold_is_refused_without_showing_it(api, said):
    with pytest.raises(ProjectFileError, match=r"cannot be sent(.|\n)*environment variable") as raised:
        client(api, **said)
    assert "hunter2" not in str(raised.value) + str(raised.value.__context__)


def test_user_and_password_of_the_url_are_sent_and_not_shown(api):
    opened = Client(api.url.replace("//", "//ann:p%40ss-word@"), ApiSettings(), "s")
    opened.get("/rows", [])
    opened.close()
    assert api.requests[0][2]["Authorization"] == "Basic YW5uOnBAc3Mtd29yZA=="
    assert "p@ss" not in repr(opened) + opened.hide("p@ss-word") + opened.origin
