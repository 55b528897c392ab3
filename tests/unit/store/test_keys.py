from __future__ import annotations

from pathlib import Path

import pytest

from millrace.errors import MillraceError, UsageError
from millrace.store.keys import KeyRing, create, listed, revoke
from millrace.store.objects import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def ring(store: Store) -> KeyRing:
    ring = KeyRing(store)
    ring.refresh()
    return ring


def test_a_secret_rests_nowhere_and_shows_in_no_repr(store: Store) -> None:
    made = create(store, "shop", ["predict"], "ada")
    drawn = made.secret.split("_", 2)[2]
    assert len(drawn) == 43
    assert drawn not in repr(made)
    rests = b"".join(path.read_bytes() for path in Path(store.url).rglob("*") if path.is_file())
    assert b"shop" in rests
    assert drawn.encode() not in rests


@pytest.mark.parametrize("change", [lambda s: s + "A", lambda s: s[:-1], lambda s: s.swapcase(), lambda s: ""])
def test_only_the_whole_secret_opens(store: Store, change: object) -> None:
    made = create(store, "shop", ["predict"], "ada")
    assert ring(store).find(made.secret) == made.key
    assert ring(store).find(change(made.secret)) is None  # type: ignore[operator]


def test_the_secret_of_one_key_does_not_open_as_another(store: Store) -> None:
    one, two = (create(store, name, ["predict"], "ada") for name in ("one", "two"))
    _, _, drawn = one.secret.split("_", 2)
    assert ring(store).find(f"millrace_{two.key.id}_{drawn}") is None


def test_a_revoked_key_opens_nothing_and_stays_listed(store: Store) -> None:
    made = create(store, "shop", ["feedback", "predict"], "ada")
    before = ring(store)
    ended = revoke(store, made.key.id, "bob")
    assert ended.revoked
    assert listed(store) == (ended,)
    assert revoke(store, made.key.id, "eve").revoked == ended.revoked
    before.refresh()
    assert before.find(made.secret) is None
    assert ended.verbs == ("predict", "feedback")


def test_a_damaged_revocation_still_revokes(store: Store) -> None:
    made = create(store, "shop", ["predict"], "ada")
    store.write(f"keys/{made.key.id}.revoked.json", b"\xff")
    assert ring(store).find(made.secret) is None


def test_a_damaged_key_is_named_and_what_was_known_stays(store: Store) -> None:
    made = create(store, "shop", ["predict"], "ada")
    known = ring(store)
    store.write("keys/other.json", b"{")
    with pytest.raises(MillraceError, match=r"The key `keys/other\.json` cannot be read"):
        known.refresh()
    assert known.find(made.secret) == made.key


@pytest.mark.parametrize("verbs", [["predcit"], []])
def test_a_key_for_an_unknown_verb_is_not_made(store: Store, verbs: list[str]) -> None:
    with pytest.raises(UsageError, match=r"A key cannot be good for (predcit|nothing)"):
        create(store, "shop", verbs, "ada")
    assert listed(store) == ()


def test_an_unknown_key_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no key abc"):
        revoke(store, "abc", "ada")
