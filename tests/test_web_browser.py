"""The web app's pages in a real browser: narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from flows.cli.preview_people import people_page
from flows.cli.web import address, listen, make_server
from flows.pipeline.stores import open_store
from subscribers import store
from subscribers.consent import agreement
from subscribers.models import ConsentAction
from subscribers.store import labels
from subscribers.tokens import Purpose, sign, sign_now
from tests.newsletters import STORIES, Newsletter, web_app
from tests.signing_up import ANN, Site, newcomer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page
    from sqlalchemy import Engine
    from starlette.types import ASGIApp

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.browser

WIDTHS = (320, 800)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Where to put pictures of all pages, for a person to look at.
PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # The pages need no script; axe does.
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    return Site(engine, tmp_path)


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Yield the address that the app is served at."""
    running = make_server(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield address(listener)
        running.should_exit = True
        thread.join(20)


@pytest.fixture
def served(site: Site) -> Iterator[str]:
    with serving(site.app) as url:
        yield url


@pytest.fixture
def reader(site: Site) -> int:
    agreed = agreement("signed the sheet", source="fair")
    store.admit(
        site.engine,
        [newcomer()],
        agreement=agreed,
        action=ConsentAction.ADDED,
        now=site.clock(),
    )
    who = site.person()
    assert who is not None
    return who.id


@pytest.fixture
def paths(site: Site, reader: int) -> dict[str, str]:
    """Every page that a link leads to."""
    own = sign(site.keys, Purpose.UNSUBSCRIBE, reader, 42)
    return {
        "subscribe": "/subscribe",
        "subscribe-embed": "/subscribe/embed",
        "confirm": "/confirm/" + sign_now(site.keys, Purpose.CONFIRM, reader, now=site.clock()),
        "confirm-old": "/confirm/x",
        "unsubscribe": f"/u/{own}",
        "preferences": f"/preferences/{own}",
        "test-link": "/u/" + sign(site.keys, Purpose.TEST, 0, 42),
        "bad-link": "/u/x",
        "not-found": "/nowhere",
    }


# Of pages, not of mails: Gmail strips <main> and the like.
PAGE_ONLY = {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}}


def violations(page: Page, *, of_mail: bool) -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.evaluate(axe.axe_script)
    rules = {"target-size": {"enabled": True}} | (PAGE_ONLY if of_mail else {})
    response = page.evaluate(
        "(rules) => axe.run(document, {resultTypes: ['violations'], rules})", rules
    )
    return [
        (violation["id"], node["target"], node["failureSummary"])
        for violation in response["violations"]
        for node in violation["nodes"]
    ]


def look(page: Page, name: str, *, of_mail: bool = False) -> None:
    """Judge the page as it stands in every light and width."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 700})
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert (name, scheme, width, overflow) == (name, scheme, width, 0)
            found = violations(page, of_mail=of_mail)
            assert (name, scheme, width, found) == (name, scheme, width, [])
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{width}.png")


PATHS = (
    *("subscribe", "subscribe-embed", "confirm", "confirm-old", "unsubscribe", "preferences"),
    *("test-link", "bad-link", "not-found"),
)


@pytest.mark.parametrize("name", PATHS)
def test_each_page_can_be_read_by_everybody(
    page: Page, served: str, paths: dict[str, str], name: str
) -> None:
    page.goto(served + paths[name])
    look_past_policy(page)
    look(page, name)


def look_past_policy(page: Page) -> None:
    """Show the page's own document again where axe may run: its policy forbids all script."""
    page.set_content(page.content())


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[Newsletter, str]]:
    """A newsletter, and the address that its pages are served at."""
    newsletter = Newsletter(tmp_path).write().tell(*STORIES).subscribe(2)
    with (
        open_store(newsletter.settings) as engine,
        serving(web_app(newsletter, engine, clock=newsletter.clock)) as url,
    ):
        yield newsletter, url


def test_the_archive_can_be_read_by_everybody(page: Page, archive: tuple[Newsletter, str]) -> None:
    newsletter, served = archive
    page.goto(f"{served}/")
    assert page.inner_text("h1") == "All issues"
    look_past_policy(page)
    look(page, "issues-none")
    newsletter.run()
    # Not at the root again: the browser may keep the list for some minutes.
    for name, words in (("issues", "Issue 1 ·"), ("issues/1", STORIES[0][0])):
        page.goto(f"{served}/{name}")
        assert words in page.inner_text("body")
        look_past_policy(page)
        look(page, name.replace("/", "-"))


def test_a_reader_signs_up_and_confirms_by_keyboard(page: Page, served: str, site: Site) -> None:
    page.goto(f"{served}/subscribe")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "email"
    page.keyboard.type(ANN)
    page.keyboard.press("Tab")
    # The robots' field is passed over.
    assert page.evaluate("document.activeElement.type") == "submit"
    site.clock.go_on(seconds=5)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Look into your mailbox")
    look_past_policy(page)
    look(page, "subscribe-sent")
    page.goto(served + site.link())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You are subscribed")
    assert site.standing() == "active"
    look_past_policy(page)
    look(page, "confirmed")


def test_what_is_wrong_is_told_at_the_field(page: Page, served: str, site: Site) -> None:
    page.goto(f"{served}/subscribe")
    page.fill("#email", "ann@gmial.com")
    site.clock.go_on(seconds=5)
    page.click("button")
    page.wait_for_selector("text=Did you mean ann@gmail.com?")
    look_past_policy(page)
    look(page, "subscribe-hint")
    page.goto(f"{served}/subscribe")
    # A browser's own check is not everybody's.
    page.eval_on_selector("form", "form => form.noValidate = true")
    page.fill("#email", "ann@@x")
    site.clock.go_on(seconds=5)
    page.click("button")
    page.wait_for_selector(".problem")
    look_past_policy(page)
    look(page, "subscribe-problem")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_parts: object) -> None:
        """Say nothing."""


@pytest.fixture
def blog(served: str, tmp_path: Path) -> Iterator[str]:
    """Somebody else's page, with the form in a frame."""
    (tmp_path / "index.html").write_text(
        f'<!doctype html><iframe src="{served}/subscribe/embed" title="Subscribe" width="300" '
        'height="420"></iframe>',
        encoding="utf-8",
    )
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


def test_the_form_works_in_somebody_elses_page(page: Page, blog: str, site: Site) -> None:
    page.goto(blog)
    frame = page.frame_locator("iframe")
    frame.locator("#email").fill(ANN)
    site.clock.go_on(seconds=5)
    frame.locator("button").click()
    frame.locator("text=Look into your mailbox").wait_for()
    assert site.standing() == "pending"


def test_a_reader_pauses_and_leaves(
    page: Page, served: str, site: Site, paths: dict[str, str]
) -> None:
    page.goto(served + paths["unsubscribe"])
    page.click("text=Take a break of four weeks")
    page.click("text=No issue for four weeks")
    page.click("text=Save")
    page.wait_for_selector("text=A pause until 21 December 2026")
    look_past_policy(page)
    look(page, "preferences-saved")
    page.goto(served + paths["unsubscribe"])
    page.click("button")
    page.wait_for_selector("text=You are unsubscribed")
    assert site.standing() == "unsubscribed"
    look_past_policy(page)
    look(page, "unsubscribed")


def test_the_pages_need_no_script(
    browser: Browser, served: str, site: Site, paths: dict[str, str]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(served + paths["unsubscribe"])
    plain.click("button")
    plain.wait_for_selector("text=You are unsubscribed")
    assert site.standing() == "unsubscribed"
    context.close()


# The boxes of the words in the picture that is shown, and the height of their letters.
WORDS = """[...document.querySelectorAll('.growth text')]
    .filter(word => word.checkVisibility())
    .map(word => [word.getBoundingClientRect(), word.ownerSVGElement.getScreenCTM().a])
    .map(([box, scale]) => [12 * scale, box.left, box.top, box.right, box.bottom])"""


def apart(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.fixture
def figures(page: Page, tmp_path: Path) -> Page:
    """The preview's page on a list of forty."""
    newsletter = Newsletter(tmp_path).write().tell(*STORIES).subscribe(40)
    newsletter.run()
    with open_store(newsletter.settings) as engine:
        labels.tag_people(engine, ["reader1@example.com"], "team")
        store.unsubscribe(engine, 2, source="one click", now=newsletter.clock(), issue=1)
    styles = files("templates").joinpath("web")
    html = people_page(newsletter.settings)
    for name in ("preview.css", "growth.css"):
        css = styles.joinpath(name).read_text(encoding="utf-8")
        html = html.replace(f'<link rel="stylesheet" href="/{name}">', f"<style>{css}</style>")
    page.set_content(html)
    return page


def test_the_figures_of_the_list_can_be_read(figures: Page) -> None:
    look(figures, "figures")


@pytest.mark.parametrize("width", [320, 480, 680, 681, 800])
def test_the_words_of_the_picture_are_large_and_apart(figures: Page, width: int) -> None:
    figures.set_viewport_size({"width": width, "height": 700})
    words = figures.evaluate(WORDS)
    assert len(words) >= 9
    assert all(size >= 10.5 and left >= 0 and right <= width for size, left, _, right, _ in words)
    assert all(apart(one[1:], other[1:]) for one, other in itertools.combinations(words, 2))


@pytest.mark.parametrize("kind", ["confirm", "known"])
def test_a_letter_can_be_read(page: Page, site: Site, reader: int, kind: str) -> None:
    assert reader
    site.send(ANN if kind == "known" else "new@readers.example")
    [letter] = site.letters()
    page.set_content(letter.html)
    look(page, f"letter-{kind}", of_mail=True)
