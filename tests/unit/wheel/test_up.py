import os

import pytest

from millrace.errors import SourceError
from millrace.project import Project
from millrace.store.tables import Table
from millrace.wheel.up import jobs

SOURCES = """
project: shop
sources:
  customers: {from: customers-*.csv}
  orders: {from: orders-*.csv, references: {customer: customers.id}}
  visits: {from: visits-*.csv}
dataset: {sql: select * from orders}
model: {predict: sold}
"""


def test_a_source_that_fails_holds_up_only_those_that_refer_to_it(tmp_path):
    def write(name, content):
        (tmp_path / name).write_text(content)
        os.utime(tmp_path / name, (0, 0))  # nobody is writing to it any more

    write("millrace.yaml", SOURCES)
    write("customers-1.csv", "id\n1\n2\n")
    write("orders-1.csv", "customer,sold\n1,5\n")
    write("visits-1.csv", "page\na\n")
    site = Project.load(tmp_path / "millrace.yaml")._site()
    ingest = jobs(site, by="ann")[0].work

    def held():
        return {name: Table(site.store, f"tables/{name}").snapshot().rows for name in ("customers", "orders", "visits")}

    ingest()
    assert held() == {"customers": 2, "orders": 1, "visits": 1}
    write("customers-1.csv", "id\n1\n2\n3\n")
    write("orders-2.csv", "customer,sold\n3,5\n")
    write("visits-2.csv", "page\nb\n")
    with pytest.raises(SourceError, match=r"`customers-1\.csv` grew"):
        ingest()
    assert held() == {"customers": 2, "orders": 1, "visits": 2}
    assert not Table(site.store, "quarantine/orders").snapshot().number
