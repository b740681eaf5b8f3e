"""`newsletter feeds`: what it prints, and how it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from tests.feed_server import FEED

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.feed_server import FeedServer

SETTINGS = """
[newsletter]
title = "Harbour Weekly"
sender = "Harbour <harbour@news.harbour.dev>"
postal_address = "1 Quay, Harbour"
base_url = "https://news.harbour.dev"

[gather]
allow_private_networks = {private}

[[sections]]
name = "News"

[[feeds]]
url = "{url}"
name = "Harbour"
section = "News"
timezone = "Europe/Athens"
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(newsletter, ["feeds", *arguments])


def settings_file(tmp_path: Path, url: str, *, private: bool = True) -> str:
    path = tmp_path / "newsletter.toml"
    text = SETTINGS.format(url=url, private=str(private).lower())
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_is_checked_without_settings_or_database(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(FEED)
    result = run("check", "feed.xml", "--json")
    report = json.loads(result.stdout)
    assert report["feed"]["title"] == "Harbour Notes"
    assert report["problems"] == []
    assert report["items"][0] == {
        "guid": "h-1",
        "url": "https://harbour.example/cranes",
        "title": "Cranes that queue",
        "published": "2026-11-22T09:00:00Z",
        "author": "",
        "summary": "How a crane waits its turn.",
        "kind": "article",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["feed.xml"]


def test_a_files_relative_links_lead_on_from_where_it_is_said_to_be_from(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(FEED.replace(b"https://harbour.example/", b"/"))
    at = ("--url", "https://harbour.example/feed")
    report = json.loads(run("check", "feed.xml", "--json", *at).stdout)
    assert report["items"][0]["url"] == "https://harbour.example/cranes"
    assert run("check", "https://harbour.example/feed", *at).exit_code == 2


def test_a_check_is_readable_too(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(FEED)
    result = run("check", "feed.xml")
    assert result.exit_code == 0
    assert "2026-11-22  article   Cranes that queue" in result.stdout
    assert "2 items" in result.stderr


def test_an_address_is_checked_with_what_the_settings_allow(
    tmp_path: Path, feed_server: FeedServer
) -> None:
    zoneless = FEED.replace(b" +0000", b"")
    url = feed_server.put("/f", zoneless)
    config = settings_file(tmp_path, url)
    report = json.loads(run("check", url, "--json", "--config", config).stdout)
    # Nine o'clock in Athens.
    assert report["items"][0]["published"] == "2026-11-22T07:00:00Z"
    assert "news.harbour.dev" in feed_server.requests[-1].headers["user-agent"]


def test_a_private_address_is_refused_in_one_sentence(feed_server: FeedServer) -> None:
    result = run("check", feed_server.url())
    assert result.exit_code == 1
    assert "is not a public address" in result.stderr
    assert "allow_private_networks" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert feed_server.requests == []


def test_a_page_names_the_feeds_it_has(tmp_path: Path, feed_server: FeedServer) -> None:
    config = settings_file(tmp_path, feed_server.url())
    result = run("check", feed_server.url("/page"), "--config", config)
    assert result.exit_code == 1
    assert f"it names {feed_server.url('/feed')}" in result.stderr


@pytest.mark.parametrize(
    ("text", "why"), [("a note", "neither XML nor JSON"), ("", "is empty"), (None, "No such file")]
)
def test_what_is_no_feed_is_one_sentence(tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "x.txt").write_text(text, encoding="utf-8")
    result = run("check", "x.txt")
    assert result.exit_code == 1
    assert why in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_feeds_of_the_settings_are_listed(tmp_path: Path) -> None:
    url = "https://harbour.example/feed"
    config = settings_file(tmp_path, url)
    assert f"Harbour  auto   {url}  [News]" in run("list", "--config", config).stdout
    (feed,) = json.loads(run("list", "--json", "--config", config).stdout)
    assert (feed["name"], feed["url"], feed["timezone"]) == ("Harbour", url, "Europe/Athens")
