"""Addresses: what is mailed, what is compared, what is refused, and how fast."""

from __future__ import annotations

import time

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from subscribers.address import LONGEST_NAME, Address, clean_name, parse
from subscribers.errors import InvalidAddress

LOCAL_PARTS = st.text("abcXYZ019.!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=70)
DOMAINS = st.text("abcXYZ019.-", min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org"),
        ("  Ann.Lee@Example.ORG\r\n", "Ann.Lee@example.org", "ann.lee@example.org"),
        ("ann+news@example.org", "ann+news@example.org", "ann+news@example.org"),
        ("o'neill@example.ie", "o'neill@example.ie", "o'neill@example.ie"),
        ("=x@example.org", "=x@example.org", "=x@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("Ann@BÜCHER.example", "Ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("JÜRGEN@example.de", "JÜRGEN@example.de", "jürgen@example.de"),
        ("Ju\u0308rgen@example.de", "Jürgen@example.de", "jürgen@example.de"),
        ("用户@例子.example", "用户@xn--fsqu00a.example", "用户@xn--fsqu00a.example"),
        ("trial@mail.test", "trial@mail.test", "trial@mail.test"),
    ],
    ids=lambda value: f"{ascii(value)[:24]} {len(value)}",
)
def test_an_address_has_one_spelling_to_mail_and_one_to_compare(
    text: str, email: str, key: str
) -> None:
    assert parse(text) == Address(email=email, key=key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ann",
        "ann@",
        "@example.org",
        "ann@@example.org",
        "ann@example",
        "ann@test",
        "ann@localhost",
        "ann@printer.local",
        "ann@site.onion",
        "ann@example..org",
        "ann@-example.org",
        "ann@example-.org",
        "ann@example.org.",
        "ann@ab--cd.example",
        "ann@example.123",
        "ann@10.0.0.1",
        "ann@[10.0.0.1]",
        ".ann@example.org",
        "ann.@example.org",
        "a..n@example.org",
        '"ann lee"@example.org',
        "Ann <ann@example.org>",
        "ann@example.org, bob@example.org",
        "ann lee@example.org",
        "ann@exam ple.org",
        "ann@example.org\nBcc: bob@example.org",
        "ann\r\n@example.org",
        "ann\0@example.org",
        "ann@example.org\0",
        "ann\u200b@example.org",
        "ann\u202e@example.org",
        "\U0001f600@example.org",
        "ann@\U0001f600.example",
        "ann\uff20example.org",
        "ann@xn--.example",
        "ann@xn--0.example",
        "a" * 65 + "@example.org",
        "é" * 33 + "@example.org",
        "ann@" + "a" * 64 + ".example",
        "a" * 60 + "@" + "b." * 100 + "example",
    ],
    ids=lambda value: f"{ascii(value)[:24]} {len(value)}",
)
def test_what_cannot_be_mailed_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "a@" * 500_000, "é" * 1_000_000, "a@" + "b." * 500_000 + "org"],
    ids=["one letter", "many @", "not ASCII", "many labels"],
)
def test_a_megabyte_is_refused_at_once_in_a_short_sentence(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidAddress, match="longer than 254") as caught:
        parse(text)
    assert time.process_time() - started < 0.1
    assert len(str(caught.value)) < 200


def test_a_refusal_shows_control_characters_escaped() -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse("ann@example.org\nBcc: bob@example.org")
    assert "\n" not in str(caught.value)


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_an_invalid_one(text: str) -> None:
    try:
        found = parse(text)
    except InvalidAddress:
        return
    assert found.key.count("@") == 1
    assert len(found.email) <= 320


@given(LOCAL_PARTS, DOMAINS)
def test_the_quick_path_says_what_the_library_says(local_part: str, domain: str) -> None:
    text = f"{local_part}@{domain}"
    try:
        found = parse(text)
    except InvalidAddress:
        return
    theirs = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    assert found.email == f"{theirs.local_part}@{theirs.ascii_domain}"


@given(st.emails() | st.builds("{}@bücher.example".format, st.text(min_size=1, max_size=20)))
def test_a_parsed_address_parses_to_itself(text: str) -> None:
    try:
        found = parse(text)
    except InvalidAddress:
        return
    assert parse(found.email) == found
    assert parse(found.key).key == found.key
    assert found.email == found.email.strip()


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Ann  Lee ", "Ann Lee"),
        ("Ann\r\nBcc: bob@example.org", "Ann Bcc: bob@example.org"),
        ("Ann\0Lee", "Ann Lee"),
        ("Ann \u202eeeL", "Ann eeL"),
        ("Zoë 李 😀", "Zoë 李 😀"),
        ("\ud800", ""),
    ],
    ids=ascii,
)
def test_a_name_stays_on_one_line(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@given(st.text(max_size=300))
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    name = clean_name(text)
    assert clean_name(name) == name
    assert len(name) <= LONGEST_NAME
    assert name.isprintable() or not set(name) & {"\n", "\r", "\0"}
