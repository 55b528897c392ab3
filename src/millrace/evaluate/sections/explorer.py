"""What another threshold would give: a slider over the test rows, that also says something where no script runs."""

from __future__ import annotations

import json
from html import escape

import numpy as np

from millrace.evaluate.intervals import wilson
from millrace.evaluate.page import code, number, section
from millrace.records.fit import Fit

#: The slider's places: even ones, and ones where scores lie.
_EVEN, _AT_SCORES = 201, 200


def explorer(fit: Fit, truth: np.ndarray) -> str:
    """The explorer of a model that tells two classes apart; empty without scores, or where one class is absent."""
    if fit.signature.task != "binary" or fit.answer.probabilities is None or len(np.unique(truth)) < 2:
        return ""
    score, cut = fit.answer.probabilities[:, 1], 0.5 if fit.threshold is None else fit.threshold
    points = _points(score, truth, cut)
    chosen = next(i for i, point in enumerate(points) if point[0] >= round(cut, 5))
    positives, negatives = int(truth.sum()), int((truth == 0).sum())
    data = (
        f'data-points="{escape(json.dumps(points, separators=(",", ":")))}" data-positives="{positives}" '
        f'data-negatives="{negatives}" data-chosen="{chosen}"'
    )
    body = (
        f'<div class="explorer" {data}>{_controls(len(points), chosen, fit)}'
        f"{_scores(points[chosen], positives, negatives)}{_counts(points[chosen], positives, negatives, fit)}</div>"
    )
    note = "Counts on the test rows. Choose the threshold in the project file with `threshold` or `cost`, not here."
    return section("Try another threshold", body, note=note)


def _points(score: np.ndarray, truth: np.ndarray, cut: float) -> list[tuple[float, int, int]]:
    """Threshold, positives found and rows called at each place of the slider."""
    spread = np.quantile(score.astype(np.float64), np.linspace(0, 1, _AT_SCORES))
    places = np.unique(np.concatenate([np.linspace(0, 1, _EVEN), spread, [cut]]).round(5))
    everyone, positives = np.sort(score), np.sort(score[truth == 1])
    exact = np.where(places == round(cut, 5), np.float32(cut), places.astype(np.float32))
    called = len(everyone) - np.searchsorted(everyone, exact, side="left")
    found = len(positives) - np.searchsorted(positives, exact, side="left")
    return list(zip(places.tolist(), found.tolist(), called.tolist(), strict=True))


def _controls(places: int, chosen: int, fit: Fit) -> str:
    alarm, miss = (fit.costs[0][1], fit.costs[1][0]) if fit.costs else (1.0, 1.0)
    amounts = "".join(
        f'<label>{name} costs <input type="number" min="0" step="any" value="{value:g}" data-is="{key}"></label>'
        for name, value, key in (("a false alarm", alarm, "alarm-cost"), ("a miss", miss, "miss-cost"))
    )
    return (
        f'<div class="controls" hidden><label class="slide">threshold <b data-is="cut"></b>'
        f'<input type="range" min="0" max="{places - 1}" step="1" value="{chosen}" data-is="slider"></label>'
        f'<div class="costs">{amounts}<button type="button" data-is="cheapest">the cheapest</button>'
        '<button type="button" data-is="reset">as chosen</button></div></div>'
    )


def _scores(point: tuple[float, int, int], positives: int, negatives: int) -> str:
    cut, found, called = point
    wrong = called - found
    shares = {
        "precision": (found, called),
        "recall": (found, positives),
        "specificity": (negatives - wrong, negatives),
        "called": (called, positives + negatives),
    }
    tiles = [(name, _share(*shares[name]), name) for name in ("precision", "recall", "specificity")]
    f1 = f"{2 * found / (called + positives):.3f}" if found else "0"
    tiles += [("F1", f1, "f1"), ("called positive", _share(*shares["called"]), "called")]
    drawn = "".join(f'<div><dt>{name}</dt><dd data-is="{key}">{told}</dd></div>' for name, told, key in tiles)
    cost = '<div hidden><dt>cost per row</dt><dd data-is="cost"></dd></div>'
    return f'<dl class="key small" aria-live="polite">{drawn}{cost}</dl><p class="unseen">At {number(cut)}.</p>'


def _share(hits: int, rows: int) -> str:
    if not rows:
        return "none"
    low, high = wilson(hits, rows)
    return f"{hits / rows:.3f}<small>{low:.3f} to {high:.3f}</small>"


def _counts(point: tuple[float, int, int], positives: int, negatives: int, fit: Fit) -> str:
    _, found, called = point
    negative, positive = (code(name) for name in fit.signature.classes)
    rows = (
        (negative, ("tn", negatives - called + found), ("fp", called - found)),
        (positive, ("fn", positives - found), ("tp", found)),
    )
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f'<td class="number" data-is="{key}">{count:,}</td>' for key, count in cells)
        + "</tr>"
        for name, *cells in rows
    )
    head = "".join(f'<th scope="col" class="number">called {name}</th>' for name in (negative, positive))
    return (
        f'<div class="scroll"><table class="counts"><thead><tr><th scope="col">actual</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
