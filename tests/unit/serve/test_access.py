"""Access keys at a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.routing import Route

from millrace.inference.model import Model
from millrace.serve.access import Access, Guard
from millrace.serve.application import Application
from millrace.serve.core import Core
from millrace.store.keys import KeyRing, create, revoke
from millrace.store.objects import Store
from millrace.store.packages import find
from serving import serving
from tiny_package import publish_tiny

ROW = {"age": 20, "plan": "gold", "calls": 0}
PROBES = {"/healthz", "/ping", "/health", "/v2/health/live", "/v2/health/ready"}
READY = {"/v2/models/{model}/ready", "/v2/models/{model}/versions/{version}/ready"}


@dataclass
class Guarded:
    store: Store
    client: httpx.Client

    def ask(self, path: str, secret: str, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        if json is None:
            return self.client.get(path, headers=headers)
        return self.client.post(path, json=json, headers=headers)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    store = Store(folder)
    publish_tiny(store)
    with (
        serving(folder, version=1, settings='{"port": 0, "keys": "required"}') as server,
        httpx.Client(base_url=server.url, timeout=10) as client,
    ):
        yield Guarded(store, client)


def answered(guarded: Guarded, secret: str, status: int) -> httpx.Response:
    """The first answer with this status, given within two seconds; the last one otherwise."""
    deadline = time.monotonic() + 2
    while True:
        answer = guarded.ask("/predict", secret, ROW)
        if answer.status_code == status or time.monotonic() > deadline:
            return answer


def test_a_new_key_is_taken_and_a_revoked_one_refused_by_the_running_server(guarded: Guarded) -> None:
    made = create(guarded.store, "shop", ["predict"], "ada")
    assert answered(guarded, made.secret, 200).json()["version"] == 1
    revoke(guarded.store, made.key.id, "ada")
    refused = answered(guarded, made.secret, 401)
    assert refused.json()["error"]["code"] == "access.key"
    assert refused.headers["www-authenticate"] == 'Bearer realm="millrace", error="invalid_token"'


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi", "Bearer \xff\xfe", "Bearer millrace_a_b"])
def test_without_a_good_key_nothing_is_answered(guarded: Guarded, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = guarded.client.post("/predict", json=ROW, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="millrace"')
    assert answer.json()["error"]["allowed"] == ["Authorization: Bearer <a key of `millrace key create`>"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_key_is_good_for_its_verbs_alone(guarded: Guarded) -> None:
    predict, metrics, admin = (
        create(guarded.store, verb, [verb], "ada").secret for verb in ("predict", "metrics", "admin")
    )
    outcome = {"id": "a", "outcome": "No"}
    assert answered(guarded, admin, 200).status_code == 200
    assert guarded.ask("/feedback", predict, outcome).status_code == 403
    assert guarded.ask("/metrics", predict).status_code == 403
    assert guarded.ask("/metrics", metrics).status_code == 200
    refused = guarded.ask("/predict", metrics, ROW)
    assert refused.status_code == 403
    assert refused.json()["error"]["seen"] == "This access key is good for metrics, not for predict."
    assert 'scope="predict"' in refused.headers["www-authenticate"]
    assert guarded.ask("/feedback", admin, outcome).status_code == 200
    assert guarded.ask("/metrics", admin).status_code == 200


def test_probes_need_no_key(guarded: Guarded) -> None:
    assert {path: guarded.ask(path, "").status_code for path in PROBES} == dict.fromkeys(PROBES, 200)
    assert guarded.ask("/v2/models/churn/ready", "").status_code == 200


def test_every_route_but_the_probes_asks_for_a_key(store: Store) -> None:
    ring = KeyRing(store)
    guard = Guard(ring, None, "churn")
    app = Application(Core(Model.open(find(store, "churn", 1).path)), guard=guard)
    access = Access(guard, None, ("/ping", "/health"), ("/invocations", "/score"))
    routes = [route.path for route in app.routes.routes if isinstance(route, Route)]
    assert len(routes) > 15
    assert {path for path in routes if access.needed(path) is None} == PROBES | READY
    for path in ("/v2/models/a/infer/ready", "/V2/health/live", "//healthz", "/healthz/", "/ping/../predict", "/x"):
        assert access.needed(path) == "predict"


def test_a_key_of_another_model_is_403_and_says_which(guarded: Guarded) -> None:
    other = create(guarded.store, "shop", ["predict"], "ada", ["pricing"]).secret
    answer = answered(guarded, other, 403)
    assert answer.json()["error"]["seen"] == "This access key is good for pricing, and churn is served here."
    own = create(guarded.store, "shop", ["predict"], "ada", ["pricing", "churn"]).secret
    assert answered(guarded, own, 200).status_code == 200
