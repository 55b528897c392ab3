from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from millrace.records.signature import Field
from millrace.serve import pages
from millrace.store.objects import Store
from serving import serving
from tiny_package import MANIFEST, publish_tiny


def test_a_category_cannot_end_the_script_it_stands_in() -> None:
    field = Field("plan", "category", categories=("</script><script>alert(1)</script>",))
    page = pages.form(replace(MANIFEST, signature=replace(MANIFEST.signature, inputs=(field,))))
    assert "alert(1)" in page
    assert page.count("<script>") == 1
    assert page.count("</script>") == 1


@pytest.mark.skipif(
    not shutil.which("chromium"), reason="Chromium is not installed; tests/services.sh installs it where it can"
)
def test_a_person_fills_the_form_and_sees_the_answer_what_moved_it_and_what_was_asked(tmp_path: Path) -> None:
    publish_tiny(Store(tmp_path / "store"))
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    with serving(tmp_path / "store", version=1) as server:
        page = f"{server.url}/#age=20&plan=gold&calls=3"
        command = [*browser, "--virtual-time-budget=10000", "--dump-dom", page]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        label = re.search(r'class="label">([^<]*)<', shown)
        assert label
        assert label.group(1) == "Yes"
        # sigmoid(3 + 2 - 2) = 0.953; calls unknown 0.5, plan unknown 0.731, age in the middle 0.401
        assert re.findall(r"<span>([a-z]+)</span><strong>([+-][\d.]+ points)", shown) == [
            ("age", "+55.1 points"),
            ("calls", "+45.3 points"),
            ("plan", "+22.2 points"),
        ]
        assert "age 20 · plan gold · calls 3" in shown
        refused = [*browser, "--virtual-time-budget=10000", "--dump-dom", f"{server.url}/#age="]
        shown = subprocess.run(refused, capture_output=True, text=True, timeout=120, check=True).stdout
        assert "age: It is missing, and the model needs it." in shown
