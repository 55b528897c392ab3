import tomllib
from pathlib import Path

import pytest

from millrace.config.schema import SourceSettings
from millrace.errors import SourceError
from millrace.sources import open_source
from millrace.sources.registry import BUILT_IN, GROUP, kind_of


def test_the_built_in_kinds_are_the_declared_entry_points():
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"][GROUP] == dict(BUILT_IN)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("a.csv", "delimited"),
        ("data/*.TSV.gz", "delimited"),
        ("iris.data", "delimited"),
        ("events.jsonl", "ndjson"),
        ("events.ndjson.gz", "ndjson"),
        ("part-*.parquet", "parquet"),
    ],
)
def test_the_kind_follows_from_the_ending(location, kind):
    assert kind_of(location).name == kind


def test_an_unknown_scheme_is_refused_with_what_is_known(tmp_path):
    with pytest.raises(SourceError, match=r"No kind of source reads `gopher://x`.(.|\n)*\.parquet"):
        open_source("x", SourceSettings(**{"from": "gopher://x"}), tmp_path)
