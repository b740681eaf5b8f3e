"""`newsletter preview`: to a file, or on a page that follows the issue's file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as email_policy
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.cli.preview import Source, _stored
from flows.cli.preview_page import MOST_SHOWN, View, as_reader, in_scheme
from flows.cli.preview_server import open_server, stamp
from flows.edit.issue_file import read, write
from flows.edit.left_over import not_listed
from flows.edit.review import review
from flows.errors import IssueError, NewsletterError
from flows.models import Entry
from flows.pipeline.approval import approve_now
from flows.pipeline.looking import look
from flows.pipeline.pointing import Lines
from flows.pipeline.stores import open_store
from flows.render.check import check, check_message
from flows.render.html import personalise, render
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT
from flows.settings import load
from flows.store import issues
from subscribers.errors import DatabaseUnavailable
from tests.newsletters import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(newsletter, ["preview", *arguments])


@pytest.mark.parametrize("theme", ["default", "plain"])
def test_the_sample_is_written_as_html(folder: Path, theme: str) -> None:
    result = preview("--sample", "--theme", theme, "--output", "mail.html")
    assert result.exit_code == 0
    assert result.stdout == ""
    written = (folder / "mail.html").read_bytes()
    assert written == (GOLDEN / f"sample-{theme}.html").read_bytes()


def test_the_sample_is_written_as_text(folder: Path) -> None:
    assert preview("--sample", "--output", "mail.txt").exit_code == 0
    assert (folder / "mail.txt").read_bytes() == (GOLDEN / "sample.txt").read_bytes()


def test_the_sample_is_written_as_a_message_that_passes_the_rules(folder: Path) -> None:
    assert preview("--sample", "--output", "mail.eml").exit_code == 0
    message = message_from_bytes((folder / "mail.eml").read_bytes(), policy=email_policy)
    assert check_message(message) == []
    lines = [part.get_content().splitlines() for part in message.iter_parts()]
    wanted = [GOLDEN / "sample.txt", GOLDEN / "sample-default.html"]
    assert lines == [path.read_text(encoding="utf-8").splitlines() for path in wanted]


def test_a_folder_that_is_not_there_is_made(folder: Path) -> None:
    assert preview("--sample", "--output", "a/b/mail.html").exit_code == 0
    assert (folder / "a" / "b" / "mail.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--sample", "--output", "mail.pdf"), 2, "end the name in .html, .txt or .eml"),
        (("7", "--sample"), 2, "Give NNN or --sample, not both"),
        (("--sample", "--output", "mail.txt", "--open"), 2, "not both"),
        (("--sample", "--theme", "nice"), 1, "the themes are default, plain"),
        (("--output", "mail.html"), 2, "newsletter.toml"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    result = preview(*arguments)
    assert result.exit_code == code
    assert sentence in result.stderr


def test_a_theme_of_ones_own_is_shown_without_settings(folder: Path) -> None:
    theme = folder / "templates" / "issue" / "mine"
    theme.mkdir(parents=True)
    (theme / "issue.html.j2").write_text("<!DOCTYPE html><h1>{{ issue.number }} is mine</h1>")
    (theme / "issue.txt.j2").write_text("mine")
    result = preview("--sample", "--theme", "mine", "--output", "mail.html")
    assert result.exit_code == 0
    assert "42 is mine" in (folder / "mail.html").read_text()
    assert "error G01: The HTML part lacks the postal address." in result.stderr


@pytest.fixture
def newsletter_folder(folder: Path) -> Path:
    brand = SAMPLE_BRAND
    told = {
        "--title": brand.title,
        "--sender": brand.sender,
        "--postal-address": brand.postal_address,
        "--base-url": brand.base_url,
    }
    options = [part for option in told.items() for part in option]
    result = CliRunner().invoke(newsletter, ["init", *options])
    assert result.exit_code == 0
    (folder / "issues").mkdir(exist_ok=True)
    (folder / "issues" / "042.md").write_text(write(SAMPLE), encoding="utf-8")
    return folder


def test_an_issue_is_shown_as_its_file_says(newsletter_folder: Path) -> None:
    assert preview("42", "--output", "mail.html").exit_code == 0
    brand = replace(SAMPLE_BRAND, reason="", privacy_url="", reply_to="")
    wanted = personalise(render(SAMPLE, brand), SAMPLE_RECIPIENT)
    assert (newsletter_folder / "mail.html").read_text(encoding="utf-8") == wanted.html


def test_an_issue_without_a_file_is_told(newsletter_folder: Path) -> None:
    result = preview("7", "--output", str(newsletter_folder / "mail.html"))
    assert result.exit_code == 1
    assert "007.md" in result.stderr


def test_prefect_is_not_paid_for(folder: Path) -> None:
    code = (
        "import sys; from flows.cli import newsletter\n"
        "newsletter(['preview', '--sample', '--output', 'mail.html'], standalone_mode=False)\n"
        "slow = {'prefect', 'sqlalchemy', 'fastapi', 'starlette', 'feedparser', 'sendgrid'}\n"
        "sys.exit(', '.join(sorted(slow & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, [])


FILE = Path("issues/042.md")


class Site:
    """A preview's server at work, and the issue's file that it follows."""

    def __init__(
        self,
        file: Path,
        source: Source | None = None,
        *,
        status: Callable[[], str] | None = None,
    ) -> None:
        self.file = file
        self.drawn = 0
        source = source or Source(draw=self.draw, watched=(file,), status=status)
        self.server = open_server(source.draw, watched=source.watched, status=source.status)

    def draw(self) -> View:
        self.drawn += 1
        text = self.file.read_text(encoding="utf-8")
        issue = read(text, path=FILE)
        mail = render(issue, SAMPLE_BRAND)
        lines = Lines(text, path=FILE)
        return View(
            issue=issue,
            mail=as_reader(mail, SAMPLE_BRAND),
            brand=SAMPLE_BRAND,
            findings=tuple(lines.point([*check(mail, SAMPLE_BRAND), *review(issue)])),
            standing="draft",
            file=FILE,
            lines=lines,
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.server.url}{path}", headers=headers, trust_env=False)

    def save(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        later = self.file.stat().st_mtime_ns + 1_000_000
        self.file.write_text(text.replace(old, new), encoding="utf-8")
        os.utime(self.file, ns=(later, later))


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    with site.server:
        site.server.follow()
        thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.server.shutdown()
        thread.join()


LEFT = Entry(
    title="Contact <us>",
    url="https://harbour.example.org/contact/",
    source="Harbour Blog",
    notes=("left out: not an article (path /contact/, 3 words)", "check: no date"),
)
NEW = Entry(title="Hot off the press", url="https://harbour.example.org/hot", source="Harbour Blog")


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    file = folder / "042.md"
    issue = replace(SAMPLE, subject="Lists that <stream>", left_over=(LEFT,), new=(NEW,))
    file.write_text(write(issue), encoding="utf-8")
    with serving(Site(file)) as site:
        yield site


@pytest.fixture
def followed(newsletter_folder: Path) -> Iterator[Site]:
    with open_store(load(newsletter_folder / "newsletter.toml")) as engine:
        issues.claim(engine, None, at_least=42)
    source = _stored(None, "", number=42, since=None, as_of=None)
    with serving(Site(newsletter_folder / FILE, source)) as site:
        yield site


def test_the_page_shows_inbox_line_text_and_size(site: Site) -> None:
    page = site.get("")
    assert page.status_code == 200
    assert "Lists that &lt;stream&gt;</b>" in page.text
    assert '<span class="pre">Group snapshots leave beta' in page.text
    assert "Terraform state, explained with a shoebox\nShoebox Engineering" in page.text
    size = len(site.get("light.html").content)
    assert re.search(r"\d\d,\d{3} of 102,400 bytes, where Gmail clips", page.text)
    assert size > 10_000
    assert page.text.count("<iframe") == 2


def test_the_page_lists_what_is_left_over_with_reason_and_line(site: Site) -> None:
    page = site.get("").text
    line = 1 + site.file.read_text(encoding="utf-8").splitlines().index(
        "[Contact \\<us>](https://harbour.example.org/contact/)"
    )
    assert "not an article (path /contact/, 3 words); no date" in page
    assert f"Harbour Blog · line {line}" in page
    assert "Contact &lt;us&gt;</a>" in page
    assert "New since the draft" in page


def test_the_page_counts_what_the_file_does_not_list(folder: Path) -> None:
    file = folder / "042.md"
    counted = (*[LEFT] * (MOST_SHOWN + 3), not_listed(40, "that there was no room for"))
    file.write_text(write(replace(SAMPLE, left_over=counted)), encoding="utf-8")
    with serving(Site(file)) as site:
        told = site.get("").text
    assert "243 left over" in told
    assert "3 more stand in the file." in told
    assert "40 are not listed;" in told
    assert "40 more stories" not in told


def test_a_finding_shows_its_line(site: Site) -> None:
    site.save('subject = "Lists that <stream>"', 'subject = "BUY IT NOW"')
    page = site.get("").text
    assert "<b>Warning H12</b> The subject is all in capitals." in page
    assert "042.md:4</span> subject = &#34;BUY IT NOW&#34;" in page


def test_a_mail_in_a_frame_cannot_run_anything(site: Site) -> None:
    policy = site.get("light.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy


def test_the_page_loads_nothing_but_its_own(site: Site) -> None:
    policy = site.get("").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert site.get("preview.js").headers["content-type"].startswith("text/javascript")
    assert site.get("preview.css").status_code == 200


def test_each_frame_has_its_scheme(site: Site) -> None:
    assert "@media all {" in site.get("dark.html").text
    assert "@media not all {" in site.get("light.html").text


def test_a_question_waits_for_the_next_change(site: Site) -> None:
    word = re.search(r'data-stamp="(\w+)"', site.get("").text)
    assert word is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.get, f"changes?since={word[1]}")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        site.save("Lists that", "Maps that")
        assert waiting.result(timeout=20).text != word[1]
    assert "Maps that &lt;stream&gt;" in site.get("").text


def test_an_approval_in_another_window_is_seen(followed: Site) -> None:
    word = followed.server.follow()
    assert '<p class="standing">draft</p>' in followed.get("").text
    settings = load(followed.file.parent.parent / "newsletter.toml")
    approve_now(settings, 42, observer=Watcher())
    assert followed.get(f"changes?since={word}").text != word
    assert '<p class="standing">approved</p>' in followed.get("").text


def test_a_status_that_was_not_to_be_had_is_asked_for_again(folder: Path) -> None:
    file = folder / "042.md"
    file.write_text(write(SAMPLE), encoding="utf-8")
    troubles = ["database: cannot be reached"]

    def status() -> str:
        if troubles:
            raise DatabaseUnavailable(troubles.pop())
        return "draft"

    with serving(Site(file, status=status)) as site:
        word = site.server.follow()
        assert site.get(f"changes?since={word}").text != word
    assert site.drawn == 2


def test_a_mail_is_drawn_once_a_change(site: Site) -> None:
    for path in ("", "light.html", "dark.html", ""):
        site.get(path)
    assert site.drawn == 1
    site.save("Lists that", "Maps that")
    site.get("dark.html")
    assert "Maps that" in site.get("").text
    assert site.drawn == 2


def test_a_broken_file_is_told_above_the_mail_as_it_was(site: Site) -> None:
    site.save('subject = "Lists', "subject = Lists")
    broken = site.get("").text
    assert "042.md, line 4: the front matter is no TOML" in broken
    assert "Group snapshots leave beta" in broken
    assert "Lists that" in site.get("light.html").text
    site.save("subject = Lists", 'subject = "Mended')
    mended = site.get("").text
    assert "no TOML" not in mended
    assert "Mended" in mended


def test_a_folder_in_the_files_place_is_told_above_the_mail_as_it_was(
    followed: Site,
) -> None:
    followed.file.unlink()
    followed.file.mkdir()
    broken = followed.get("")
    assert "042.md: cannot be read: Is a directory" in broken.text
    assert "Group snapshots leave beta" in broken.text
    followed.file.rmdir()
    followed.file.write_text(write(SAMPLE), encoding="utf-8")
    assert "cannot be read" not in followed.get("").text


@contextmanager
def saved_again_and_again(file: Path, *versions: str) -> Iterator[None]:
    """Save as some editors do: the old file is moved away, then the new one is put in its place."""
    done = threading.Event()

    def save() -> None:
        for version in cycle(versions):
            new = file.with_suffix(".new")
            new.write_text(version, encoding="utf-8")
            file.rename(file.with_suffix(".md~"))
            new.rename(file)
            if done.is_set():
                break

    thread = threading.Thread(target=save)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_look_is_at_one_version_of_the_file_whatever_an_editor_saves(
    newsletter_folder: Path,
) -> None:
    settings = load(newsletter_folder / "newsletter.toml")
    file, text = newsletter_folder / FILE, write(replace(SAMPLE, subject="BUY IT NOW"))
    file.write_text(text, encoding="utf-8")
    with saved_again_and_again(file, f"\n\n{text}", text):
        for _ in range(30):
            with suppress(IssueError):
                seen = look(settings, 42)
                assert seen.lines is not None
                [capitals] = [one for one in seen.findings if one.rule == "H12"]
                assert seen.lines.shown(capitals.line) == 'subject = "BUY IT NOW"'


def test_a_file_that_is_broken_from_the_start_is_shown_once_it_is_mended(folder: Path) -> None:
    file = folder / "042.md"
    file.write_text("nothing", encoding="utf-8")
    with serving(Site(file)) as site:
        broken = site.get("")
        assert broken.status_code == 200
        assert "042.md, line 1: " in broken.text
        assert "There is nothing to show yet" in broken.text
        assert site.get("light.html").status_code == 200
        assert site.get("changes?since=").headers["x-broken"] == "yes"
        file.write_text(write(SAMPLE), encoding="utf-8")
        assert "Group snapshots leave beta" in site.get("").text
        assert "Group snapshots leave beta" in site.get("light.html").text


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let children be interrupted: a shell's background jobs ignore SIGINT, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def started(*arguments: str) -> tuple[int, str]:
    """Start the command and interrupt it once it serves; return how it ended, and what it said."""
    command = [sys.executable, "-m", "flows.cli", "preview", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if served := re.search(r"http://127\S+", line):
                httpx.get(served[0], trust_env=False).raise_for_status()
                process.send_signal(signal.SIGINT)
    return process.returncode, said


@pytest.mark.usefixtures("interruptible")
def test_a_file_that_is_broken_from_the_start_is_told_and_served(newsletter_folder: Path) -> None:
    (newsletter_folder / FILE).write_text("nothing", encoding="utf-8")
    code, said = started("42")
    assert code == 0
    assert "042.md, line 1: " in said
    result = preview("42", "--output", "mail.html")
    assert result.exit_code == 1
    assert "042.md, line 1: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("7",), "there is no such issue"), (("--sample", "--theme", "nice"), "there is no theme")],
    ids=["issue", "theme"],
)
def test_what_no_save_will_mend_is_told_at_once(
    newsletter_folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert not (newsletter_folder / "issues/007.md").exists()
    code, said = started(*arguments)
    assert code == 1
    assert says in said


def test_a_file_that_is_being_replaced_is_no_change_of_its_own(folder: Path) -> None:
    missing = folder / "gone.md"
    assert stamp([missing]) == stamp([missing, folder / "neither"])


def test_a_port_that_is_taken_is_told(site: Site) -> None:
    with pytest.raises(NewsletterError, match="leave --port out"):
        open_server(site.draw, watched=[], port=site.server.server_port)


def test_another_page_is_none(site: Site) -> None:
    assert site.get("etc/passwd").status_code == 404
    assert site.get("../../etc/passwd").status_code == 404


def test_a_foreign_name_for_this_machine_is_refused(site: Site) -> None:
    assert site.get("", Host="evil.example").status_code == 403


def test_it_is_served_on_this_machine_only(site: Site) -> None:
    assert site.server.server_address[0] == "127.0.0.1"


def test_in_scheme_answers_the_mails_question() -> None:
    html = "<head><style>@media (prefers-color-scheme: dark) { a { margin: 0 } }</style>"
    assert in_scheme(html, "dark") == (
        '<head><base target="_blank"><style>@media all { a { margin: 0 } }</style>'
    )
