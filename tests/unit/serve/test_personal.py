"""Personal values of requests reach the model as it learned them, and the log never in plain."""

from __future__ import annotations

import numpy as np
import pytest

from millrace.privacy.columns import privacy
from millrace.privacy.keys import keys_of
from millrace.privacy.methods import hashing
from millrace.records.signature import Field, Signature
from millrace.serve.personal import Personal

KEY = "k" * 32
SIGNATURE = Signature(
    "regression",
    "y",
    (Field("phone", "number"), Field("age", "number"), Field("email", "text"), Field("plan", "category")),
)


@pytest.fixture
def personal() -> Personal:
    words = {"email": "hash", "phone": "drop", "unknown": "mask"}
    return Personal(SIGNATURE, privacy(words, {"MILLRACE_PII_KEY": KEY}, "serve"))


def test_a_text_is_hashed_as_ingestion_does_and_a_missing_one_stays_missing(personal: Personal) -> None:
    texts = np.array([["ada@x.org", "gold"], ["", "gold"]], dtype=object)
    hashed = hashing(keys_of(KEY))("ada@x.org")
    assert personal.texts(texts).tolist() == [[hashed, "gold"], ["", "gold"]]
    assert texts[0, 0] == "ada@x.org"


def test_a_personal_number_is_not_logged(personal: Personal) -> None:
    numbers = np.array([[7.0, 41.0]])
    assert np.isnan(personal.logged(numbers)[0, 0])
    assert personal.logged(numbers)[0, 1] == 41.0
    assert numbers[0, 0] == 7.0


def test_a_project_without_personal_columns_gets_its_very_matrices() -> None:
    nothing, numbers, texts = (
        Personal(SIGNATURE, privacy({}, {}, "serve")),
        np.ones((1, 2)),
        np.array([["a", "b"]], object),
    )
    assert nothing.texts(texts) is texts
    assert nothing.logged(numbers) is numbers
