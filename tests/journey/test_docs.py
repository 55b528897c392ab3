"""Generated pages say what the code says."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from millrace.config.load import load
from millrace.sources import open_source

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["millrace.schema.json", "command-line.md"])
def test_the_page_is_up_to_date(page: str) -> None:
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    assert (DOCS / page).read_text(encoding="utf-8") == build.PAGES[page](), "run `make docs`"


def blocks(page: str) -> list[str]:
    """The YAML of a page that shows sources."""
    found = re.findall(r"^```yaml\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in found if block.startswith("sources:")]


SHOWN = [(page, at) for page in ("apis.md", "files.md") for at in range(len(blocks(page)))]


@pytest.mark.parametrize(("page", "at"), SHOWN)
def test_a_source_that_is_shown_can_be_written_so(page: str, at: int, tmp_path: Path) -> None:
    text = blocks(page)[at]
    path = tmp_path / "millrace.yaml"
    several = "dataset: {sql: select 1 as y}\n" if len(re.findall(r"^  \w+:$", text, re.MULTILINE)) > 1 else ""
    path.write_text(f"{text}{several}model: {{predict: y}}\n", encoding="utf-8")
    named = re.findall(r"\$\{(\w+)\}", text)
    settings = load(path, dict.fromkeys(named, "from-the-environment"))
    for name, source in settings.sources.items():
        if source.from_.startswith("http"):
            open_source(name, source, tmp_path)


def test_the_page_on_apis_shows_enough_to_be_checked() -> None:
    assert len(blocks("apis.md")) >= 8


@pytest.mark.parametrize("page", ["monitor.md", "train.md"])
def test_what_the_page_shows_happens(page: str) -> None:
    failed, tried = doctest.testfile(str(DOCS / page), module_relative=False)
    assert tried >= 5
    assert failed == 0
