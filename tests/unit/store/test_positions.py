import pytest

from millrace.errors import DataError
from millrace.store.objects import Store
from millrace.store.positions import LONG, LongTexts

POSITION = {"at": [7, None], "seen": [{"hashes": "a" * (LONG + 1)}, {"hashes": "b" * LONG}], "rows": 3}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_only_what_is_long_rests_apart(store):
    short = LongTexts(store, "orders").apart(POSITION)
    assert len(store.keys("positions/orders")) == 1
    assert short["seen"][1] == POSITION["seen"][1]
    assert len(str(short["seen"][0])) < 120
    assert LongTexts(store, "orders").whole(short) == POSITION


def test_a_text_is_written_once_and_named_alike_by_every_process(store):
    one, other = LongTexts(store, "orders"), LongTexts(store, "orders")
    assert one.apart(POSITION) == one.apart(POSITION) == other.apart(POSITION)
    assert len(store.keys("positions/orders")) == 1


def test_positions_without_long_texts_are_as_they_were(store):
    position = {"files": {"a.csv": 3}, "at": [1, {"decimal": "2"}]}
    texts = LongTexts(store, "orders")
    assert texts.apart(position) == texts.whole(position) == position
    assert store.keys("positions") == ()


@pytest.mark.parametrize("content", [None, b"changed"])
def test_a_text_that_is_gone_or_changed_is_an_error(store, content):
    short = LongTexts(store, "orders").apart(POSITION)
    (key,) = store.keys("positions/orders")
    store.delete([key])
    if content:
        store.write(key, content)
    with pytest.raises(DataError, match="is gone or changed"):
        LongTexts(store, "orders").whole(short)
