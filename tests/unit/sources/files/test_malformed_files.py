"""Every file of the Pollock benchmark beside its clean counterpart: equal, or the missing rows are in quarantine."""

import csv
import json
from collections import Counter

import pytest

from millrace.config.schema import SourceSettings
from millrace.sources.files.delimited import DelimitedFormat
from millrace.sources.files.source import FileSource

#: Rows kept that the clean version has otherwise, and why; docs/files.md tells users the same.
KEPT_OTHERWISE = {
    "11": (11, "dashes are stored as U+0096"),
}


def source(path, schema=None):
    return FileSource("s", SourceSettings(**{"from": path.name}), path.parent, schema, DelimitedFormat)


def plain(row):
    """The row without what clean files change: line ends, and empty values that fill it up to the widest table."""
    values = [(value or "").strip().replace("\r\n", "\n") for value in row]
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def compared(path, clean):
    """Rows kept that are not in the clean file, rows of it that were not kept, and refused lines without a reason."""
    names = list(source(path).schema())
    batches = list(source(path, dict.fromkeys(names, "text")).batches(None))
    kept = Counter(plain(row) for batch in batches for row in batch.frame.rows())
    refused = [row for batch in batches for row in batch.refused.rows()]
    with clean.open(newline="", encoding="utf-8") as handle:
        stated = json.loads((clean.parents[1] / "parameters" / f"{clean.name}_parameters.json").read_text("utf-8"))
        rows = list(csv.reader(handle))
    # A clean file of a raw one without a header may have one that was made up.
    headed = int(stated["header_lines"]) > 0 or [name.strip() for name in rows[0]] == stated["column_names"]
    wanted = Counter(plain(row) for row in rows[headed:] if row)
    return (kept - wanted).total(), (wanted - kept).total(), refused


@pytest.mark.parametrize("kind", ["pollock-polluted", "pollock-survey-sample"])
def test_a_row_is_kept_as_in_the_clean_file_or_refused_with_a_reason(shared, kind):
    limit = csv.field_size_limit(1 << 30)
    folder, otherwise = shared / "malformed-csv" / kind, {}
    for path in sorted((folder / "csv").iterdir()):
        if not path.stat().st_size:
            continue
        over, under, refused = compared(path, folder / "clean" / path.name)
        assert under - over <= sum(raw.count("\n") + 1 for *_, raw in refused), path.name
        assert [row for row in refused if not (row[0] and row[2] and row[3])] == [], path.name
        if over:
            otherwise[path.name[:2] if kind == "pollock-survey-sample" else path.stem] = over
    csv.field_size_limit(limit)
    assert otherwise == {
        name: count for name, (count, _) in KEPT_OTHERWISE.items() if name[:2].isdigit() == (kind[8:] != "polluted")
    }
