"""Tokens of an identity provider: taken when they are right in every respect, and otherwise not."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from millrace.errors import RemoteError, UsageError
from millrace.records.key import Key
from millrace.serve.tokens import Issuer, Tokens
from millrace.store.objects import Store
from serving import serving
from tiny_package import publish_tiny

ISSUER, AUDIENCE = "https://id.example.org", "millrace"
KEYS = {"one": ec.generate_private_key(ec.SECP256R1()), "two": rsa.generate_private_key(65537, 2048)}
ALGORITHMS = {"one": "ES256", "two": "RS256"}
ROW = {"age": 20}


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """The provider's published keys."""
    made = [ECAlgorithm(ECAlgorithm.SHA256).to_jwk(KEYS["one"].public_key())]
    made.append(RSAAlgorithm(RSAAlgorithm.SHA256).to_jwk(KEYS["two"].public_key()))
    keys = [json.loads(text) | {"kid": name} for text, name in zip(made, KEYS, strict=True)]
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": keys}))
    return tmp_path / "jwks.json"


def token(kid: str = "one", signed_by: str = "", **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "shop",
        "exp": time.time() + 300,
        "scope": "millrace:predict other",
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    signer = signed_by or kid
    return jwt.encode(claims, KEYS[signer], algorithm=ALGORITHMS[signer], headers={"kid": kid})


def tokens(jwks: Path) -> Tokens:
    found = Tokens(Issuer(str(jwks), ISSUER, AUDIENCE))
    found.refresh()
    return found


@pytest.mark.parametrize("kid", KEYS)
def test_a_right_token_is_good_for_what_its_scope_says(jwks: Path, kid: str) -> None:
    key = tokens(jwks).find(token(kid, scope="millrace:feedback openid millrace:predict", millrace_models=["churn"]))
    assert isinstance(key, Key)
    assert (key.id, key.verbs, key.models) == ("shop", ("predict", "feedback"), ("churn",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"iss": "https://elsewhere.example.org"}, "[Ii]ssuer"),
        ({"aud": "another service"}, "[Aa]udience"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
    ],
)
def test_a_token_that_is_wrong_in_one_respect_is_not_taken(jwks: Path, changes: dict[str, Any], reason: str) -> None:
    found = tokens(jwks).find(token(**changes))
    assert isinstance(found, str)
    assert re.search(reason, found)


def test_signatures_are_checked_with_the_key_they_name(jwks: Path) -> None:
    good = tokens(jwks)
    assert isinstance(good.find(token("one", signed_by="two")), str)
    assert isinstance(good.find(token("three", signed_by="one")), str)
    head, _, signature = token().split(".")
    forged = token(scope="millrace:admin").split(".")[1]
    assert isinstance(good.find(f"{head}.{forged}.{signature}"), str)


def test_no_token_chooses_a_weaker_algorithm(jwks: Path) -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop", "exp": time.time() + 300, "scope": "millrace:admin"}
    for algorithm, key in (("none", None), ("HS256", "what everybody knows".ljust(64))):
        made = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "two"})
        assert isinstance(tokens(jwks).find(made), str)


def test_keys_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        tokens(tmp_path / "nowhere.json")
    (tmp_path / "jwks.json").write_text("{}")
    with pytest.raises(UsageError, match="holds no keys"):
        tokens(tmp_path / "jwks.json")
    with pytest.raises(RemoteError, match="cannot be read"):
        Tokens(Issuer("http://127.0.0.1:9/jwks", ISSUER, AUDIENCE)).refresh()


def test_a_real_server_takes_tokens_for_what_they_are_good_for(jwks: Path, tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path / "store"))
    settings = {"port": 0, "tokens": {"keys": str(jwks), "issuer": ISSUER, "audience": AUDIENCE}}
    with (
        serving(tmp_path / "store", version=1, settings=json.dumps(settings)) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        asked = {
            "right": token(),
            "twice": token(),
            "feedback": token(scope="millrace:feedback"),
            "other model": token(millrace_models="pricing"),
            "expired": token(exp=1_000_000_000),
            "none": "",
        }
        answers = {
            name: client.post("/predict", json=ROW, headers={"Authorization": f"Bearer {secret}"} if secret else {})
            for name, secret in asked.items()
        }
        statuses = {name: answer.status_code for name, answer in answers.items()}
        assert statuses == {
            "right": 200,
            "twice": 200,
            "feedback": 403,
            "other model": 403,
            "expired": 401,
            "none": 401,
        }
        assert answers["expired"].json()["error"]["code"] == "access.token"
        assert client.get("/healthz").status_code == 200
