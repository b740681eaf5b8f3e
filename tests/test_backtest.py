"""`newsletter backtest`: past issues held against what today's feeds have."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.models import Item
from flows.pipeline.stores import open_store
from flows.settings import load
from flows.store.items import save_items
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FEEDS = {
    "Harbour": "https://harbour.example/feed.xml",
    "Planet": "https://planet.example/atom.xml",
    "Quiet": "https://quiet.example/rss",
    "Kelp": "https://github.com/kelp/kelp/releases.atom",
    "Videos": "https://www.youtube.com/feeds/videos.xml?channel_id=x",
}
OFFERED = {
    "Harbour": [("Draining nodes", "https://harbour.example/drain/")],
    "Planet": [
        ("Draining nodes", "https://www.harbour.example/drain/?utm_source=planet"),
        ("What a control plane forgets", "https://elsewhere.example/forgets"),
        ("More", "https://third.example/more"),
    ],
    "Kelp": [("v2", "https://github.com/kelp/kelp/releases/tag/v2")],
    "Videos": [("A talk", "https://www.youtube.com/watch?v=abcdefghijk")],
}
FIRST = """# Number one
- [Draining nodes](http://harbour.example/drain)
- [What a control plane forgets](https://mirror.example/2024/forgets)
- [Older](https://blog.harbour.example/older)
- [Nowhere](https://nowhere.example/x)
- [Its page](https://news.harbour-weekly.example/issues/1)
"""
SECOND = """- [Nowhere again](https://nowhere.example/y)
- [Kelp's code](https://github.com/kelp/other)
- [Somebody's code](https://github.com/somebody/x)
- [Another talk](https://youtu.be/zzzzzzzzzzz)
- [The same talk](https://youtu.be/abcdefghijk)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    newsletter = Newsletter(tmp_path).write(base_url="https://news.harbour-weekly.example")
    file = tmp_path / "newsletter.toml"
    text = file.read_text().partition("[[feeds]]")[0]
    text += "".join(f'[[feeds]]\nname = "{name}"\nurl = "{url}"\n' for name, url in FEEDS.items())
    file.write_text(text)
    with open_store(newsletter.settings) as engine:
        for name, told in OFFERED.items():
            items = [Item(feed=name, guid=url, url=url, title=title) for title, url in told]
            save_items(engine, FEEDS[name], items, now=NOW)
    past = tmp_path / "past"
    past.mkdir()
    (past / "1.md").write_text(FIRST)
    (past / "2.md").write_text(SECOND)
    (past / "3.md").write_text("No link at all.")
    (past / "logo.png").write_bytes(b"\x89PNG")
    return tmp_path


def hold(folder: Path, *arguments: str) -> Result:
    config = str(folder / "newsletter.toml")
    return CliRunner().invoke(command, ["backtest", *arguments, "--config", config])


@pytest.fixture
def found(folder: Path) -> dict[str, Any]:
    result = hold(folder, str(folder / "past"), "--json")
    assert result.exit_code == 0, result.stderr
    values: dict[str, Any] = json.loads(result.stdout)
    return values


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["feeds"] if one["name"] == name)


def test_every_link_has_one_fate(found: dict[str, Any]) -> None:
    # The newsletter's own page is none of them.
    assert (found["issues"], found["links"]) == (2, 9)
    assert (found["offered"], found["near"], found["missing"]) == (3, 2, 4)


def test_a_feed_is_told_what_it_offered_alone_and_with_others(found: dict[str, Any]) -> None:
    harbour, planet = row(found, "Harbour"), row(found, "Planet")
    assert (harbour["offered"], harbour["alone"], harbour["near"]) == (1, 0, 1)
    assert harbour["verdict"] == "offers what others do"
    # One by its address under another spelling, one by its headline at another address.
    assert (planet["offered"], planet["alone"], planet["issues"]) == (2, 1, 1)
    assert planet["verdict"] == "earns its place"


def test_a_feed_on_a_shared_site_covers_its_owner_only(found: dict[str, Any]) -> None:
    assert row(found, "Kelp")["near"] == 1
    assert {"name": "github.com", "links": 1, "issues": 1} in found["sites"]


def test_a_channel_does_not_cover_all_videos(found: dict[str, Any]) -> None:
    assert (row(found, "Videos")["offered"], row(found, "Videos")["near"]) == (1, 0)
    assert {"name": "youtube.com", "links": 1, "issues": 1} in found["sites"]


def test_a_site_that_no_feed_has_leads_the_missing_ones(found: dict[str, Any]) -> None:
    assert found["sites"][0] == {"name": "nowhere.example", "links": 2, "issues": 2}
    assert row(found, "Quiet")["verdict"] == "nothing stored yet"


def test_the_table_has_feeds_then_sites(folder: Path) -> None:
    result = hold(folder, str(folder / "past"))
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["FEED", "LINKS", "ONLY", "NEAR", "ISSUES", "ITEMS"]
    assert [line.split()[0] for line in lines[1:]] == [
        "Planet",
        "Videos",
        "Harbour",
        "Kelp",
        "Quiet",
        "nowhere.example",
        "github.com",
        "youtube.com",
    ]
    assert max(map(len, lines)) <= 120
    assert (
        "9 links in 2 issues: 3 (33%) offered, 2 (22%) on a feed's site, 4 (44%)" in result.stderr
    )
    assert "3.md: no link in it." in result.stderr


def test_what_only_looks_like_an_address_stops_nothing(folder: Path) -> None:
    line = "Set https://[DASHBOARD_HOST]:8443/api/ to an address of your own."
    (folder / "past" / "4.md").write_text(f"{FIRST}\n{line}\n")
    result = CliRunner().invoke(
        command, ["backtest", str(folder / "past"), "--config", str(folder / "newsletter.toml")]
    )
    assert result.exit_code == 0, result.output


def test_an_address_without_a_host_is_no_link_to_a_site(folder: Path) -> None:
    bad = "- [A pier](http://[::1/bad)\n- [A quay](http://quay.example:99999/)\n"
    (folder / "past" / "4.md").write_text(f"{FIRST}{bad}")
    found = json.loads(hold(folder, str(folder / "past"), "--json").stdout)
    assert all(site["name"] for site in found["sites"])
    assert (found["issues"], found["links"]) == (3, 13)


def test_what_is_no_file_is_told_and_not_waited_for(folder: Path) -> None:
    (folder / "past" / "4.md").symlink_to(folder / "moved-away.md")
    os.mkfifo(folder / "past" / "5.md")
    result = hold(folder, str(folder / "past"))
    assert result.exit_code == 0
    assert "4.md: it cannot be read: No such file or directory." in result.stderr
    assert "5.md: it cannot be read: it is no regular file." in result.stderr
    assert "9 links in 2 issues" in result.stderr


def test_nothing_is_kept(folder: Path) -> None:
    before = (folder / "newsletter.db").read_bytes()
    hold(folder, str(folder / "past"))
    assert (folder / "newsletter.db").read_bytes() == before
    assert load(folder / "newsletter.toml").feeds


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nowhere", "there is no such file or folder"), (".newsletter", "no Markdown, HTML or text")],
)
def test_nothing_to_read_is_told(folder: Path, name: str, sentence: str) -> None:
    result = hold(folder, str(folder / name))
    assert (result.exit_code, sentence in result.stderr) == (1, True)


def test_without_items_it_says_what_to_do(folder: Path) -> None:
    (folder / "newsletter.db").unlink()
    result = hold(folder, str(folder / "past"))
    assert result.exit_code == 0
    assert "newsletter gather fetches them" in result.stderr
