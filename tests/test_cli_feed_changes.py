"""`newsletter feeds add|remove|move|import|export|status`: what they change and what they say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.gather.opml import read_opml
from tests.feed_server import FEED

if TYPE_CHECKING:
    from click.testing import Result

    from tests.feed_server import FeedServer

SUBREDDIT = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>harbour</title>
<link rel="alternate" href="https://www.reddit.com/r/harbour"/></feed>"""
SETTINGS = """
# Ours, with every comment.
[newsletter]
title = "Harbour Weekly"
sender = "Harbour <harbour@news.harbour.dev>"
postal_address = "1 Quay, Harbour"
base_url = "https://news.harbour.dev"

[gather]
allow_private_networks = true # we read ourselves

[[sections]]
name = "News"
"""


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "newsletter.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(newsletter, ["feeds", *arguments])


def feeds(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(SETTINGS.rstrip())
    found: list[dict[str, str]] = tomllib.loads(text).get("feeds", [])
    return found


def test_a_page_is_followed_to_its_feed_and_the_newest_items_are_shown(
    settings_file: Path, feed_server: FeedServer
) -> None:
    result = run("add", feed_server.url("/page"), "--section", "News")
    assert result.exit_code == 0
    url = feed_server.url("/feed")
    assert feeds(settings_file) == [{"url": url, "name": "Harbour Notes", "section": "News"}]
    assert "2026-11-22  Cranes that queue" in result.stderr


def test_an_added_feed_is_kept_and_not_asked_again_at_once(feed_server: FeedServer) -> None:
    url = feed_server.put("/f", FEED, etag='"1"')
    added = json.loads(run("add", url, "--name", "Notes", "--json").stdout)
    assert (added["name"], len(added["items"])) == ("Notes", 2)
    CliRunner().invoke(newsletter, ["gather"])
    assert len(feed_server.asked("/f")) == 1
    (status,) = json.loads(run("status", "--json").stdout)["feeds"]
    assert (status["state"], status["items"]) == ("resting", 2)


def test_a_subreddit_is_added_by_its_name(settings_file: Path, feed_server: FeedServer) -> None:
    url = feed_server.put("/r/harbour/.rss", SUBREDDIT)
    assert run("add", url).exit_code == 0
    assert feeds(settings_file) == [{"url": url, "name": "r/harbour"}]


def test_a_zone_is_written_beside_the_feed_and_one_that_is_none_is_refused(
    settings_file: Path, feed_server: FeedServer
) -> None:
    url = feed_server.put("/zoned", FEED)
    refused = run("add", url, "--timezone", "Mars/Olympus")
    assert refused.exit_code == 1
    assert "no time zone 'Mars/Olympus'" in refused.stderr
    assert run("add", url, "--timezone", "America/New_York").exit_code == 0
    [feed] = feeds(settings_file)
    assert feed["timezone"] == "America/New_York"


def test_a_feed_that_moved_for_good_is_added_at_its_new_place(
    settings_file: Path, feed_server: FeedServer
) -> None:
    new = feed_server.url("/feed")
    assert run("add", feed_server.url(f"/redirect/301?to={new}")).exit_code == 0
    assert feeds(settings_file)[0]["url"] == new


@pytest.mark.parametrize(
    ("path", "why"),
    [("/login", "perhaps a login"), ("/status/404", "404"), ("/close", "server disconnected")],
)
def test_what_is_no_feed_changes_nothing(
    settings_file: Path, feed_server: FeedServer, path: str, why: str
) -> None:
    result = run("add", feed_server.url(path))
    assert result.exit_code == 1
    assert why in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert feeds(settings_file) == []


def test_a_page_whose_feeds_are_all_broken_says_so_of_each(feed_server: FeedServer) -> None:
    feed_server.documents.pop("/feed")
    result = run("add", feed_server.url("/page"))
    assert "none of the feeds it names can be used" in result.stderr
    assert "404" in result.stderr


def test_a_feed_is_added_once_and_into_a_section_that_is_there(
    settings_file: Path, feed_server: FeedServer
) -> None:
    url = feed_server.url()
    assert "no section 'Nowhere'" in run("add", url, "--section", "Nowhere").stderr
    run("add", url)
    assert "in the settings already as Harbour Notes" in run("add", url + "/").stderr
    assert len(feeds(settings_file)) == 1
    assert len(feed_server.asked("/feed")) == 1


def test_a_file_is_not_added() -> None:
    Path("river.txt").write_text("x", encoding="utf-8")
    assert "is a file" in run("add", "river.txt").stderr


def test_an_address_as_a_browser_hands_it_over_is_the_webs_own(
    settings_file: Path, feed_server: FeedServer
) -> None:
    url = feed_server.url()
    assert run("add", f" {url.replace('http:', 'feed:')} ").exit_code == 0
    assert feeds(settings_file)[0]["url"] == url


def test_no_address_at_all_is_a_wrong_use() -> None:
    result = run("add", " ")
    assert (result.exit_code, "the address is empty" in result.stderr) == (2, True)


def test_a_feed_is_removed_by_name_or_address(settings_file: Path, feed_server: FeedServer) -> None:
    for named in ("harbour notes", feed_server.url()):
        run("add", feed_server.url())
        assert run("remove", named).exit_code == 0
        assert settings_file.read_text(encoding="utf-8").rstrip() == SETTINGS.rstrip()
    assert "neither the address nor the name" in run("remove", "Nobody").stderr


def test_two_feeds_of_one_name_are_told_apart_by_address(feed_server: FeedServer) -> None:
    for path in ("/a", "/b"):
        run("add", feed_server.put(path, FEED))
    assert "more than one is called" in run("remove", "Harbour Notes").stderr


def test_a_moved_feed_takes_its_items_along(settings_file: Path, feed_server: FeedServer) -> None:
    run("add", feed_server.put("/old", FEED, etag='"1"'))
    new = feed_server.put("/new", FEED, etag='"2"')
    assert run("move", "Harbour Notes", new).exit_code == 0
    assert feeds(settings_file) == [{"url": new, "name": "Harbour Notes"}]
    (status,) = json.loads(run("status", "--json").stdout)["feeds"]
    assert (status["url"], status["items"]) == (new, 2)


def test_a_feed_that_became_a_page_is_moved_to_what_the_page_names(
    settings_file: Path, feed_server: FeedServer
) -> None:
    page = b"<html><link rel=alternate type=application/rss+xml href=/feed></html>"
    old = feed_server.put("/old", FEED.replace(b"Harbour", b"Other"))
    run("add", old)
    feed_server.put("/old", page, content_type="text/html")
    assert run("move", old).exit_code == 0
    assert feeds(settings_file)[0]["url"] == feed_server.url()
    assert "did not move" in run("move", feed_server.url()).stderr


def opml(count: int) -> str:
    lines = [
        f'<outline type="rss" text="" title="" xmlUrl="https://blog{n}.example/feed"/>'
        for n in range(count - 5)
    ]
    lines += [
        '<outline text="Twin" xmlUrl="http://blog0.example/feed"/>',
        '<outline text="Same" xmlUrl="https://blog1.example/feed"/>',
        '<outline text="Jekyll" xmlUrl="http://localhost:4000/feed.xml"/>',
        '<outline text="Short" xmlUrl="https://t.co/abc"/>',
        '<outline text="Mine" xmlUrl="/home/me/feed.xml"/>',
    ]
    return f'<opml version="2.0"><body>{"".join(lines)}</body></opml>'


def test_a_list_of_five_hundred_is_imported_and_every_odd_line_told(settings_file: Path) -> None:
    Path("mine.opml").write_text(opml(500), encoding="utf-8")
    result = run("import", "mine.opml")
    assert result.exit_code == 0
    found = feeds(settings_file)
    assert len(found) == 496
    assert [feed["name"] for feed in found if "name" in feed] == ["Twin", "Same", "Short"]
    assert "500 feeds in mine.opml: 495 added, 2 twice in the list, 2 left out, 1 added, but" in (
        result.stderr
    )
    assert len(result.stdout.splitlines()) == 5
    again = json.loads(run("import", "mine.opml", "--json").stdout)
    assert {line["fate"] for line in again if "blog" in line["url"]} == {"already there"}
    assert len(feeds(settings_file)) == 496


def test_an_import_asks_nobody(feed_server: FeedServer) -> None:
    text = f'<opml><body><outline xmlUrl="{feed_server.url()}"/></body></opml>'
    Path("mine.opml").write_text(text, encoding="utf-8")
    run("import", "mine.opml")
    assert feed_server.requests == []


@pytest.mark.parametrize(("text", "why"), [("<rss/>", "no OPML"), (None, "No such file")])
def test_a_list_that_is_none_is_one_sentence(text: str | None, why: str) -> None:
    if text is not None:
        Path("x.opml").write_text(text, encoding="utf-8")
    result = run("import", "x.opml")
    assert result.exit_code == 1
    assert why in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_feeds_are_exported_and_none_is_a_file(
    settings_file: Path, feed_server: FeedServer
) -> None:
    run("add", feed_server.url(), "--section", "News")
    with settings_file.open("a", encoding="utf-8") as file:
        file.write('\n[[feeds]]\nurl = "river.txt"\nkind = "river"\n')
    result = run("export", "ours.opml")
    (outline,) = read_opml(Path("ours.opml").read_bytes(), name="ours.opml")
    assert (outline.url, outline.folder) == (feed_server.url(), "News")
    assert "1 left out" in result.stderr
    assert "it exists already" in run("export", "ours.opml").stderr
    assert run("export", "ours.opml", "--force").exit_code == 0
    assert run("export", "-").stdout.startswith("<?xml")


def test_no_feeds_are_no_list() -> None:
    assert "no feeds on the web" in run("export", "ours.opml").stderr


def test_the_status_tells_states_commands_and_manners(
    settings_file: Path, feed_server: FeedServer
) -> None:
    run("add", feed_server.put("/good", FEED, etag='"1"'), "--name", "Good")
    paths = ("/retry/503/7200", "/status/410", "/status/500")
    urls = [feed_server.url(path) for path in paths]
    with settings_file.open("a", encoding="utf-8") as file:
        file.writelines(f'\n[[feeds]]\nurl = "{url}"\n' for url in urls)
    CliRunner().invoke(newsletter, ["gather"])
    result = run("status")
    assert "Good" in result.stdout
    assert f"> newsletter feeds remove {urls[1]}" in result.stdout
    assert f"> newsletter feeds check {urls[2]}" in result.stdout
    assert f"> newsletter feeds check {urls[0]}" not in result.stdout
    assert "We were asked to slow down once:" in result.stderr
    assert "4 requests in 4 visits, 0% of them answered by a 304" in result.stderr
    assert "answered 503 and asked for 2 h; it is left alone until" in result.stderr
    told = json.loads(run("status", "--json").stdout)
    assert [feed["state"] for feed in told["feeds"]] == ["resting", "failing", "gone", "failing"]
    assert told["manners"]["asked_to_slow_down"][0]["wait"] == 7200


def test_without_visits_the_status_says_so() -> None:
    assert "Nobody was asked in the last seven days." in run("status").stderr
