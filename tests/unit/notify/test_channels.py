"""What receivers get, over real sockets."""

import email
import email.policy
from dataclasses import replace

import pytest

from millrace.errors import RemoteError
from millrace.notify.registry import receivers
from millrace.records.spread import Spread

PLANS = Spread("plan", ("gold", "<b>`free`"), (0.75, 0.25), (0.5, 0.5))


def opened(kind, target):
    (receiver,) = receivers([{kind: target}]).values()
    return receiver.channel


def mail(url):
    return opened("email", {"to": ["ann@example.com", "bob@example.com"], "from": "m@example.com", "smtp": url})


def test_a_webhook_gets_the_whole_decision(http, message):
    opened("webhook", http.url).send(message)
    (got,) = http.got
    assert got["decision"] == "roll back"
    assert got["command"] == "millrace release rollback"
    assert (got["package"], got["version"], got["rows"]) == ("churn", 3, 12_400)
    assert got["title"] == "[churn] roll back: churn 3"
    assert "Since: 2026-05-03T02:00:00+00:00" in got["text"]
    assert "To do: millrace release rollback" in got["text"]
    assert http.keys == ["c0ffee/1"]


def test_slack_gets_text_in_which_data_can_call_nobody(http, message):
    opened("slack", http.url).send(replace(message, what="<!channel> & co"))
    (got,) = http.got
    assert "What: &lt;!channel&gt; &amp; co" in got["text"]
    assert got["blocks"][0]["text"]["text"] == "[churn] roll back: churn 3"
    assert "from 30 to &lt;3&gt; &amp; less" in got["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_an_answer_other_than_2xx_is_no_delivery_and_shows_no_secret(http, message, status):
    http.status = status
    with pytest.raises(RemoteError, match=f"127.0.0.1 answered {status}") as caught:
        opened("webhook", http.url).send(message)
    assert "s3cret" not in str(caught.value)
    assert len(http.got) == 1


def test_a_receiver_that_is_not_there_is_said_so(message):
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1 cannot be reached"):
        opened("webhook", "http://127.0.0.1:9/s3cret").send(message)


def test_a_mail_carries_the_decision_to_every_receiver(smtp, message):
    mail(smtp.url).send(replace(message, project="chu\nrn"))
    (got,) = smtp.got
    assert "Subject: [chu rn] roll back: churn 3" in got
    assert "To: ann@example.com, bob@example.com" in got
    assert "Message-ID: <c0ffee.1.202605031400000000@millrace.invalid>" in got
    assert "X-Millrace-Message: c0ffee/1" in got
    assert "To do: millrace release rollback" in got


def test_one_refused_receiver_is_said(smtp, message):
    smtp.refused.add("bob")
    with pytest.raises(RemoteError, match=r"refused bob@example\.com"):
        mail(smtp.url).send(message)


def test_a_mail_server_that_is_not_there_is_said_so(message):
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1 did not take the mail"):
        mail("smtp://127.0.0.1:9").send(message)


def test_a_password_is_not_sent_to_a_server_that_offers_no_login(smtp, message):
    with pytest.raises(RemoteError, match="did not take the mail") as caught:
        mail(smtp.url.replace("//", "//ann:hunter2@")).send(message)
    assert "hunter2" not in str(caught.value)
    assert not smtp.got


def test_every_channel_shows_how_the_column_moved(http, smtp, message):
    pictured = replace(message, picture=PLANS)
    opened("webhook", http.url).send(pictured)
    opened("slack", http.url).send(pictured)
    mail(smtp.url).send(pictured)
    plain, slack = http.got
    assert plain["picture"]["now"] == [0.5, 0.5]
    assert "75 %" in plain["text"]
    assert slack["blocks"][2]["text"]["text"].splitlines()[3].startswith("&lt;b&gt;'free'  █████▍")
    letter = email.message_from_string(smtp.got[0], policy=email.policy.default)
    assert "gold       ████████████████  75 %" in letter.get_body(("plain",)).get_content()
    page = letter.get_body(("html",)).get_content()
    assert "<td>&lt;b&gt;`free`</td>" in page
    assert page.count("width:160px") == 1
    assert page.count("width:107px") == 2
