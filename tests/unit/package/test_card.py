from dataclasses import replace
from pathlib import Path

from millrace.package.card import render
from millrace.records.calibration import Calibration
from millrace.records.conformal import Surroundings
from millrace.records.costs import Costs
from millrace.records.metric import Metric
from millrace.records.weakest import Weakest, WeakGroup
from millrace.store.packages import decode

FIXTURES = Path(__file__).parent / "fixtures"


def test_the_card_says_what_the_manifest_says():
    manifest = decode((FIXTURES / "manifest-1.json").read_bytes(), "fixture")
    card = render(manifest, ["`id` is not used: it identifies rows."])
    assert card == (FIXTURES / "MODEL_CARD.md").read_text()


def test_the_card_tells_of_calibration_costs_and_sets():
    manifest = decode((FIXTURES / "manifest-1.json").read_bytes(), "fixture")
    spread = Metric(0.25, 0.2, 0.3)
    evaluation = replace(
        manifest.evaluation,
        metrics={**manifest.evaluation.metrics, "ece": Metric(0.01, 0.0, 0.03)},
        uncalibrated={"ece": Metric(0.08, 0.05, 0.11)},
        costs=Costs(((0.0, 1.0), (8.0, 0.0)), spread, {"no": spread, "yes": spread}),
        surroundings=Surroundings(0.9, Metric(0.91, 0.88, 0.93), Metric(1.2, 1.1, 1.3)),
        per_class={"no": dict.fromkeys(("precision", "recall", "specificity", "f1"), spread)},
        weakest=Weakest("brier", 0.1, 40, (WeakGroup("`age` is missing", 31, spread, spread),)),
    )
    card = render(replace(manifest, evaluation=evaluation, calibration=Calibration("temperature", (0.5,))))
    classes = manifest.signature.classes
    assert "| ece | 0.08 (0.05 … 0.11) | 0.01 (0 … 0.03) |" in card
    assert f"| `{classes[1]}` | 8 | 0 |" in card
    assert "| `no` | 0.25 (0.2 … 0.3) | 0.25" in card
    assert "40 groups by one or two columns were compared" in card
    assert "| `age` is missing | 31 | 0.25 (0.2 … 0.3) | 0.25 (0.2 … 0.3) |" in card
    assert "sets of 1.2 (1.1 … 1.3) classes, made to hold the truth in 90% of rows" in card
    assert "they held it in 0.91 (0.88 … 0.93)." in card
