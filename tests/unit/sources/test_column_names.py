import pytest

from millrace.errors import SourceError
from millrace.sources.column_names import check_names


@pytest.mark.parametrize("name", ["*", "^a$", "^$", ""])
def test_a_name_that_reads_as_a_pattern_or_is_none_is_refused(name):
    with pytest.raises(SourceError, match=r"so it cannot be used") as caught:
        check_names(["a", name], "orders")
    assert (caught.value.code, f"`{name}`" in str(caught.value)) == ("source.column-name", name != "")


def test_names_that_only_look_odd_are_taken():
    check_names(["a.b", "a*", "**", "^a", "a$", '"; drop table x; --', " "], "orders")
