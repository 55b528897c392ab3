from __future__ import annotations

from dataclasses import replace

from millrace.records.signature import Field
from millrace.serve import pages
from tiny_package import MANIFEST


def test_a_category_cannot_end_the_script_it_stands_in() -> None:
    field = Field("plan", "category", categories=("</script><script>alert(1)</script>",))
    page = pages.form(replace(MANIFEST, signature=replace(MANIFEST.signature, inputs=(field,))))
    assert "alert(1)" in page
    assert page.count("<script>") == 1
    assert page.count("</script>") == 1
