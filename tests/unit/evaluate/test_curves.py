import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from millrace.evaluate import curves

TRUTH, SCORE = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])


def test_roc_starts_at_nobody_and_ends_at_everybody():
    curve = curves.roc(TRUTH, SCORE)
    assert curve.x.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert curve.y.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_precision_recall_holds_every_positive_score():
    curve = curves.precision_recall(TRUTH, SCORE)
    assert curve.x.tolist() == [0.5, 1.0]
    assert curve.y == pytest.approx([1.0, 2 / 3])


def test_by_threshold_gives_what_each_threshold_would():
    by = curves.by_threshold(TRUTH, SCORE)
    assert by.threshold == pytest.approx([0.6, 0.225])
    assert by.f1 == pytest.approx([2 / 3, 0.8])


def test_many_rows_are_thinned_onto_the_true_curve():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 20_000)
    score = rng.normal(size=20_000) + truth
    score = (score - score.min()) / np.ptp(score)
    curve, (x, y, _) = curves.roc(truth, score), roc_curve(truth, score, drop_intermediate=False)
    assert len(curve.x) <= curves.POINTS
    points = set(zip(x.round(12), y.round(12), strict=True))
    assert set(zip(curve.x.round(12), curve.y.round(12), strict=True)) <= points
    ranked = curves.precision_recall(truth, score)
    precision, recall, _ = precision_recall_curve(truth, score)
    assert set(zip(ranked.x.round(12), ranked.y.round(12), strict=True)) <= set(
        zip(recall.round(12), precision.round(12), strict=True)
    )


def test_histogram_counts_outliers_in_the_outermost_bins():
    spread = curves.histogram(np.array([-9.0, 0.1, 0.6, 9.0]), 2, 0.0, 1.0)
    assert (spread.edges.tolist(), spread.shares.tolist()) == ([0.0, 0.5, 1.0], [0.5, 0.5])


def test_cloud_counts_every_row_once():
    grid = curves.cloud(np.array([0.0, 0.1, 1.0]), np.array([0.0, 0.1, 1.0]), 2)
    assert sorted(grid.rows.tolist()) == [1.0, 2.0]
