from __future__ import annotations

import email
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.deliver.message import as_bytes, build, encoded, one_line
from flows.deliver.payload import payload
from flows.errors import Refused
from flows.models import Batch, Mail, Recipient
from tests.people import MAIL, NOW, TAG

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

READER = Recipient(
    subscriber_id=7,
    email="reader@example.org",
    unsubscribe_url="https://weekly.example.org/u/" + "t" * 120,
    name="Ada Reader",
)


def written(mail: Mail = MAIL, reader: Recipient = READER, **options: object) -> bytes:
    settings = {"date": NOW, "message_id_domain": "", "list_unsubscribe": True, **options}
    return as_bytes(build(mail, reader, **settings))  # type: ignore[arg-type]  # the test's choice


def read(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=default)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content


def test_a_message_says_who_what_and_when() -> None:
    message = read(written())
    assert message["From"] == "The Weekly <weekly@example.org>"
    assert message["Reply-To"] == "editor@example.org"
    assert message["To"] == "Ada Reader <reader@example.org>"
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == NOW
    assert message["List-Id"] == '"The Weekly" <newsletter.example.org>'


def test_the_text_comes_before_the_html() -> None:
    kinds = [one.get_content_type() for one in read(written()).iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert read(written()).get_content_type() == "multipart/alternative"


def test_every_message_has_the_one_click_pair() -> None:
    message = read(written())
    assert message["List-Unsubscribe"] == f"<{READER.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_long_unsubscribe_link_stays_in_one_piece() -> None:
    line = f"List-Unsubscribe: <{READER.unsubscribe_url}>\r\n".encode()
    assert line in written()


def test_the_pair_can_be_left_out() -> None:
    message = read(written(list_unsubscribe=False))
    assert message["List-Unsubscribe"] is None


def test_each_recipient_has_their_own_link_in_both_parts() -> None:
    message = read(written())
    assert f"Leave: {READER.unsubscribe_url}" in part(message, "plain")
    assert f'href="{READER.unsubscribe_url}"' in part(message, "html")
    assert TAG.encode() not in written()


def test_a_link_is_escaped_in_html_only() -> None:
    message = read(written(reader=READER._replace(unsubscribe_url="https://x.org/u?a=1&b=2")))
    assert "https://x.org/u?a=1&amp;b=2" in part(message, "html")
    assert "https://x.org/u?a=1&b=2" in part(message, "plain")


def test_an_id_is_the_same_for_the_same_issue_and_subscriber() -> None:
    def identity(mail: Mail, reader: Recipient) -> str:
        return str(read(written(mail, reader))["Message-ID"])

    assert identity(MAIL, READER) == identity(MAIL, READER._replace(email="new@example.org"))
    assert identity(MAIL, READER) != identity(replace(MAIL, issue=43), READER)
    assert identity(MAIL, READER) != identity(MAIL, READER._replace(subscriber_id=8))
    assert identity(MAIL, READER).endswith("@example.org>")


def test_a_domain_of_ones_own_is_used() -> None:
    message = read(written(message_id_domain="mail.bücher.example"))
    assert message["Message-ID"].endswith("@mail.xn--bcher-kva.example>")


def test_the_mails_own_headers_are_kept() -> None:
    mail = replace(MAIL, headers=(("List-Id", "Ours <weekly.example.org>"), ("X-Issue", "42")))
    message = read(written(mail))
    assert message.get_all("List-Id") == ["Ours <weekly.example.org>"]
    assert message["X-Issue"] == "42"


@pytest.mark.parametrize("text", ["a" * 3000, "ü" * 3000, ("word " * 800).strip()])
def test_no_line_is_too_long_for_smtp(text: str) -> None:
    mail = replace(MAIL, subject=text, text=text, html=f"<p>{text}</p>")
    data = written(mail)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert part(read(data), "plain").strip() == text


def test_a_line_break_in_a_header_starts_no_other_header() -> None:
    mail = replace(MAIL, subject="Hello\r\nBcc: all@example.org", sender="A\nB <a@example.org>")
    message = read(written(mail, READER._replace(name="Ada\r\nCc: x@example.org")))
    assert message["Bcc"] is None
    assert message["Cc"] is None
    assert message["Subject"] == "Hello Bcc: all@example.org"


def test_an_address_outside_ascii_is_written_as_it_is() -> None:
    data = written(reader=READER._replace(email="ügur@bücher.example", name=""))
    assert "To: ügur@xn--bcher-kva.example\r\n".encode() in data


@pytest.mark.parametrize("address", ["a b@@c", "a@" + "ü" * 80, "no domain"])
def test_an_address_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        written(reader=READER._replace(email=address))


UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


AWKWARD = (
    "=?utf-8?q?not_encoded?= by us",
    "日本語の件名 " * 30,
    "日本語 mixed with words " * 20,
    "\U0001f469\u200d\U0001f4bb builds " * 20,
    "a" * 2000,
    "ü" * 500,
    "Müller, Ada",
    'Ada "the \\ Reader" Müller',
    'Ada "the \\ Reader" Miller',
    "Ada <ada@example.org>, Bob",
    "Größe",
    "words of one line " * 20,
)


def each_awkward(test: Callable[[str], None]) -> Callable[[str], None]:
    for text in AWKWARD:
        test = example(text)(test)
    return test


def old_style(data: bytes, name: str) -> str:
    """A header as the standard library's other reader has it, an oracle of its own making."""
    value: str = email.message_from_bytes(data)[name]
    return "".join(value.split("\r\n"))


def decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


@given(UNICODE)
@each_awkward
def test_any_text_can_be_a_subject(subject: str) -> None:
    data = written(replace(MAIL, subject=subject))
    assert read(data)["Subject"] == one_line(subject)
    assert decoded(old_style(data, "Subject")) == one_line(subject)


@given(UNICODE)
@each_awkward
def test_any_text_can_be_a_name(name: str) -> None:
    data = written(
        replace(MAIL, headers=(("List-Id", f"{one_line(name)} <x.example.org>"),)),
        READER._replace(name=name),
    )
    found, address = parseaddr(old_style(data, "To"))
    assert (decoded(found), address) == (one_line(name), READER.email)
    [modern] = read(data)["To"].addresses
    assert modern.addr_spec == READER.email
    assert old_style(data, "List-Id").endswith("<x.example.org>")


@given(UNICODE)
@each_awkward
def test_headers_are_ascii_in_lines_that_fit_and_words_that_stand_alone(text: str) -> None:
    data = written(replace(MAIL, subject=text), READER._replace(name=text))
    head, _, _ = data.partition(b"\r\n\r\n")
    assert head.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if b"=?utf-8?" in line)
    for word in re.findall(rb"=\?utf-8\?[bq]\?[^? ]*\?=", head):
        # RFC 2047: 75 characters at most (2), and no character split between two (5).
        assert len(word) <= 75
        [(content, charset)] = decode_header(word.decode("ascii"))
        assert content.decode(charset)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert "\n" not in one_line(text)
    assert "\r" not in one_line(text)
    assert one_line(one_line(text)) == one_line(text)


def test_a_header_outside_ascii_is_encoded() -> None:
    assert encoded("plain") == "plain"
    assert encoded("Größe") == "=?utf-8?b?R3LDtsOfZQ==?="
    assert encoded('"Größe" <newsletter.example.org>').endswith("?= <newsletter.example.org>")


# --- SendGrid's request body ---

OTHER = READER._replace(subscriber_id=8, email="other@example.org", name="Doe, John; Jr")


def body(*, unsubscribe: str = "web") -> dict[str, object]:
    return payload(MAIL, Batch(id=17, recipients=(READER, OTHER)), unsubscribe=unsubscribe)


def people(*, unsubscribe: str = "web") -> list[dict[str, object]]:
    found = body(unsubscribe=unsubscribe)["personalizations"]
    assert isinstance(found, list)
    return found


def test_everybody_has_a_personalization_of_their_own_in_order() -> None:
    assert [one["to"] for one in people()] == [
        [{"email": "reader@example.org", "name": "Ada Reader"}],
        [{"email": "other@example.org", "name": '"Doe, John; Jr"'}],
    ]


def test_every_personalization_has_the_one_click_pair() -> None:
    for one in people():
        assert one["headers"] == {
            "List-Id": '"The Weekly" <newsletter.example.org>',
            "List-Unsubscribe": f"<{READER.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        assert one["substitutions"] == {TAG: READER.unsubscribe_url}


def test_arguments_name_the_delivery_and_never_an_address() -> None:
    assert people()[0]["custom_args"] == {"np_issue": "42", "np_batch": "17", "np_rcpt": "7"}


def test_tracking_is_off() -> None:
    assert body()["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
    }


def test_sendgrids_own_unsubscribing_takes_our_tags_place() -> None:
    tracking = body(unsubscribe="sendgrid")["tracking_settings"]
    assert isinstance(tracking, dict)
    assert tracking["subscription_tracking"] == {"enable": True, "substitution_tag": TAG}
    for one in people(unsubscribe="sendgrid"):
        assert "substitutions" not in one
        assert list(one["headers"]) == ["List-Id"]  # type: ignore[call-overload]  # a dict


def test_the_mail_is_the_same_for_all() -> None:
    found = body()
    assert found["from"] == {"email": "weekly@example.org", "name": "The Weekly"}
    assert found["reply_to"] == {"email": "editor@example.org"}
    assert found["content"] == [
        {"type": "text/plain", "value": MAIL.text},
        {"type": "text/html", "value": MAIL.html},
    ]
    assert "send_at" not in found
