"""The archive: its pages, its list, its feed, and the static site of all of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest
from click.testing import CliRunner
from lxml import etree
from sqlalchemy import insert
from starlette.testclient import TestClient

from flows.cli import newsletter as command
from flows.models import WaveStatus
from flows.pipeline.archive import MOST_IN_FEED, feed, read_archive
from flows.pipeline.stores import open_store
from flows.render.html import BUDGET
from flows.store.schema import batches, issues, waves
from tests.newsletters import STORIES, Clock, Newsletter, web_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
# RFC 822 as RSS wants it: four digits of the year (RSS 2.0).
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
# Long ago: the command goes by the machine's clock.
NOW = datetime(2024, 11, 27, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = "https://news.harbour.example.com/weekly"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path, clock=Clock(NOW)).write(base_url=BASE)
    return made.tell(*STORIES, when=NOW - DAY).subscribe(2)


@pytest.fixture
def sent(newsletter: Newsletter) -> Newsletter:
    """A newsletter whose first issue is sent."""
    assert newsletter.run().verdict == "sent"
    return newsletter


@pytest.fixture
def engine_of(sent: Newsletter) -> Iterator[Engine]:
    with open_store(sent.settings) as engine:
        yield engine


@pytest.fixture
def client(sent: Newsletter, engine_of: Engine) -> TestClient:
    app = web_app(sent, engine_of, clock=sent.clock)
    return TestClient(app, base_url="http://testserver", follow_redirects=False)


@pytest.fixture
def publish(sent: Newsletter, engine_of: Engine) -> Callable[..., None]:
    """Write down another issue as sent, with a page of its own."""

    def write(number: int, *, at: datetime, title: str = "", body: str = "<p>Words</p>") -> None:
        with engine_of.begin() as connection:
            values = {"number": number, "status": "sent", "subject": f"Number {number}"}
            connection.execute(insert(issues).values(**values, sent_at=at))
        folder = sent.settings.paths.issues / f"{number:03}"
        folder.mkdir(parents=True, exist_ok=True)
        page = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
        (folder / "page.html").write_text(page, encoding="utf-8")

    return write


def write_site(sent: Newsletter, folder: Path) -> str:
    config = str(sent.folder / "newsletter.toml")
    result = CliRunner().invoke(command, ["archive", "--output", str(folder), "--config", config])
    assert result.exit_code == 0, result.stderr
    return result.stderr


def test_a_sent_issue_is_in_the_list_and_the_feed(client: TestClient) -> None:
    listing = client.get("/issues")
    assert '<a href="issues/001">Harbour Weekly 1' in listing.text
    assert '<time datetime="2024-11-27">27 November 2024</time>' in listing.text
    assert listing.headers["x-robots-tag"] == "all"
    assert "noindex" not in listing.text
    parsed = feedparser.parse(client.get("/feed.xml").content)
    assert not parsed.bozo
    [entry] = parsed.entries
    assert entry.link == entry.id == f"{BASE}/issues/001"
    assert entry.title.startswith("Harbour Weekly 1")


@pytest.mark.parametrize("path", ["/", "/issues", "/weekly", "/weekly/", "/weekly/issues"])
def test_the_lists_links_lead_somewhere_below_any_path(client: TestClient, path: str) -> None:
    links = re.findall(
        r'(?:<li>\s*<p class="issue"><a|class="feed"><a) href="([^"]+)"', client.get(path).text
    )
    assert len(links) == 2
    for link in links:
        assert client.get(urljoin(f"http://testserver{path}", link)).status_code == 200


def test_a_page_has_nothing_of_a_recipients_and_leads_to_the_list(client: TestClient) -> None:
    page = client.get("/issues/1").text
    assert "nsubscribe" not in page
    assert "View in browser" not in page
    assert re.search(f'href="{BASE}/issues"[^>]*>All issues</a>', page)
    assert f'type="application/rss+xml" title="Harbour Weekly" href="{BASE}/feed.xml"' in page
    assert '<meta name="description" content="' in page


def test_the_feed_is_valid_rss(client: TestClient, publish: Callable[..., None]) -> None:
    publish(2, at=NOW - timedelta(hours=1), title="Böse & <b>fett</b> ]]>", body="<p>]]> & é</p>")
    answer = client.get("/feed.xml")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    root = etree.fromstring(answer.content)
    channel = root.find("channel")
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    for name in ("title", "link", "description", "language", "lastBuildDate"):
        assert channel.findtext(name)
    own = channel.find(ATOM_LINK)
    assert own.attrib == {
        "rel": "self",
        "type": "application/rss+xml",
        "href": f"{BASE}/feed.xml",
    }
    items = channel.findall("item")
    assert len(items) == 2
    for item in items:
        assert item.find("guid").get("isPermaLink") == "true"
        assert item.findtext("guid") == item.findtext("link")
        assert urlsplit(item.findtext("link")).scheme == "https"
        assert RFC822.fullmatch(item.findtext("pubDate"))
        assert item.findtext("description")
        assert item.findtext(CONTENT)
    assert items[0].findtext("title") == "Böse & <b>fett</b> ]]>"
    assert items[0].findtext(CONTENT) == "<p>]]&gt; &amp; é</p>"
    newest = max(parsedate_to_datetime(item.findtext("pubDate")) for item in items)
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")) == newest


def test_the_feeds_words_are_the_pages_without_layout(client: TestClient) -> None:
    content = etree.fromstring(client.get("/feed.xml").content).findtext(f".//{CONTENT}")
    assert content.startswith("<h1>Harbour Weekly</h1>")
    for title, text in STORIES:
        slug = "-".join(title.lower().split())
        link = f'<a href="https://harbour.example.com/blog/{slug}/">{title}</a>'
        assert f"<h3>{link}</h3>" in content
        assert text in content
    assert not re.search(r"<(?:table|td|div|style|meta)|style=|nsubscribe", content)


def test_a_large_issue_is_whole_on_its_page(tmp_path: Path) -> None:
    many = [
        (
            f"Story number {number} of a long week",
            f"Part {number}: " + f"{number} words and more " * 9 + "end here.",
        )
        for number in range(90)
    ]
    large = Newsletter(tmp_path, clock=Clock(NOW)).write(newsletter="max_entries = 90")
    large.tell(*many, when=NOW - DAY).subscribe(1)
    assert large.run().entries == 90
    folder = large.settings.paths.issues / "001"
    assert len((folder / "mail.html").read_bytes()) <= BUDGET
    assert (folder / "mail.html").read_text().count("<h3") < 90
    assert (folder / "page.html").read_text().count("<h3") == 90


def test_an_issue_is_out_when_it_leaves_not_when_it_is_handed_over(
    engine_of: Engine, sent: Newsletter, client: TestClient
) -> None:
    leaves = NOW + timedelta(hours=3)
    with engine_of.begin() as connection:
        values = {"number": 7, "status": "sent", "subject": "Later", "sent_at": NOW}
        connection.execute(insert(issues).values(**values))
        for number, status, at in (
            (1, WaveStatus.CANCELLED, NOW - timedelta(minutes=1)),
            (2, WaveStatus.CLOSED, leaves),
        ):
            wave = {"number": number, "batch_id": "b", "send_at": at, "status": status.value}
            connection.execute(
                insert(waves).values(issue=7, **wave, capacity=1, owner="", touched_at=NOW)
            )
    (sent.settings.paths.issues / "007").mkdir()
    (sent.settings.paths.issues / "007" / "page.html").write_text("<p>Later</p>")
    assert client.get("/issues/7").status_code == 404
    assert "Later" not in client.get("/feed.xml").text
    sent.clock.now = leaves
    assert client.get("/issues/7").status_code == 200
    assert leaves.strftime("%d %b %Y %H:%M:%S GMT") in client.get("/feed.xml").text


def test_an_issue_that_is_being_sent_is_out_since_its_first_batch(
    engine_of: Engine, sent: Newsletter
) -> None:
    first = NOW - timedelta(minutes=9)
    with engine_of.begin() as connection:
        connection.execute(insert(issues).values(number=7, status="sending", subject="Now"))
        for at in (NOW, first):
            batch = {"status": "accepted", "size": 1, "owner": "", "handed_over_at": at}
            connection.execute(insert(batches).values(issue=7, **batch))
    (sent.settings.paths.issues / "007").mkdir()
    (sent.settings.paths.issues / "007" / "page.html").write_text("<p>Now</p>")
    [newest, _older] = read_archive(engine_of, sent.settings.paths.issues, now=NOW).entries
    assert (newest.number, newest.at) == (7, first)


@pytest.mark.parametrize("status", ["draft", "approved", "stopped"])
def test_what_is_not_sent_is_nowhere(engine_of: Engine, client: TestClient, status: str) -> None:
    with engine_of.begin() as connection:
        connection.execute(insert(issues).values(number=7, status=status, subject="Secret"))
    assert client.get("/issues/7").status_code == 404
    assert "Secret" not in client.get("/issues").text + client.get("/feed.xml").text


def test_whoever_has_a_page_is_not_sent_it_again(
    client: TestClient, publish: Callable[..., None]
) -> None:
    for path in ("/feed.xml", "/issues", "/issues/1"):
        tag = client.get(path).headers["etag"]
        again = client.get(path, headers={"If-None-Match": f'W/"x", {tag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    tag = client.get("/feed.xml").headers["etag"]
    publish(2, at=NOW)
    assert client.get("/feed.xml", headers={"If-None-Match": tag}).status_code == 200


def test_the_feed_has_the_newest_only_and_the_list_has_all(
    client: TestClient, publish: Callable[..., None]
) -> None:
    for number in range(2, MOST_IN_FEED + 6):
        publish(number, at=NOW - timedelta(days=100 - number))
    entries = feedparser.parse(client.get("/feed.xml").content).entries
    assert len(entries) == MOST_IN_FEED
    assert entries[0].link.endswith(f"/issues/{MOST_IN_FEED + 5:03}")
    assert client.get("/issues").text.count("<li>") == MOST_IN_FEED + 5


def test_a_lost_page_is_left_out(sent: Newsletter, client: TestClient, tmp_path: Path) -> None:
    (sent.settings.paths.issues / "001" / "page.html").unlink()
    assert client.get("/issues/1").status_code == 404
    assert "No issue is out yet" in client.get("/issues").text
    assert "Issue 1 has no page" in write_site(sent, tmp_path / "site")


def test_a_strange_page_breaks_no_feed(sent: Newsletter, publish: Callable[..., None]) -> None:
    publish(2, at=NOW, title="\x00\x0b odd", body="<script>acted()</script><p>\x08ok</p>")
    publish(3, at=NOW)
    (sent.settings.paths.issues / "003" / "page.html").write_bytes(b"")
    with open_store(sent.settings) as engine:
        found = read_archive(engine, sent.settings.paths.issues, now=NOW)
    root = etree.fromstring(feed(found.entries, sent.settings.brand()))
    assert next(item.findtext("title") for item in root.iter("item")) == "Number 3"
    assert "acted" not in etree.tostring(root, encoding="unicode")


def test_the_site_is_the_same_pages_as_files(
    sent: Newsletter, client: TestClient, tmp_path: Path
) -> None:
    folder = tmp_path / "out" / "site"
    assert "1 issue, 4 files new or changed" in write_site(sent, folder)
    assert (folder / "feed.xml").read_bytes() == client.get("/feed.xml").content
    page = folder / "issues" / "001" / "index.html"
    assert page.read_bytes() == client.get("/issues/1").content
    for listing in (folder / "index.html", folder / "issues" / "index.html"):
        links = re.findall(r'href="((?!https?:|mailto:)[^"]+)"', listing.read_text("utf-8"))
        assert links
        for link in links:
            target = listing.parent / link
            assert (target / "index.html" if link.endswith("/") else target).is_file()


def test_every_link_to_the_site_leads_to_one_of_its_files(sent: Newsletter, tmp_path: Path) -> None:
    write_site(sent, tmp_path)
    links = set()
    for path in (*tmp_path.glob("issues/**/*.html"), tmp_path / "feed.xml"):
        links |= set(re.findall(rf"{BASE}(/issues[^\"<&]*|/feed[^\"<&]*)", path.read_text("utf-8")))
    assert links == {"/issues", "/issues/001", "/feed.xml"}
    for link in links:
        target = tmp_path / link.lstrip("/")
        assert target.is_file() or (target / "index.html").is_file()


def test_writing_the_site_again_changes_nothing(sent: Newsletter, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write_site(sent, folder)
    (folder / "CNAME").write_text("harbour.example.com")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert "1 issue, 0 files new or changed" in write_site(sent, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_newsletter_without_issues_has_a_site_too(newsletter: Newsletter, tmp_path: Path) -> None:
    write_site(newsletter, tmp_path / "site")
    assert "No issue is out yet" in (tmp_path / "site" / "index.html").read_text()
    assert feedparser.parse(str(tmp_path / "site" / "feed.xml")).entries == []


def test_a_file_where_the_site_should_be_is_told(sent: Newsletter, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    config = str(sent.folder / "newsletter.toml")
    arguments = ["archive", "--output", str(tmp_path / "site"), "--config", config]
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, "this is a file" in result.stderr) == (1, True)


def test_the_time_of_an_issue_is_aware(sent: Newsletter, engine_of: Engine) -> None:
    [entry] = read_archive(engine_of, sent.settings.paths.issues, now=NOW).entries
    assert entry.at.tzinfo is UTC or entry.at.utcoffset() == timedelta()
