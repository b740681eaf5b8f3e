"""`newsletter preview`: to a file, or on a page that follows the issue's file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as email_policy
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.cli.preview import Preview
from flows.cli.preview_server import in_scheme, open_server
from flows.edit.issue_file import write
from flows.errors import IssueError
from flows.render.check import check, check_message
from flows.render.html import personalise, render
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Site:
    """A preview's server at work, and the file it follows."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.server = open_server(self.draw, brand=SAMPLE_BRAND, watched=[file])

    def draw(self) -> Preview:
        subject = self.file.read_text(encoding="utf-8")
        if not subject:
            raise IssueError("issues/042.md, line 3: the subject is empty; write one")
        mail = render(replace(SAMPLE, subject=subject), SAMPLE_BRAND)
        return Preview(personalise(mail, SAMPLE_RECIPIENT), check(mail, SAMPLE_BRAND))

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.server.url}{path}", headers=headers, trust_env=False)


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    file = folder / "subject.txt"
    file.write_text("Lists that <stream>", encoding="utf-8")
    site = Site(file)
    with site.server:
        thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.server.shutdown()
        thread.join()


def test_the_page_shows_inbox_line_text_and_size(site: Site) -> None:
    page = site.get("")
    assert page.status_code == 200
    assert "Lists that &lt;stream&gt;</b> <span>Group snapshots leave beta" in page.text
    assert "Terraform state, explained with a shoebox\nShoebox Engineering" in page.text
    assert "the check finds nothing" in page.text
    assert page.text.count("<iframe") == 4


def test_the_page_shows_findings(site: Site) -> None:
    site.file.write_text("BUY IT NOW", encoding="utf-8")
    assert "<b>warn H12</b> The subject is all in capitals." in site.get("").text


def test_a_mail_in_a_frame_cannot_run_anything(site: Site) -> None:
    policy = site.get("light.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy


def test_each_frame_has_its_scheme(site: Site) -> None:
    assert "@media all {" in site.get("dark.html").text
    assert "@media not all {" in site.get("light.html").text


def test_the_stamp_changes_when_the_file_is_saved(site: Site) -> None:
    before = site.get("stamp").text
    assert site.get("stamp").text == before
    assert before in site.get("").text
    later = site.file.stat().st_mtime_ns + 1_000_000
    os.utime(site.file, ns=(later, later))
    assert site.get("stamp").text != before


def test_a_broken_file_is_told_on_the_page_and_mended_there(site: Site) -> None:
    site.file.write_text("", encoding="utf-8")
    broken = site.get("")
    assert "issues/042.md, line 3: the subject is empty; write one" in broken.text
    assert "/stamp" in broken.text
    site.file.write_text("Mended", encoding="utf-8")
    assert "Mended" in site.get("").text


def test_another_page_is_none(site: Site) -> None:
    assert site.get("etc/passwd").status_code == 404


def test_a_foreign_name_for_this_machine_is_refused(site: Site) -> None:
    assert site.get("", Host="evil.example").status_code == 403


def test_in_scheme_answers_the_mails_question() -> None:
    html = "<head><style>@media (prefers-color-scheme: dark) { a { margin: 0 } }</style>"
    assert in_scheme(html, "dark") == (
        '<head><base target="_blank"><style>@media all { a { margin: 0 } }</style>'
    )
