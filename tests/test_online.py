"""`newsletter check`: offline by itself, with --online links and DNS, with --received a mail."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.deliver.message import as_bytes, build
from flows.errors import NewsletterError
from flows.pipeline.looking import look
from flows.pipeline.online import MOST_LINKS, Dns, ask_dns, links_of, look_online, try_links
from flows.render.html import render
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from flows.models import Finding


class Silent:
    """DNS that does not answer."""

    def texts(self, name: str) -> tuple[str, ...] | None:
        raise NewsletterError(f"DNS does not say what {name} is: timed out")


class Empty:
    """DNS that knows of nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def texts(self, name: str) -> tuple[str, ...] | None:
        self.asked.append(name)
        return None


class Site(ThreadingHTTPServer):
    """Answers a path /METHOD-STATUS with that status, the other methods with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        kind, _, rest = self.path.removeprefix("/").partition("-")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", f"/{rest}")
        else:
            self.send_response(int(rest) if kind in {self.command, "BOTH"} else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as started:
        yield started


@pytest.fixture
def weekly(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write(sending="[gather]\nallow_private_networks = true")
    return made.tell(*STORIES)


def html(*links: str) -> str:
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return f"<!DOCTYPE html><html><body>{anchors}</body></html>"


def sentences(findings: list[Finding]) -> list[str]:
    assert {(found.rule, found.severity) for found in findings} <= {("L02", "warn")}
    return [found.message for found in findings]


@pytest.mark.parametrize("path", ["/", "/HEAD-405", "/HEAD-404", "/HEAD-403", "/to-x", "/BOTH-403"])
def test_a_link_that_leads_somewhere_is_no_finding(
    weekly: Newsletter, site: Site, path: str
) -> None:
    assert sentences(try_links(weekly.settings, html(site.url(path)))) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/BOTH-404", "leads nowhere: its server answers 404."),
        ("/BOTH-410", "leads nowhere: its server answers 410."),
        ("/BOTH-500", "leads nowhere: its server answers 500."),
        ("/to-BOTH-404", "leads nowhere: its server answers 404."),
        ("/to-to-to-to-to-to-to-to-x", "redirects more than 5 times."),
    ],
)
def test_a_link_that_leads_nowhere_is_a_warning(
    weekly: Newsletter, site: Site, path: str, told: str
) -> None:
    [sentence] = sentences(try_links(weekly.settings, html(site.url(path))))
    assert sentence == f"The link {site.url(path)} {told}"


def test_head_is_asked_first_and_get_only_if_it_must(weekly: Newsletter, site: Site) -> None:
    try_links(weekly.settings, html(site.url("/")))
    try_links(weekly.settings, html(site.url("/HEAD-405")))
    assert site.asked == ["HEAD /", "HEAD /HEAD-405", "GET /HEAD-405"]


def test_a_link_is_tried_once(weekly: Newsletter, site: Site) -> None:
    try_links(weekly.settings, html(site.url("/a"), site.url("/a#part"), site.url("/a")))
    assert site.asked == ["HEAD /a"]


def test_a_host_that_is_not_there_is_a_warning(weekly: Newsletter) -> None:
    with serving() as gone:
        link = gone.url("/")
    [sentence] = sentences(try_links(weekly.settings, html(link)))
    assert sentence.startswith(f"The link {link} leads nowhere: ")


def test_a_private_address_is_not_asked(tmp_path: Path, site: Site) -> None:
    guarded = Newsletter(tmp_path).write().settings
    [sentence] = sentences(try_links(guarded, html(site.url("/"))))
    assert "is not a public address" in sentence
    assert site.asked == []


def test_there_is_an_end_to_the_links_that_are_tried(weekly: Newsletter, site: Site) -> None:
    many = html(*(site.url(f"/{number}") for number in range(MOST_LINKS + 5)))
    [sentence] = sentences(try_links(weekly.settings, many))
    assert sentence == f"Only the first {MOST_LINKS} of {MOST_LINKS + 5} links were tried."
    assert len(site.asked) == MOST_LINKS


def test_recipients_links_and_the_issues_own_page_are_not_tried(weekly: Newsletter) -> None:
    settings = weekly.settings
    shown = render(SAMPLE, settings.brand())
    found = links_of(settings, shown.html)
    assert shown.unsubscribe_tag not in found
    assert f"{settings.newsletter.base_url}/issues/042" not in found
    assert settings.newsletter.privacy_url in found
    assert len(found) == len(set(found)) > 10


def test_dns_that_does_not_answer_is_a_warning(weekly: Newsletter) -> None:
    [found] = ask_dns(weekly.settings, Silent())
    assert (found.rule, found.severity) == ("H14", "warn")


def test_the_senders_domain_is_asked_about(weekly: Newsletter) -> None:
    resolver = Empty()
    found = look_online(weekly.settings, html(), resolver=resolver)
    assert [(one.rule, one.severity) for one in found] == [("H14", "error")] * 3
    assert {name.partition("harbour.example.com")[1] for name in resolver.asked} >= {
        "harbour.example.com"
    }


def test_sendgrids_keys_have_their_names(tmp_path: Path) -> None:
    resolver = Empty()
    sendgrid = Newsletter(tmp_path).write(sending='transport = "sendgrid"').settings
    found = ask_dns(sendgrid, resolver)
    assert not any("SPF" in one.message for one in found)
    keys = [name for name in resolver.asked if "._domainkey." in name]
    assert {name.partition(".")[0] for name in keys} == {"s1", "s2"}


class NameServer(threading.Thread):
    """Answers questions for TXT records on loopback: two names exist, one of them has records."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    @property
    def resolver(self) -> dns.resolver.Resolver:
        found = dns.resolver.Resolver(configure=False)
        found.nameservers = ["127.0.0.1"]
        found.port = self._socket.getsockname()[1]
        return found

    def run(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if not data:
                return self._socket.close()
            answer = dns.message.make_response(dns.message.from_wire(data))
            answer.flags |= dns.flags.AA | dns.flags.RA
            name = answer.question[0].name
            if str(name) == "full.example.":
                texts = ('"v=spf1 " "~all"', '"\xfc"')
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
            elif str(name) == "broken.example.":
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif str(name) != "bare.example.":
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(answer.to_wire(), sender)

    def end(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self.join()


@pytest.fixture
def resolver() -> Iterator[Dns]:
    server = NameServer()
    asking = Dns(server.resolver)
    server.start()
    yield asking
    server.end()


def test_a_record_in_pieces_is_one_text(resolver: Dns) -> None:
    assert "v=spf1 ~all" in (resolver.texts("full.example") or ())


def test_a_name_without_records_is_not_a_name_that_is_not_there(resolver: Dns) -> None:
    assert resolver.texts("bare.example") == ()
    assert resolver.texts("other.example") is None


def test_a_server_that_fails_is_told_in_a_sentence(resolver: Dns) -> None:
    with pytest.raises(NewsletterError, match=r"DNS does not say what broken\.example is"):
        resolver.texts("broken.example")


# --- the command ---


def check(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        newsletter, ["check", *arguments, "--config", str(folder / "newsletter.toml")]
    )


@pytest.fixture
def drafted(weekly: Newsletter) -> Newsletter:
    weekly.subscribe(1).run(as_of=NOW)
    return weekly


def test_an_issue_that_is_right_says_so(drafted: Newsletter) -> None:
    result = check(drafted.folder, "1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Issue 1: 0 errors, 0 warnings\n"


def test_links_of_stories_that_the_mail_has_no_room_for_are_judged_and_tried(
    drafted: Newsletter, site: Site
) -> None:
    file = drafted.folder / "issues" / "001.md"
    said = "What stands here is long, for a mail of many such stories has no room for all. " * 3
    stories = [f"- [Story {n}](https://example.com/{n})\n  {said}\n" for n in range(150)]
    last = f"- [The last]({site.url('/BOTH-404')})\n  It is behind the fold.\n"
    shortened = "- [Shortened](https://bit.ly/3xYz)\n  It is behind the fold.\n"
    text = file.read_text(encoding="utf-8").partition("\n## ")[0]
    file.write_text("\n".join((text, "## Top", *stories, last, shortened)), encoding="utf-8")
    told = check(drafted.folder, "1").stdout
    assert "entries are in it only by a link" in told
    assert "https://bit.ly/3xYz hides where it leads" in told
    seen = look(drafted.settings, 1)
    assert site.url("/BOTH-404") in links_of(drafted.settings, seen.html)
    assert site.url("/BOTH-404") not in seen.mail.html


def spoil(weekly: Newsletter, subject: str) -> None:
    file = weekly.folder / "issues" / "001.md"
    lines = file.read_text(encoding="utf-8").splitlines()
    changed = [f'subject = "{subject}"' if one.startswith("subject") else one for one in lines]
    file.write_text("\n".join(changed), encoding="utf-8")


def test_what_was_edited_since_the_draft_is_held_against_it(drafted: Newsletter) -> None:
    file = drafted.folder / "issues" / "001.md"
    text = file.read_text(encoding="utf-8")
    assert 'subject = "Harbour Weekly 1: Three ways to drain a node"' in text
    first, second = text.index("[Three ways"), text.index("\n[", text.index("[Three ways"))
    changed = text[:first] + text[second + 1 :]
    day = re.search("date = .*", text)
    assert day is not None
    file.write_text(changed.replace(day[0], "date = 2026-12-24"), encoding="utf-8")
    told = json.loads(check(drafted.folder, "1", "--json").stdout)["findings"]
    assert [(one["rule"], one["line"]) for one in told] == [("E13", 4), ("E14", 3)]


def test_a_finding_is_told_with_why_and_who_says_so(drafted: Newsletter) -> None:
    spoil(drafted, "Re: Harbour Weekly")
    result = check(drafted.folder, "1")
    assert result.exit_code == 0
    place = f"{drafted.folder / 'issues' / '001.md'}, line 4"
    assert result.stdout == (
        f"warn  H12  The subject pretends to be an answer or a forwarded mail.  ({place})\n"
        "           it counts as spam, or deceives (SpamAssassin)\n"
    )
    assert result.stderr == "Issue 1: 0 errors, 1 warning\n"


def test_a_blocking_finding_is_exit_code_one(drafted: Newsletter) -> None:
    spoil(drafted, "")
    assert check(drafted.folder, "1").exit_code == 1


def test_findings_as_json_say_the_same(drafted: Newsletter) -> None:
    spoil(drafted, "Re: Harbour Weekly")
    told = json.loads(check(drafted.folder, "1", "--json").stdout)
    assert told["issue"] == 1
    [found] = told["findings"]
    assert (found["rule"], found["severity"]) == ("H12", "warn")
    assert set(found) == {"rule", "severity", "message", "line", "why", "source"}
    assert (found["why"], found["source"]) == ("it counts as spam, or deceives", "SpamAssassin")


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    shown = render(SAMPLE, SAMPLE_BRAND)
    built = build(
        shown,
        SAMPLE_RECIPIENT,
        date=NOW,
        message_id_domain="harbour.example.org",
        list_unsubscribe=True,
    )
    file = tmp_path / "arrived.eml"
    file.write_bytes(as_bytes(built))
    return file


def test_a_received_mail_is_checked_without_settings(arrived: Path) -> None:
    result = CliRunner().invoke(newsletter, ["check", "--received", str(arrived)])
    assert result.exit_code == 1
    assert result.stdout.startswith("error H15  No DKIM-Signature is of harbour.example.org; ")
    assert result.stderr == f"{arrived}: 1 error, 0 warnings\n"


def test_a_received_mail_that_is_signed_is_right(arrived: Path) -> None:
    names = "from:subject:list-unsubscribe:list-unsubscribe-post"
    signature = f"DKIM-Signature: v=1; d=harbour.example.org; s=s1; h={names}; b=x\r\n".encode()
    arrived.write_bytes(signature + arrived.read_bytes())
    result = CliRunner().invoke(newsletter, ["check", "--received", str(arrived), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"file": str(arrived), "findings": []}


def test_a_file_that_is_no_mail_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("nothing of the kind", encoding="utf-8")
    result = CliRunner().invoke(newsletter, ["check", "--received", str(file)])
    assert result.exit_code == 1
    assert f"{file} is no mail" in result.stderr


def test_received_stands_by_itself(arrived: Path) -> None:
    result = CliRunner().invoke(newsletter, ["check", "1", "--received", str(arrived)])
    assert result.exit_code == 2
