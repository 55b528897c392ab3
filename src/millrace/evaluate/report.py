"""The report of a fitted model: one HTML file for everyone who has to decide about it.

It needs no network, follows the reader's light or dark setting, prints, and reads well aloud: every chart has a title,
a description and its numbers as a table. One script is in it, that of the threshold explorer; all else is still.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from html import escape
from importlib.resources import files

import numpy as np

from millrace import __version__
from millrace.errors import DataError
from millrace.evaluate.charts import behaviour, binary, multiclass, regression
from millrace.evaluate.charts.figure import Figure
from millrace.evaluate.page import figures, page, section
from millrace.evaluate.sections import explorer, honesty, measured, model, rows, verdict, weak_spots
from millrace.records.dataset import Dataset
from millrace.records.evaluation import Difference
from millrace.records.fit import Fit
from millrace.records.ingestion import Ingested
from millrace.records.package import PackageInfo
from millrace.records.release import GateVerdict


def render(
    fit: Fit,
    *,
    title: str,
    package: PackageInfo | None = None,
    ingested: Mapping[str, Ingested],
    gate: GateVerdict | None = None,
    comparison: Difference | None = None,
    learned_from: Dataset | None = None,
) -> str:
    """The whole report as HTML text.

    Parameters
    ----------
    fit
        The model, its evaluation, and the rows it was judged on.
    title
        The page's heading, such as the project's name.
    ingested
        What became of the rows of each source, by its name.
    gate, comparison
        What the release gate said, and the difference to the champion, where there is one.
    learned_from
        The version of the dataset that the rows are.

    Raises
    ------
    DataError
        When the test rows hold a class that the signature does not name.
    """
    evaluation, signature = fit.evaluation, fit.signature
    named = f"{package.name} version {package.version}" if package is not None else "not packaged yet"
    header = (
        f'<p class="kicker">Model report · {escape(named)}</p><h1>{escape(title)}</h1>'
        + verdict.verdict(evaluation, signature, gate)
        + verdict.key_figures(evaluation, gate, comparison)
    )
    truth = _values(fit) if signature.task == "regression" else _truth(fit)
    explored = explorer.explorer(fit, truth)
    body = "".join(
        (
            verdict.release(gate, comparison),
            measured.metrics(evaluation),
            honesty.costs(fit),
            measured.confusion(evaluation),
            measured.per_class(evaluation),
            explored,
            section("Curves", figures(_figures(fit, truth))),
            honesty.calibration(fit),
            honesty.surroundings(fit),
            weak_spots.slices(fit, truth),
            weak_spots.examples(fit, truth),
            model.importances(evaluation),
            model.behaviour(fit),
            model.ladder(fit),
            rows.data(ingested, fit, learned_from),
            rows.columns(signature),
            model.notes(fit),
        )
    )
    footer = f"<p>{escape(named)} · Millrace {__version__} · Python {platform.python_version()}</p>"
    script = files("millrace.evaluate").joinpath("report.js").read_text("utf-8") if explored else ""
    return page(title, header, body, footer, script)


def _values(fit: Fit) -> np.ndarray:
    values: np.ndarray = fit.test_rows[fit.signature.target].cast(float).to_numpy()
    return values


def _figures(fit: Fit, truth: np.ndarray) -> tuple[Figure, ...]:
    signature, answer = fit.signature, fit.answer
    if signature.task == "regression":
        if answer.value is None:
            return ()
        reach = None if fit.conformal is None else fit.conformal.reach
        return regression.figures(truth, answer.value.astype(np.float64), signature.target, reach)
    if answer.probabilities is None:
        return ()
    probabilities, before = answer.probabilities, fit.uncalibrated
    if signature.task == "binary":
        cut = 0.5 if fit.threshold is None else fit.threshold
        drawn = binary.figures(
            truth, probabilities[:, 1], cut, signature.classes, None if before is None else before[:, 1]
        )
    else:
        drawn = multiclass.figures(truth, probabilities, signature.classes, before)
    return drawn if answer.inside is None else (*drawn, behaviour.sizes(answer.inside.sum(axis=1)))


def _truth(fit: Fit) -> np.ndarray:
    """The class index of each test row."""
    classes = {name: i for i, name in enumerate(fit.signature.classes)}
    column = fit.labels()
    known = column.unique().to_list()
    strangers = sorted(set(known) - set(classes))
    if strangers:
        raise DataError(f"The test rows hold `{strangers[0]}`, which is not a class.", where="report", allowed=classes)
    place: np.ndarray = column.replace_strict(known, [classes[value] for value in known]).to_numpy()
    return place.astype(np.int64)
