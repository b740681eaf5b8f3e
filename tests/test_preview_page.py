"""The preview's page in a real browser: it follows the file, and the keyboard is enough."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from flows.cli.preview import _stored
from flows.cli.preview_server import open_server
from flows.edit.issue_file import write
from flows.models import Entry
from flows.render.sample import SAMPLE
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from flows.cli.preview_server import PreviewServer

pytestmark = pytest.mark.browser

LEFT = Entry(
    title="Contact us",
    url="https://harbour.example.org/contact/",
    source="Harbour Blog",
    notes=("left out: not an article (path /contact/, 3 words)",),
)
# Ten seconds' worth.
LOOKS = 500
# What a window shows of the mails, one by one.
SHOWN = """() => [...document.querySelectorAll('iframe, pre.text')]
  .filter((one) => one.checkVisibility()).map((one) => one.classList[0])"""
# The ground of the mail; of a frame that is being loaded there is none yet.
GROUND = """[document.querySelector('iframe.desk').contentDocument?.querySelector('td.page')]
  .map((cell) => cell && getComputedStyle(cell).backgroundColor)[0]"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Newsletter(tmp_path).write()
    path = tmp_path / "issues" / "042.md"
    path.parent.mkdir()
    path.write_text(write(replace(SAMPLE, left_over=(LEFT,))), encoding="utf-8")
    return path


@contextmanager
def followed(file: Path) -> Iterator[PreviewServer]:
    config = file.parent.parent / "newsletter.toml"
    source = _stored(config, "", number=42, since=None, as_of=None)
    with open_server(source.draw, watched=source.watched) as server:
        server.follow()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def opened(browser: Browser, server: PreviewServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1500, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    yield page
    context.close()
    assert troubles == []
    assert {url for url in asked if not url.startswith((server.url, "data:"))} == set()


@pytest.fixture
def server(file: Path) -> Iterator[PreviewServer]:
    with followed(file) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: PreviewServer) -> Iterator[Page]:
    with opened(browser, server) as page:
        yield page


def becomes(page: Page, expression: str) -> None:
    """Wait until it is so; Playwright's own way to is what the page's policy forbids, eval."""
    for _ in range(LOOKS):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(expression)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_save_is_seen_without_a_hand_and_where_one_was(page: Page, file: Path) -> None:
    mail = page.frame_locator("iframe.phone")
    mail.locator("h3").first.wait_for()
    page.evaluate("document.querySelector('iframe.phone').contentWindow.scrollTo(0, 700)")
    change(file, "Terraform state, explained", "Terraform state, told again")
    mail.get_by_text("Terraform state, told again with a shoebox").wait_for()
    page.frame_locator("iframe.desk").get_by_text("told again with a shoebox").wait_for()
    assert "told again" in (page.locator("pre.text").text_content() or "")
    becomes(page, "document.querySelector('iframe.phone').contentWindow.scrollY === 700")


def test_the_inbox_line_and_the_findings_follow_too(page: Page, file: Path) -> None:
    change(file, 'subject = "Harbour Weekly 42: lists that stream"', 'subject = "BUY IT NOW"')
    page.locator(".inbox .desk-row").get_by_text("BUY IT NOW").wait_for()
    finding = page.locator("#findings li").filter(has_text="H12")
    assert "042.md:4 subject = " in (finding.locator("pre").text_content() or "")
    assert page.title() == "Issue 42: BUY IT NOW"


def test_the_page_fits_a_small_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_broken_file_is_told_and_the_mail_stays(page: Page, file: Path) -> None:
    change(file, "preheader =", "preheader")
    page.get_by_role("alert").get_by_text("042.md, line 5").wait_for()
    assert page.frame_locator("iframe.desk").locator("h3").first.is_visible()
    change(file, "preheader", "preheader =")
    page.get_by_role("alert").wait_for(state="detached")


def test_a_page_without_a_mail_comes_alive_once_the_file_is_mended(
    browser: Browser, file: Path
) -> None:
    whole = file.read_text(encoding="utf-8")
    file.write_text("nothing", encoding="utf-8")
    with followed(file) as server, opened(browser, server) as page:
        page.get_by_role("alert").get_by_text("042.md, line 1").wait_for()
        assert page.evaluate(SHOWN) == []
        file.write_text(whole, encoding="utf-8")
        page.frame_locator("iframe.desk").locator("h3").first.wait_for()
        assert page.get_by_role("alert").count() == 0
        assert page.title().startswith("Issue 42: ")


def test_what_was_left_over_is_listed_with_its_reason(page: Page) -> None:
    left = page.locator("#left li")
    assert left.count() == 1
    assert "not an article (path /contact/, 3 words)" in left.inner_text()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.locator("iframe.desk").wait_for()
    assert page.evaluate(SHOWN) == ["phone", "desk"]
    for key, shown in (
        ("2", ["phone"]),
        ("3", ["desk"]),
        ("4", ["text"]),
        ("1", ["phone", "desk"]),
    ):
        page.keyboard.press(key)
        assert page.evaluate(SHOWN) == shown
    page.keyboard.press("d")
    becomes(page, f"{GROUND} === 'rgb(20, 23, 26)'")
    page.keyboard.press("j")
    becomes(page, "document.querySelector('iframe.desk').contentWindow.scrollY > 0")
    page.keyboard.press("o")
    assert page.evaluate("document.activeElement.id") == "left"
    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible()
    page.keyboard.press("Escape")
    page.locator("dialog#keys").wait_for(state="hidden")


def test_the_keys_can_be_put_off(page: Page) -> None:
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    assert page.evaluate(SHOWN) == ["phone", "desk"]
    # Without them: Tab leads to the choice, arrows choose.
    page.locator("#both").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(SHOWN) == ["phone"]


def test_what_was_chosen_stays_chosen(page: Page) -> None:
    page.keyboard.press("2")
    page.keyboard.press("d")
    page.reload()
    assert page.evaluate(SHOWN) == ["phone"]
    assert page.locator("#dark").is_checked()


def test_a_mails_links_open_beside_the_page(page: Page) -> None:
    frame = page.frame_locator("iframe.desk")
    assert frame.locator("base").get_attribute("target") == "_blank"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1500])
def test_the_page_can_be_read_and_fits(page: Page, file: Path, scheme: Any, width: int) -> None:
    change(file, 'subject = "Harbour Weekly', 'subject = "Re: A SUBJECT FAR TOO LONG FOR ANY INBOX')
    page.locator("#findings li").first.wait_for()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe wants to be a script of the page; a test may hand it in from outside.
    page.evaluate(axe.axe_script)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations'], iframes: false})")
    assert json.dumps([one["id"] for one in found["violations"]]) == "[]"
