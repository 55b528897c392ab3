import json
import re
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from millrace.errors import DataError
from millrace.evaluate.judge import compare, judge
from millrace.evaluate.report import render
from millrace.evaluate.sections.rows import columns
from millrace.records.calibration import Calibration
from millrace.records.conformal import Surroundings
from millrace.records.costs import Costs
from millrace.records.evaluation import Metric
from millrace.records.fit import Answer, Fit
from millrace.records.ingestion import Ingested
from millrace.records.package import PackageInfo
from millrace.records.release import GateVerdict
from millrace.records.signature import Field, Signature

VOID = {"meta", "br", "link", "img", "input"}
INPUTS = (Field("age", "number", low=18.0, high=90.0, example=41.0), Field("ward", "category", categories=("A", "B")))


class Page(HTMLParser):
    """What a browser would find: ids, headings, text, and whether every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.headings, self.tags, self.text = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def fitted(signature, truth, answer, names, threshold=None):
    evaluation = judge(truth, answer, signature, threshold=threshold)
    evaluation = replace(evaluation, importances={"age": Metric(0.1, 0.05, 0.15), "ward": Metric(0.0, -0.01, 0.01)})
    train = pl.DataFrame({signature.target: names})
    ladder = {"linear": evaluation, "trees": evaluation}
    return Fit(signature, (), threshold, evaluation, train, train, answer, ("A `note`.",), ladder)


def binary_fit(rows=300, target="ill", classes=("no", "yes")):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, rows)
    positive = 1 / (1 + np.exp(-(rng.normal(size=rows) + 2 * truth - 1)))
    answer = Answer(probabilities=np.stack([1 - positive, positive], axis=1).astype(np.float32))
    signature = Signature("binary", target, INPUTS, classes, classes[1])
    return fitted(signature, truth, answer, [classes[i] for i in truth], 0.4)


def many_fit():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 200)
    scores = np.exp(rng.normal(size=(200, 3)) + 2 * np.eye(3)[truth])
    answer = Answer(probabilities=(scores / scores.sum(axis=1, keepdims=True)).astype(np.float32))
    return fitted(Signature("multiclass", "kind", INPUTS, ("1", "2", "3")), truth, answer, (truth + 1).tolist())


def values_fit(rows=300):
    rng = np.random.default_rng(2)
    truth = rng.normal(size=rows) * 10
    answer = Answer(value=(truth + rng.normal(size=rows)).astype(np.float32))
    return fitted(Signature("regression", "price", INPUTS), truth, answer, truth.tolist())


INGESTED = {"visits": Ingested("visits", 1000, 900, 60, 40, 0, 3, reasons={"tenure_positive": 60})}


def rendered(fit, **more):
    return render(fit, **{"title": "Churn", "package": None, "ingested": INGESTED, **more})


@pytest.fixture(scope="module", params=[binary_fit, many_fit, values_fit], ids=["binary", "multiclass", "regression"])
def html(request):
    return rendered(request.param())


def test_the_page_is_well_formed_and_its_ids_are_unique(html):
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_fetched_and_only_the_script_that_the_page_names_may_run(html):
    assert not re.search(r"(?:\bsrc|href)=|@import|<link|<img|url\((?!#)", html.replace("xlink:href=", ""))
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert html.count("<script") == len(scripts) <= 1
    allowed = re.findall(r"script-src ([^\"]*)", html)
    assert allowed == [f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in scripts]
    assert set(re.findall(r"https?://[^\"' )<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(html) < 1_000_000


def test_charts_have_words_and_follow_the_page_colours(html):
    page = Page(html)
    pictures = [given for tag, given in page.tags if tag == "svg"]
    assert pictures
    for given in pictures:
        assert given["role"] == "img"
        assert set(given["aria-labelledby"].split()) <= set(page.ids)
    assert not re.search("#00000[1-9]", html)
    assert "var(--accent)" in html
    assert len(pictures) == html.count("<summary>The numbers</summary>")


def test_headings_descend_one_step_at_a_time(html):
    headings = Page(html).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_references_between_elements_hold(html):
    page = Page(html)
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(page.ids)


def test_the_verdict_gives_the_metric_its_interval_and_the_baseline():
    fit = binary_fit()
    metric = fit.evaluation.metrics["roc_auc"]
    expected = (
        f"This model tells whether ill is yes with roc_auc {metric.value:.3f} (95 % interval {metric.low:.3f} to "
        f"{metric.high:.3f}), clearly better than knowing only how often each class occurs (0.500); it passed its gate."
    )
    gate = GateVerdict(True, ("`roc_auc >= 0.8` holds.",))
    assert expected in Page(rendered(fit, gate=gate)).words


def test_a_model_that_learned_nothing_is_not_praised():
    truth = np.arange(100) % 2
    signature = Signature("binary", "ill", (), ("no", "yes"), "yes")
    coin = np.random.default_rng(5).random(100)
    fit = fitted(signature, truth, Answer(probabilities=np.stack([1 - coin, coin], 1)), ["no", "yes"] * 50, 0.5)
    assert "not clearly better than" in Page(rendered(fit)).words


def test_every_row_is_accounted_for():
    words = Page(rendered(binary_fit())).words
    assert "visits1,000900" in words.replace(" ", "")
    assert "visits: 60 rows refused by tenure_positive" in words


def test_release_evidence_is_shown():
    fit = values_fit()
    truth = fit.test_rows["price"].to_numpy()
    difference = compare(truth, fit.answer, Answer(value=truth[::-1]), fit.signature, "rmse")
    gate = GateVerdict(False, ("`r2 >= 0.999` fails.",))
    page = Page(rendered(fit, gate=gate, comparison=difference, package=PackageInfo("prices", 7, "/x")))
    assert "r2 >= 0.999 fails." in page.words
    assert "in rmse: better" in page.words
    assert "prices version 7" in page.words


def test_names_from_the_user_cannot_become_markup():
    fit = binary_fit(target="<img src=x>", classes=("<b>no", "\"'><script>"))
    html = rendered(fit, title="<script>alert(1)</script>")
    assert html.count("<script") == 1  # our own
    assert "<img" not in html
    assert Page(html).open == []


@pytest.mark.parametrize("fit", [binary_fit, values_fit], ids=["binary", "regression"])
def test_many_rows_do_not_make_a_large_file(fit):
    assert len(rendered(fit(rows=30_000))) < 400_000


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param(Field("a", "integer", low=18.0, high=1900.0), "18 to 1,900", id="whole"),
        pytest.param(Field("a", "number", low=-0.25, high=3.5), "\N{MINUS SIGN}0.250 to 3.500", id="fractions"),
        pytest.param(Field("a", "date", low=0.0, high=19723.0), "1970-01-01 to 2024-01-01", id="dates"),
        pytest.param(Field("a", "datetime", low=0.0, high=3660.0), "1970-01-01 00:00 to 1970-01-01 01:01", id="times"),
        pytest.param(Field("a", "category", categories=tuple("ABCDEFGH")), "A, B, C, D, E, F and 2 more", id="words"),
    ],
)
def test_columns_are_shown_in_the_users_words(field, expected):
    assert expected in Page(columns(Signature("regression", "price", (field,)))).words


def test_labels_alone_still_make_a_report():
    truth = np.array([0, 0, 1, 1, 1])
    signature = Signature("binary", "ill", (), ("no", "yes"), "yes")
    fit = fitted(signature, truth, Answer(label=np.array([0, 1, 1, 1, 0])), ["no", "no", "yes", "yes", "yes"])
    page = Page(rendered(fit))
    assert "Right and wrong" in page.words
    assert not [tag for tag, _ in page.tags if tag == "svg"]


def test_one_class_in_the_test_rows_still_makes_a_report():
    signature = Signature("binary", "ill", (), ("no", "yes"), "yes")
    answer = Answer(probabilities=np.tile([0.8, 0.2], (30, 1)))
    assert Page(rendered(fitted(signature, np.zeros(30, int), answer, ["no"] * 30, 0.5))).open == []


def test_a_class_that_the_signature_does_not_know_is_named():
    fit = binary_fit()
    strange = pl.DataFrame({"ill": ["maybe"] * fit.test_rows.height})
    with pytest.raises(DataError, match="`maybe`, which is not a class"):
        rendered(replace(fit, test_rows=strange))


@pytest.mark.parametrize(
    ("classes", "kind"), [(("false", "true"), pl.Boolean), (("0", "1"), pl.Float64), (("0", "1"), pl.Int8)]
)
def test_targets_that_are_no_texts_are_told_as_the_signature_writes_them(classes, kind):
    fit = binary_fit(classes=classes)
    truth = [name == classes[1] for name in fit.test_rows["ill"]]
    raw = replace(fit, test_rows=fit.test_rows.with_columns(ill=pl.Series(truth).cast(kind)))
    assert raw.truth().tolist() == fit.truth().tolist()
    assert rendered(raw) == rendered(fit)


def test_the_explorer_says_what_the_chosen_threshold_gives_even_without_a_script():
    fit = binary_fit()
    (_, false), (missed, found) = fit.evaluation.confusion
    html = rendered(fit)
    explorer = html[html.index('class="explorer"') : html.index("</section>", html.index('class="explorer"'))]
    assert f'<dd data-is="precision">{found / (found + false):.3f}<small>' in explorer
    assert f'data-is="fn">{missed}</td>' in explorer
    assert f'data-is="tp">{found}</td>' in explorer
    assert '<div class="controls" hidden>' in explorer


def test_the_explorer_counts_exactly_at_each_of_its_places():
    fit = binary_fit()
    points = json.loads(unescape(re.search(r'data-points="([^"]*)"', rendered(fit)).group(1)))
    truth, score = (fit.test_rows["ill"] == "yes").to_numpy(), fit.answer.probabilities[:, 1]
    for cut, found, called in points[:: len(points) // 20]:
        over = score >= np.float32(cut)
        assert (found, called) == (int((over & truth).sum()), int(over.sum()))


@pytest.mark.skipif(
    not shutil.which("chromium"), reason="Chromium is not installed; tests/services.sh installs it where it can"
)
def test_the_explorer_works_out_costs_in_a_browser(tmp_path):
    fit = replace(binary_fit(), costs=((0.0, 1.0), (8.0, 0.0)))
    (tmp_path / "report.html").write_text(rendered(fit))
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    asked = [*browser, "--dump-dom", f"file://{tmp_path}/report.html"]
    shown = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    (_, false), (missed, _) = fit.evaluation.confusion
    assert '<div class="controls" hidden' not in shown
    cost = re.search(r'data-is="cost">([^<]*)<', shown).group(1)
    assert float(cost) == pytest.approx((false + 8 * missed) / 300, rel=5e-3)


def test_costs_calibration_and_sets_have_their_sections():
    fit = binary_fit()
    spread = Metric(0.2, 0.1, 0.3, higher_is_better=False)
    evaluation = replace(
        fit.evaluation,
        costs=Costs(((0.0, 1.0), (8.0, 0.0)), spread, {"no": spread, "yes": spread}),
        uncalibrated=dict.fromkeys(("log_loss", "brier", "ece"), spread),
        surroundings=Surroundings(0.9, Metric(0.912, 0.88, 0.93), Metric(1.31, 1.2, 1.4), {"yes": spread}),
    )
    inside = np.ones((300, 2), bool)
    uncalibrated = fit.answer.probabilities**2
    page = Page(
        rendered(
            replace(
                fit,
                evaluation=evaluation,
                answer=replace(fit.answer, inside=inside),
                calibration=Calibration("temperature", (0.5,)),
                uncalibrated=uncalibrated / uncalibrated.sum(axis=1, keepdims=True),
                learning=((100, Metric(0.8, 0.7, 0.9)), (200, Metric(0.81, 0.7, 0.9))),
            )
        )
    )
    for told in ("always no", "calibrated by temperature", "Hollow points", "truth inside", "0.912", "More rows"):
        assert told in page.words


def test_the_rows_that_were_most_wrong_are_shown():
    fit = binary_fit()
    rows = fit.test_rows.with_columns(age=pl.int_range(pl.len()).cast(float), ward=pl.lit("A"))
    page = Page(rendered(replace(fit, test_rows=rows)))
    score, truth = fit.answer.probabilities[:, 1], (rows["ill"] == "yes").to_numpy()
    worst = int(np.argmax(np.where((score >= 0.4) != truth, (score - truth) ** 2, -1)))
    assert "Largest mistakes" in page.words
    assert f"{float(worst)}" in page.words


def test_a_weak_group_is_named_in_the_report():
    fit = values_fit(600)
    ward = ["A"] * 500 + ["B"] * 100
    value = fit.answer.value.copy()
    value[500:] += 20
    rows = fit.test_rows.with_columns(ward=pl.Series(ward), age=pl.lit(3.0))
    words = Page(rendered(replace(fit, test_rows=rows, answer=Answer(value=value)))).words
    assert "ward is B" in words
    assert "None is surely worse" not in words
