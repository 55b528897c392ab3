"""Which channels a project file opens."""

import pytest

from millrace.errors import ProjectFileError
from millrace.notify.registry import receivers

MAIL = {"to": "a@example.com", "from": "m@example.com", "smtp": "smtp://mail.example.com"}


def test_each_line_is_a_channel_whose_name_stays_when_lines_change_places():
    lines = [{"webhook": "https://a.example/x"}, {"webhook": "https://b.example/y"}, {"email": MAIL}]
    names = list(receivers(lines))
    assert [name.split("-")[0] for name in names] == ["webhook", "webhook", "email"]
    assert list(receivers(lines[::-1])) == names[::-1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"webook": "https://a.example"}, "`webook` is no kind of notifier. Did you mean `webhook`"),
        ({"webhook": "a.example"}, "`webhook` needs the URL"),
        ({"slack": "file:///etc/passwd"}, "`slack` needs the URL"),
        ({"email": "a@example.com"}, "`email` needs `to`, `from` and `smtp`"),
        ({"email": MAIL | {"form": "x"}}, "knows no `form`. Did you mean `from`"),
        ({"email": MAIL | {"smtp": "mail.example.com:25"}}, "not the URL of a mail server"),
    ],
)
def test_a_line_that_cannot_be_meant_says_so(line, words):
    with pytest.raises(ProjectFileError, match=r"monitor\.alert") as caught:
        receivers([line])
    assert words in str(caught.value)
