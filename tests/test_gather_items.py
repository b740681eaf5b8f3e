"""What makes two entries one item: guids, links, and absolute addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.items import absolute, distinct, host, identity, on_host, problems_of
from flows.models import Item


def item(guid: str, url: str = "", title: str = "t", summary: str = "") -> Item:
    return Item(feed="f", guid=guid, url=url, title=title, summary=summary)


def test_which_of_two_comes_first_changes_no_guid() -> None:
    one, two = item("g", "https://a.example/1"), item("g", "https://a.example/2")
    forward, backward = distinct([one, two])[0], distinct([two, one])[0]
    assert {found.guid for found in forward} == {found.guid for found in backward}
    assert "g" not in {found.guid for found in forward}


def test_the_same_entry_twice_is_one_item() -> None:
    same = item("g", "https://a.example/1")
    assert distinct([same, same]) == ([same], 1)


def test_two_titles_under_one_link_are_two_items() -> None:
    news = "https://a.example/news"
    found, repeated = distinct([item(news, news, "one"), item(news, news, "two")])
    assert (len(found), repeated) == (2, 0)


def test_without_links_the_text_tells_items_apart() -> None:
    found, repeated = distinct([item("g", summary="a"), item("g", summary="b")])
    assert (len(found), repeated) == (2, 0)


def test_a_long_guid_is_hashed_and_a_missing_one_made() -> None:
    assert identity("g" * 600, url="", made_of=()).startswith("sha256:")
    assert identity("", url="https://a.example/", made_of=()) == "https://a.example/"
    made = identity("", url="", made_of=("title", "date"))
    assert made == identity("", url="", made_of=("title", "date"))
    assert made != identity("", url="", made_of=("titled", "ate"))


@pytest.mark.parametrize(
    ("link", "base", "wanted"),
    [
        ("https://a.example/x", "", "https://a.example/x"),
        ("/x", "https://a.example/b/", "https://a.example/x"),
        ("x", "https://a.example/b/", "https://a.example/b/x"),
        ("//b.example/x", "", "https://b.example/x"),
        (" https://a.example/a b ", "", "https://a.example/a%20b"),
        ("/x", "", ""),
        ("/x", "/home/feed.xml", ""),
        ("javascript:alert(1)", "https://a.example/", ""),
        ("data:text/html,x", "https://a.example/", ""),
        ("http://[::1", "https://a.example/", ""),
        ("https://a.example/" + "x" * 3000, "", ""),
        ("", "https://a.example/", ""),
    ],
)
def test_a_link_becomes_an_absolute_web_address_or_nothing(
    link: str, base: str, wanted: str
) -> None:
    assert absolute(link, base=base) == wanted


@given(st.text(), st.text())
def test_any_link_is_an_address_or_nothing(link: str, base: str) -> None:
    found = absolute(link, base=base)
    assert found == "" or found.startswith(("http://", "https://"))


def test_hosts_are_compared_as_hosts() -> None:
    assert host("https://www.youtube.com/x") == "youtube.com"
    assert on_host("https://m.youtube.com/x", "youtube.com")
    assert not on_host("https://notyoutube.com/x", "youtube.com")
    assert host("http://[::1") == ""


def test_problems_are_counted_in_plain_words() -> None:
    found = problems_of([item("a"), item("b", "https://a.example/")], repeated=2)
    assert found == ["2 entries told twice", "1 entry without a usable link"]
