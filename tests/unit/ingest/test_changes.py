"""What would stop an ingest is told by `check`, before any row is read."""

from __future__ import annotations

import pytest

from millrace.errors import ProjectFileError
from millrace.project import Project

FILE = "version: 1\nsources: {{shop: {{from: shop.csv, {rule}}}}}\nmodel: {{predict: plan}}\n"


def project(folder, rule, rows="1,2026-01-01,5,free\n2,2026-01-02,6,paid\n"):
    (folder / "shop.csv").write_text(f"id,day,age,plan\n{rows}")
    (folder / "millrace.yaml").write_text(FILE.format(rule=rule))
    return Project.load(folder / "millrace.yaml")


RIGHT = """required: [day], checks: {adult: age > 3}, unique: [id, day], expect: {fresh: {day: 2 days}},
retain: {for: 1 day, by: day}, columns: {age: {type: integer, missing: [x]}}, clean: [{drop_duplicates: id}],
pii: {age: mask}"""
WRONG = {
    "required: [dya]": "`dya` is not a column of this source",
    "checks: {adult: agee > 3}": "`agee` is not a column",
    "checks: {adult: plan > 3}": "`plan > 3` cannot be checked: cannot compare",
    "key: idd": "`idd` is not a column",
    "unique: dya": "`dya` is not a column",
    "expect: {fresh: {dya: 2 days}}": "`dya` is not a column",
    "expect: {fresh: {plan: 2 days}}": "`plan` holds no time",
    "retain: {for: 1 day, by: plan}": "`plan` is not a date or time",
    "clean: [{drop_duplicates: dya}]": "`dya` is not a column",
}


def test_rules_that_fit_are_right_before_and_after_the_first_ingest(tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_PII_KEY", "k" * 43)
    one = project(tmp_path, RIGHT)
    assert one.check().problems == ()
    one.ingest()
    assert one.check().problems == ()


@pytest.mark.parametrize(("rule", "said"), WRONG.items())
def test_a_rule_that_does_not_fit_is_told_and_keeps_rows_out(tmp_path, rule, said):
    one = project(tmp_path, rule)
    with pytest.raises(ProjectFileError, match=said):
        one.check()
    with pytest.raises(ProjectFileError, match=said):
        one.ingest()
    assert not (tmp_path / "store" / "tables" / "shop" / "_delta_log").exists()


@pytest.mark.parametrize("rule", [rule for rule in WRONG if "fresh" in rule or "retain" in rule])
def test_a_rule_that_does_not_fit_any_more_is_told_where_nothing_is_new(tmp_path, rule):
    project(tmp_path, "required: [day]").ingest()
    with pytest.raises(ProjectFileError, match=WRONG[rule]):
        project(tmp_path, rule).ingest()


@pytest.mark.parametrize("rule", [RIGHT.replace("pii: {age: mask}", ""), *list(WRONG)[2:6:3]])
def test_nothing_is_said_of_columns_without_rows(tmp_path, rule):
    assert project(tmp_path, rule, rows="").check().problems == ()
