from pathlib import Path

from millrace.package.card import render
from millrace.store.packages import decode

FIXTURES = Path(__file__).parent / "fixtures"


def test_the_card_says_what_the_manifest_says():
    manifest = decode((FIXTURES / "manifest-1.json").read_bytes(), "fixture")
    card = render(manifest, ["`id` is not used: it identifies rows."])
    assert card == (FIXTURES / "MODEL_CARD.md").read_text()
