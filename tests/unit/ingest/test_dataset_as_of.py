"""An as-of join in `dataset.sql` takes the newest value known at the moment, never a later one."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from millrace.config.schema import ProjectSettings
from millrace.ingest.dataset import dataset
from millrace.store.tables import Table

SQL = """
select o.id, o.at, p.price from orders o
asof left join prices p on o.item = p.item and o.at >= p.at
"""


def test_no_value_from_the_future_leaks_into_the_past(store):
    day = [datetime(2026, 5, number) for number in range(1, 7)]
    orders = {"id": [1, 2, 3, 4], "item": ["a", "a", "a", "b"], "at": [day[0], day[2], day[3], day[5]]}
    prices = {"item": ["a", "a", "b"], "at": [day[1], day[3], day[0]], "price": [10.0, 20.0, 7.0]}
    for name, rows in {"orders": orders, "prices": prices}.items():
        table = Table(store, f"tables/{name}")
        table.append(table.snapshot(), pl.DataFrame(rows), number=1 << 32)
    settings = ProjectSettings.model_validate(
        {
            "sources": {name: {"from": "x.csv"} for name in ("orders", "prices")},
            "dataset": {"sql": SQL},
            "model": {"predict": "price"},
        }
    )
    rows, _ = dataset(settings, store)
    # Order 1 is older than every price; order 3 falls on the very moment of a price.
    assert rows.sort("id")["price"].to_list() == [None, 10.0, 20.0, 7.0]
