"""A row whose key is in no row of the other table is refused; it moves in once that row is there."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from millrace.config.schema import ProjectSettings
from millrace.errors import DataError, ProjectFileError
from millrace.ingest import references as module
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.replay import replay
from millrace.ingest.stage import ingest_source
from millrace.project import Project
from millrace.store.objects import Store
from millrace.store.tables import Table
from unit.ingest.intake import Listed, settings

TO_CUSTOMERS = {"references": {"customer": "customers.id"}}


def bring(store, name, frames, run="run", **rules):
    return ingest_source(Listed(frames), name, settings(**rules), store, run)


def orders(*customers, **columns):
    return pl.DataFrame({"customer": customers, **columns})


def refused(store, name="orders"):
    return landed_rows(store, name).sort("_row").select("_row", "_reasons").collect().rows()


@pytest.fixture
def customers(store):
    bring(store, "customers", [pl.DataFrame({"id": [1, 2, 3]})])


@pytest.mark.usefixtures("customers")
class TestOrdersOfCustomers:
    def test_a_row_that_refers_to_nothing_is_refused(self, store):
        done = bring(store, "orders", [orders(1, 9, 3)], **TO_CUSTOMERS)
        assert (done.kept, done.quarantined, dict(done.reasons)) == (2, 1, {"references": 1})
        assert refused(store) == [(2, "references: customer = '9' is not in customers.id")]

    def test_later_batches_are_compared_as_the_first_is(self, store):
        bring(store, "orders", [orders(1, 9), orders(2, 8, 8), orders(7)], **TO_CUSTOMERS)
        assert [row for row, _ in refused(store)] == [2, 4, 5, 6]

    def test_a_missing_value_refers_to_nothing_and_passes(self, store):
        assert bring(store, "orders", [orders(None, 1)], **TO_CUSTOMERS).kept == 2

    def test_the_row_moves_in_once_the_other_has_arrived(self, store):
        bring(store, "orders", [orders(1, 9)], **TO_CUSTOMERS)
        assert replay("orders", settings(**TO_CUSTOMERS), store, "early").left == 0
        bring(store, "customers", [pl.DataFrame({"id": [1]}), pl.DataFrame({"id": [9]})])
        done = replay("orders", settings(**TO_CUSTOMERS), store, "later")
        assert (done.left, done.kept, done.remaining) == (1, 1, 0)

    def test_a_refused_row_takes_no_value_that_is_unique(self, store):
        bring(store, "orders", [orders(9, 1, number=[5, 5])], unique="number", **TO_CUSTOMERS)
        assert Table(store, "tables/orders").read()["customer"].to_list() == [1]

    def test_columns_may_have_any_name(self, store):
        frame = orders(9, 1, 1, taken=["a", "b", "b"], orphan=["c", "d", "e"])
        assert bring(store, "orders", [frame], unique="taken", **TO_CUSTOMERS).quarantined == 2

    def test_another_type_is_refused_with_what_helps(self, store):
        with pytest.raises(ProjectFileError, match=r"`customer` is text and `customers\.id` is integer") as caught:
            bring(store, "orders", [orders("1")], **TO_CUSTOMERS)
        assert "columns: {customer: {type: integer}}" in caught.value.next_step

    def test_a_column_that_is_not_there_is_named_with_the_nearest(self, store):
        with pytest.raises(ProjectFileError, match=r"`ident` is not a column of the table of `customers`"):
            bring(store, "orders", [orders(1)], references={"customer": "customers.ident"})
        with pytest.raises(ProjectFileError, match=r"`custmer` is not a column of this source") as caught:
            bring(store, "orders", [orders(1)], references={"custmer": "customers.id"})
        assert caught.value.nearest == "customer"


def test_before_the_other_source_was_ingested_nothing_is_refused(store):
    with pytest.raises(DataError, match="`customers`, of which nothing was ingested yet") as caught:
        bring(store, "orders", [orders(1)], **TO_CUSTOMERS)
    assert caught.value.next_step == "millrace ingest customers"
    assert not list(store.keys("tables"))


def test_texts_that_hash_alike_are_told_apart(store, monkeypatch):
    monkeypatch.setattr(
        module,
        "hashed",
        lambda values, exact: values.select(pl.lit(0, pl.UInt64)).to_series().to_numpy().repeat(values.height),
    )
    bring(store, "customers", [pl.DataFrame({"id": ["a", "b"]})])
    bring(store, "orders", [orders("a"), orders("b", "c")], **TO_CUSTOMERS)
    assert [row for row, _ in refused(store)] == [3]


def test_hashed_values_refer_by_their_hashes(store, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 43)
    bring(store, "customers", [pl.DataFrame({"id": ["ada", "bob"]})], pii={"id": "hash"})
    rules = TO_CUSTOMERS | {"pii": {"customer": "hash"}}
    bring(store, "orders", [orders("ada", "eve"), orders("eve", "bob")], **rules)
    assert [row for row, _ in refused(store)] == [2, 3]
    assert all("eve" not in reason for _, reason in refused(store))


@trying(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    there=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5),
    batches=st.lists(st.lists(st.none() | st.sampled_from("abcdefgh"), min_size=1, max_size=8), min_size=1, max_size=3),
    arrived=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3),
)
def test_every_row_is_in_one_place_before_and_after_the_others_arrive(tmp_path_factory, there, batches, arrived):
    store = Store(tmp_path_factory.mktemp("law"))
    frames = [pl.DataFrame({"id": there})]
    bring(store, "customers", frames)
    done = bring(
        store, "orders", [pl.DataFrame({"customer": b}, {"customer": pl.String}) for b in batches], **TO_CUSTOMERS
    )
    rows = [value for batch in batches for value in batch]
    assert done.kept == sum(value is None or value in there for value in rows)
    assert done.read == done.kept + done.quarantined == len(rows)
    bring(store, "customers", [*frames, pl.DataFrame({"id": arrived})])
    moved = replay("orders", settings(**TO_CUSTOMERS), store, "later")
    assert moved.kept == sum(value is not None and value not in there and value in arrived for value in rows)
    assert moved.remaining == done.quarantined - moved.kept


def project(**references):
    sources = {name: {"from": f"{name}.csv", "references": told} for name, told in references.items()}
    return ProjectSettings.model_validate(
        {"sources": sources, "dataset": {"sql": "select 1"}, "model": {"predict": "x"}}
    )


def test_a_source_is_ingested_behind_those_it_refers_to():
    told = project(items={"order": "orders.id"}, orders={"who": "people.id", "what": "goods.id"}, people={}, goods={})
    assert told.in_order == ("people", "goods", "orders", "items")


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ({"a": {"x": "b.id"}, "b": {"y": "c.id"}, "c": {"z": "b.id"}}, "circle, so no source can be first: b → c → b"),
        ({"a": {"boss": "a.id"}}, "first: a → a"),
        ({"a": {"x": "bee.id"}, "bees": {}}, "`a` refers to `bee.id`, and there is no source `bee`"),
        ({"a": {"x": "id"}}, "`id` names no column of a source"),
    ],
)
def test_references_that_cannot_be_followed_are_refused(references, said):
    with pytest.raises(ValueError, match=said):
        project(**references)


@pytest.mark.parametrize("words", [({}, {"id": "hash"}), ({"x": "hash"}, {}), ({"x": "mask"}, {"id": "mask"})])
def test_values_that_are_protected_otherwise_cannot_be_compared(words):
    child, parent = words
    sources = {"a": {"from": "a.csv", "references": {"x": "b.id"}, "pii": child}, "b": {"from": "b.csv", "pii": parent}}
    with pytest.raises(ValueError, match="they cannot be compared"):
        ProjectSettings.model_validate({"sources": sources, "dataset": {"sql": "select 1"}, "model": {"predict": "y"}})


def test_a_project_ingests_in_that_order_and_checks_the_columns(tmp_path):
    (tmp_path / "orders.csv").write_text("id,customer\n1,7\n2,8\n")
    (tmp_path / "customers.csv").write_text("id,name\n7,Ada\n")
    file = tmp_path / "millrace.yaml"
    text = """
sources:
  orders: {from: orders.csv, references: {customer: customers.id}}
  customers: {from: customers.csv}
dataset: {sql: select * from orders}
model: {predict: id}
"""
    file.write_text(text)
    assert [(one.source, one.kept, one.quarantined) for one in Project.load(file).ingest()] == [
        ("customers", 1, 0),
        ("orders", 1, 1),
    ]
    file.write_text(text.replace("customers.id", "customers.no"))
    assert Project.load(file).check().problems == (
        "sources.orders.references.customer: `no` is not a column of `customers`",
    )
