from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from flows.demo.folder import furnish, last_port, open_folder
from flows.demo.publishers import NOT_FOUND, OK, publish
from flows.demo.samples import SECTIONS, sample_feeds, sample_people
from flows.demo.server import serving
from flows.errors import NewsletterError
from flows.gather.parse import parse
from flows.models import Feed, Kind
from flows.settings import load
from subscribers.spreadsheet import look, rows

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flows.demo.folder import DemoFolder
    from flows.demo.samples import SampleFeed
    from flows.models import Item

FEEDS = {feed.slug: feed for feed in sample_feeds()}
READABLE = [feed for feed in FEEDS.values() if feed.items]


def read(feed: SampleFeed, now: datetime) -> tuple[Item, ...]:
    url = f"http://127.0.0.1:1/{feed.slug}"
    source = Feed(url=url, name=feed.name)
    return parse(publish(feed, now).body, feed=source, url=url, now=now).items


@pytest.fixture
def folder(tmp_path: Path, now: datetime) -> DemoFolder:
    return open_folder(tmp_path / "demo" / "newsletter.toml", now=now)


def test_there_are_enough_feeds_and_items_to_make_an_issue() -> None:
    assert len(READABLE) >= 6
    assert sum(len(feed.items) for feed in READABLE) >= 40


@pytest.mark.parametrize("feed", READABLE, ids=lambda feed: feed.slug)
def test_every_item_of_a_sample_feed_is_read_back_as_it_is(feed: SampleFeed, now: datetime) -> None:
    found = {item.title: item.published for item in read(feed, now)}
    assert found == {item.title: now - timedelta(hours=item.hours) for item in feed.items}


def test_the_video_feed_has_videos(now: datetime) -> None:
    assert {item.kind for item in read(FEEDS["cloudside.xml"], now)} == {Kind.VIDEO}


def test_the_release_feed_has_releases(now: datetime) -> None:
    assert {item.kind for item in read(FEEDS["kelp-releases.atom"], now)} == {Kind.RELEASE}


def test_a_thread_leads_to_the_linked_page_and_keeps_its_discussion(now: datetime) -> None:
    first = read(FEEDS["platformcraft.rss"], now)[0]
    assert urlsplit(first.url).hostname == "blog.harbourlight.example"
    assert urlsplit(first.comments).hostname == "www.reddit.com"


def test_some_stories_are_told_by_several_feeds() -> None:
    pages = Counter(
        item.link.partition("?")[0] for feed in READABLE for item in feed.items if item.link
    )
    assert sum(1 for count in pages.values() if count > 1) >= 5


def test_the_same_story_has_another_address_in_another_feed() -> None:
    links = [item.link for feed in READABLE for item in feed.items if "?utm" in item.link]
    tracking = [feed.tracking for feed in READABLE if feed.tracking]
    assert links
    assert tracking


def test_one_feed_is_a_web_page_and_one_is_gone(now: datetime) -> None:
    answers = Counter(
        (publish(feed, now).status, publish(feed, now).content_type.partition(";")[0])
        for feed in FEEDS.values()
        if not feed.items
    )
    assert answers == {(OK, "text/html"): 1, (NOT_FOUND, "text/plain"): 1}


def test_every_section_of_a_sample_feed_exists() -> None:
    assert {feed.section for feed in FEEDS.values() if feed.section} <= set(SECTIONS)


def test_there_are_25_sample_people_on_example_addresses() -> None:
    with sample_people() as path:
        people = list(rows(look(path)))
    assert len(people) == 25
    assert all(person.email.endswith("@example.org") for person in people)


def test_the_server_answers_only_on_loopback_and_knows_what_is_unchanged(now: datetime) -> None:
    with serving(began=now) as port, httpx.Client(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}/stackyard.xml"
        first = client.get(url)
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        nowhere = client.get(f"http://127.0.0.1:{port}/other")
    assert [first.status_code, again.status_code, nowhere.status_code] == [200, 304, 404]


def test_the_server_takes_another_port_if_its_own_is_taken(now: datetime) -> None:
    with serving(began=now) as port, serving(began=now, port=port) as other:
        assert other != port


def test_the_demos_settings_read_every_sample_feed(folder: DemoFolder) -> None:
    furnish(folder, port=1234)
    settings = load(folder.settings_file)
    assert [urlsplit(feed.url).path[1:] for feed in settings.feeds] == list(FEEDS)
    assert settings.gather.allow_private_networks
    assert settings.sending.transport == "outbox"
    assert settings.database_url() == folder.database_url
    assert settings.keys()


def test_a_second_demo_goes_on_with_the_same_dates_and_port(
    folder: DemoFolder, now: datetime
) -> None:
    furnish(folder, port=1234)
    again = open_folder(folder.settings_file, now=now + timedelta(days=1))
    assert again.began == folder.began
    assert last_port(again) == 1234


def test_a_changed_setting_survives_and_the_feeds_move_to_the_new_port(folder: DemoFolder) -> None:
    furnish(folder, port=1234)
    text = folder.settings_file.read_text(encoding="utf-8")
    changed = text.replace("Platform Weekly", "My Weekly").replace(":8000", ":1234")
    folder.settings_file.write_text(changed, encoding="utf-8")
    furnish(folder, port=4321)
    settings = load(folder.settings_file)
    assert settings.newsletter.title == "My Weekly"
    assert settings.newsletter.base_url == "http://127.0.0.1:1234"
    assert {urlsplit(feed.url).port for feed in settings.feeds} == {4321}


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(NewsletterError, match="something else"):
        open_folder(tmp_path / "newsletter.toml", now=now)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_folders_place_is_one_sentence(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "demo").write_text("", encoding="utf-8")
    with pytest.raises(NewsletterError, match="cannot use this folder"):
        open_folder(tmp_path / "demo" / "newsletter.toml", now=now)


@pytest.mark.parametrize("text", ["", "yesterday", "\N{REPLACEMENT CHARACTER}"])
def test_an_unreadable_marker_is_one_sentence(folder: DemoFolder, now: datetime, text: str) -> None:
    folder.marker.write_text(text, encoding="utf-8")
    with pytest.raises(NewsletterError, match="remove the folder"):
        open_folder(folder.settings_file, now=now)
