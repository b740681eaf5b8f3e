from __future__ import annotations

import pytest

from flows.edit.pages import not_an_article
from flows.models import Item, Kind

TEXT = "A paragraph that says something about the matter at hand, and then some more. " * 10


def item(url: str, *, title: str = "A title", text: str = TEXT, kind: Kind = Kind.ARTICLE) -> Item:
    return Item(feed="feed", guid=url, url=url, title=title, content=text, kind=kind)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/contact/",
        "https://example.org/contact/?utm_source=feed",
        "https://example.org/about",
        "https://example.org/blog/tags/networking/",
        "https://example.org/category/news",
    ],
)
def test_a_sites_furniture_is_no_article(url: str) -> None:
    assert "not an article" in not_an_article(item(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/blog/contact-tracing/",
        "https://example.org/2026/about-time",
        "https://forge.example.org/kelp/kelp/releases/tag/v1.8.1",
        "https://example.org/?p=12",
        "https://example.org/tags-considered-harmful",
    ],
)
def test_what_only_looks_like_furniture_is_an_article(url: str) -> None:
    assert not_an_article(item(url)) == ""


def test_the_reason_tells_path_and_words() -> None:
    short = item("https://example.org/contact/", title="Contact us", text="Contact us now")
    assert not_an_article(short) == "not an article (path /contact/, 3 words)"
