from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from millrace.errors import UsageError
from millrace.lineage.ask import ask
from millrace.lineage.graph import gather
from millrace.lineage.picture import as_page, as_svg, save
from unit.lineage.conftest import customers, ingest

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def graph(two_runs):
    return ask(gather(two_runs, ("customers", "tickets"), "churn"), None)


def boxes(svg):
    """Where each box stands, by its title."""
    return {
        box.find(f"{SVG}title").text: tuple(float(box.find(f"{SVG}rect").get(side)) for side in ("x", "y"))
        for box in ET.fromstring(svg).iter(f"{SVG}g")
    }


def test_every_node_is_a_box_and_no_two_overlap(graph):
    placed = boxes(as_svg(graph, "churn"))
    assert set(placed) == {node.name for node in graph.nodes}
    assert len(set(placed.values())) == len(placed)


def test_what_was_made_stands_to_the_right(graph):
    placed = boxes(as_svg(graph, "churn"))
    way = ["data/a.csv", "customers version 1", "dataset churn version 1", "run r1", "churn 1", "release 1"]
    across = [placed[name][0] for name in way]
    assert across == sorted(set(across))


def test_the_versions_of_a_table_stand_below_one_another(graph):
    placed = boxes(as_svg(graph, "churn"))
    tables = sorted((place[1], name) for name, place in placed.items() if " version " in name and "dataset" not in name)
    assert [name for _, name in tables] == ["customers version 1", "customers version 2", "tickets version 1"]


def test_the_way_to_the_focus_is_marked(graph):
    svg = as_svg(graph, "churn")
    assert re.search(r'class="box release focus"><title>release 1<', svg)
    assert re.search(r'class="box file near"><title>data/a.csv<', svg)
    assert re.search(r'class="box file far"><title>data/b.csv<', svg)


def test_the_page_needs_nothing_else_and_tells_the_same_in_words(graph):
    page = as_page(graph, "churn")
    assert not re.search(r'(?:src|href)="|@import|<script', page)
    assert '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="lineage-title lineage-text"' in page
    assert '<th scope="row">data/a.csv</th>' in page
    assert "2 files went into it; packages: churn 1." in page


def test_many_files_are_one_box(store):
    ingest(store, "customers", {f"f{i}.csv": customers(i + 5) for i in range(40)}, "r1")
    placed = boxes(as_svg(ask(gather(store, ("customers",), "churn"), None), "churn"))
    assert "35 more files" in placed
    assert len(placed) == 7


def test_names_from_the_world_are_text(store):
    ingest(store, "customers", {"<script>&.csv": customers(5)}, "r1")
    page = as_page(ask(gather(store, ("customers",), "churn"), None), "a & <b>")
    assert "<script" not in page


def test_another_ending_is_refused(graph, tmp_path):
    with pytest.raises(UsageError, match="cannot be drawn as"):
        save(graph, tmp_path / "x.png", "churn")
