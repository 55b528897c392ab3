import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from millrace.errors import DataError
from millrace.evaluate.judge import compare, judge
from millrace.evaluate.report import render
from millrace.evaluate.sections.rows import columns
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


def test_nothing_is_fetched_and_nothing_runs(html):
    assert not re.search(r"(?:src|href)=|@import|<script|<link|<img|url\((?!#)", html.replace("xlink:href=", ""))
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
    assert "<script" not in html
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
