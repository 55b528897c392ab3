"""Every example of docs/rules.md does what the page says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import polars as pl
import pytest

from millrace.config.schema import SourceSettings
from millrace.config.tree import parse
from millrace.ingest.quarantine import landed_rows
from millrace.ingest.stage import ingest, ingest_source
from millrace.store.tables import Table
from unit.ingest.intake import Listed

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
EXAMPLES = re.findall(r"### ([^\n]+)\n[^#]*?```yaml\n(.*?)```\n\n((?:    [^\n]*\n)+)", PAGE.read_text(), re.DOTALL)


def test_the_page_has_examples():
    assert len(EXAMPLES) == PAGE.read_text().count("\n### ")


@pytest.mark.parametrize(("name", "rules", "table"), EXAMPLES, ids=[name for name, *_ in EXAMPLES])
def test_each_row_becomes_what_the_page_says(name, rules, table, store, tmp_path):
    (column, _), *rows = [[cell.strip() for cell in line.split("→")] for line in table.splitlines()]
    texts = [("" if text == "''" else text, at) for at, (text, _) in enumerate(rows, 1)]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([(column, "at"), *texts])
    customers = Listed([pl.DataFrame({"id": [7, 8]})])
    ingest_source(customers, "customers", SourceSettings.model_validate({"from": "memory"}), store, "first")
    settings = SourceSettings.model_validate({**parse(rules, "rules.md", {}).value, "from": "rows.csv", "header": True})
    done = ingest("s", settings, store, tmp_path, "run")
    kept = {row["at"]: shown(row[column]) for row in Table(store, "tables/s").read().to_dicts()}
    refused = dict(landed_rows(store, "s").select("_row", "_reasons").collect().iter_rows())
    became = [kept.get(at) or refused.get(at, "duplicate") for at in range(1, len(rows) + 1)]
    assert became == [told for _, told in rows]
    assert done.read == len(rows)


def shown(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_what_the_page_expects_of_a_load_is_a_right_section():
    (block,) = re.findall(r"\n    expect:\n((?:      [^\n]*\n)+)", PAGE.read_text())
    said = parse("expect:\n" + block, "rules.md", {}).value
    expect = SourceSettings.model_validate({**said, "from": "rows.csv"}).expect
    assert (expect.rows, expect.rows_change, expect.quarantined) == ("1000 to 2000", "< 50%", "< 5%")
    assert expect.fresh == {"order_date": 172800.0}
