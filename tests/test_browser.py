"""The mail in a real browser: every theme, awkward issues, narrow and wide, light and dark."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from flows.models import Entry, Issue, Link, Section
from flows.render import html as rendering
from flows.render import themes
from flows.render.html import page as archive_page
from flows.render.html import personalise, render
from flows.render.inline import inline
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT
from flows.render.themes import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDTHS = (320, 600, 800)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Of pages, not of mails: Gmail strips <main> and the like.
PAGE_ONLY = {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}}
PAYLOADS = json.loads((Path(__file__).parent / "payloads.json").read_text(encoding="utf-8"))


def of_entries(*entries: Entry) -> Issue:
    return replace(SAMPLE, sections=(Section(name="Kubernetes", entries=entries),))


def entry(title: str, blurb: str = "A blurb of a few words.") -> Entry:
    return Entry(
        title=title, url="https://example.org/x", source=title, detail="5 min", blurb=blurb
    )


LONG_WORD = "pneumono" * 11 + "xy"
ARABIC = "دليل عملي لمراقبة الخدمات الصغيرة في عناقيد كبيرة"
AWKWARD = {
    "empty-section": replace(SAMPLE, sections=(Section(name="Empty"), *SAMPLE.sections)),
    "sixty-entries": of_entries(*[entry(f"Story number {number}") for number in range(60)]),
    "long-title": of_entries(entry("A title of two hundred characters " * 6)),
    "right-to-left": of_entries(entry(ARABIC, f"{ARABIC} [{ARABIC}](https://example.org/y).")),
    "cjk": of_entries(
        entry("日本語の記事の見出しは空白なしで長く続くことがある" * 5, "中文" * 120)
    ),
    "emoji": of_entries(entry("👩‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 " * 12, "🚀" * 80)),
    "long-word": of_entries(entry(LONG_WORD, f"`{LONG_WORD}` **{LONG_WORD}** {LONG_WORD}")),
    "long-word-in-a-list": of_entries(
        Entry(title="List", links=(Link(title=LONG_WORD, url="https://example.org/x"),) * 3)
    ),
    "markup-in-title": of_entries(entry('<table width="2000"> & <script>acted()</script>')),
    "no-entries": Issue(number=1, date=date(2026, 1, 1), subject="Nothing"),
}


@pytest.fixture(scope="module")
def reused_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def page(reused_page: Page) -> Page:
    """A page as new, in the light; opening one for each test takes as long as the test."""
    reused_page.emulate_media(color_scheme="light")
    reused_page.set_viewport_size({"width": 1280, "height": 720})
    return reused_page


def html_of(issue: Issue, theme: str) -> str:
    brand = replace(SAMPLE_BRAND, language="ar") if ARABIC in str(issue) else SAMPLE_BRAND
    return personalise(render(issue, brand, theme=theme), SAMPLE_RECIPIENT).html


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def violations(page: Page, *, only: str = "") -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    # What passes is not told: for a long issue that takes longer than the judging.
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": [only]}
    else:
        options["rules"] = {**PAGE_ONLY, "target-size": {"enabled": True}}
    response = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        (violation["id"], node["target"], node["failureSummary"])
        for violation in response["violations"]
        for node in violation["nodes"]
    ]


def test_the_oracles_see_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.set_content('<p style="color:#bbb;background:#fff;width:400px">Pale and wide</p>')
    assert [found[0] for found in violations(page, only="color-contrast")] == ["color-contrast"]
    assert overflow(page) > 0
    page.close()


@pytest.mark.parametrize("issue", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("theme", names())
def test_an_awkward_issue_fits_and_can_be_read(page: Page, theme: str, issue: Issue) -> None:
    page.set_content(html_of(issue, theme))
    assert violations(page) == []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        if scheme == "dark":
            assert violations(page, only="color-contrast") == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert (scheme, width, overflow(page)) == (scheme, width, 0)


# The Gmail app with another provider's account: no style block, no class, no comment.
WITHOUT_STYLES = """() => {
  document.querySelectorAll('style').forEach((style) => style.remove());
  document.querySelectorAll('[class]').forEach((one) => one.removeAttribute('class'));
  const comments = document.createNodeIterator(document, NodeFilter.SHOW_COMMENT);
  for (let one = comments.nextNode(); one; one = comments.nextNode()) one.remove();
}"""


@pytest.mark.parametrize("issue", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("theme", names())
def test_an_awkward_issue_fits_where_a_client_drops_all_styles(
    page: Page, theme: str, issue: Issue
) -> None:
    page.set_content(html_of(issue, theme))
    page.evaluate(WITHOUT_STYLES)
    assert violations(page) == []
    # Nothing is left that could ask for the dark.
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert (width, overflow(page)) == (width, 0)


# As the check's rules for pictures (I01 to I03) want one to be.
PICTURE = (
    '<img src="https://pictures.example.org/crane.png" alt="A crane at dusk" width="552" '
    'height="310" style="width:100%; max-width:552px; height:auto; display:block">'
)


@pytest.mark.parametrize("without_styles", [False, True], ids=["styled", "without-styles"])
@pytest.mark.parametrize("theme", names())
def test_pictures_may_be_blocked(browser: Browser, theme: str, *, without_styles: bool) -> None:
    page = browser.new_page()
    page.route("**/*", lambda route: route.abort())
    html = html_of(SAMPLE, theme)
    page.set_content(html.replace("<h3", f"{PICTURE}<h3"))
    if without_styles:
        page.evaluate(WITHOUT_STYLES)
    assert violations(page) == []
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth === 0)")
    assert page.get_by_role("img", name="A crane at dusk").count() == html.count("<h3") > 5
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert (scheme, width, overflow(page)) == (scheme, width, 0)
            assert page.locator("h3").last.is_visible()
    page.close()


@pytest.mark.parametrize("theme", names())
def test_links_are_as_high_as_a_fingertip(browser: Browser, theme: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.set_content(html_of(SAMPLE, theme))
    # WCAG 2.2, 2.5.8: 24 px, or as much room around; links within a sentence are excepted.
    assert violations(page, only="target-size") == []
    alone = page.locator("a.line").all()
    assert len(alone) == 3
    assert all((link.bounding_box() or {"height": 0})["height"] >= 24 for link in alone)
    page.close()


@pytest.mark.parametrize("theme", names())
def test_the_kept_block_thins_the_lines_under_links(page: Page, theme: str) -> None:
    # A style attribute's "text-decoration: underline" sets thickness and colour back.
    page.set_content(html_of(SAMPLE, theme))
    link = page.locator("h3 a").first
    thickness = link.evaluate("one => getComputedStyle(one).textDecorationThickness")
    assert thickness == "1px"


def test_a_title_has_the_inks_colour_and_a_links_line(page: Page) -> None:
    page.set_content(html_of(SAMPLE, "default"))
    told = "one => getComputedStyle(one)"
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        title = page.locator("h3 a").first
        link = page.locator("p.words a").first
        ink = page.locator("h1").evaluate(f"{told}.color")
        assert title.evaluate(f"{told}.color") == ink
        line = title.evaluate(f"{told}.textDecorationColor")
        assert line == link.evaluate(f"{told}.color") != ink


# Where the first and the last letter of an element stand.
ENDS = """(element) => [0, element.textContent.length - 1].map((at) => {
  const range = document.createRange();
  range.setStart(element.firstChild, at);
  range.setEnd(element.firstChild, at + 1);
  return range.getBoundingClientRect().left;
})"""


@pytest.mark.parametrize("theme", names())
def test_a_line_of_another_script_keeps_its_order_in_a_mail_from_right_to_left(
    page: Page, theme: str
) -> None:
    link = Link(title="Do we need a mesh?", url="https://example.org/x")
    lines = Entry(title=ARABIC, source="Yahoo!", detail="5 min", links=(link,))
    page.set_content(html_of(of_entries(lines), theme))
    for line in (page.get_by_text(link.title), page.get_by_text("Yahoo!")):
        first, last = line.evaluate(ENDS)
        assert first < last


@pytest.mark.parametrize("theme", names())
def test_a_short_piece_of_code_stays_on_one_line(page: Page, theme: str) -> None:
    code = "{{ .Values.image.tags }}"
    page.set_viewport_size({"width": 320, "height": 800})
    page.set_content(html_of(of_entries(entry("Code", f"`{code}` " * 9)), theme))
    heights = page.locator("code").evaluate_all(
        "all => all.map(one => one.getClientRects().length)"
    )
    assert heights == [1] * 9
    assert overflow(page) == 0


@pytest.mark.parametrize("theme", names())
def test_the_archives_page_can_be_read(page: Page, theme: str) -> None:
    page.set_content(archive_page(SAMPLE, SAMPLE_BRAND, theme=theme))
    assert violations(page) == []


# What every element looks like; no picture or script runs in between.
COMPUTED = """[...document.body.querySelectorAll('*')].map((element) => {
  const style = getComputedStyle(element);
  return ['color', 'backgroundColor', 'fontSize', 'fontFamily', 'fontWeight', 'lineHeight',
    'display', 'marginTop', 'marginLeft', 'marginBottom', 'paddingTop', 'paddingLeft',
    'borderTopWidth', 'borderTopColor', 'textDecorationLine', 'maxWidth', 'width', 'height',
    'wordBreak', 'tableLayout'].map((name) => style[name]).join('|');
})"""


@pytest.mark.parametrize("theme", names())
def test_inlining_changes_no_elements_look(page: Page, theme: str) -> None:
    environment = themes.open_theme(theme)
    values = rendering._values(SAMPLE, SAMPLE_BRAND, theme=theme, unsubscribe="-tag-")
    raw = themes.fill(environment, themes.HTML, values)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (360, 800):
            page.set_viewport_size({"width": width, "height": 800})
            page.set_content(raw)
            before = page.evaluate(COMPUTED)
            page.set_content(inline(raw))
            assert len(before) > 50
            assert page.evaluate(COMPUTED) == before


@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_payload_acts(browser: Browser, kind: str) -> None:
    texts = PAYLOADS[kind]
    entries = tuple(
        Entry(title=f"t {text}", url=text, source=text, blurb=f"words {text}") for text in texts
    )
    acted: list[str] = []
    page = browser.new_page()
    page.expose_function("acted", lambda: acted.append("script"))
    page.on("dialog", lambda dialog: acted.append(dialog.message))
    page.on("request", lambda request: acted.append(request.url))
    page.set_content(html_of(of_entries(*entries), "default"))
    for link in page.locator("h3 a").all():
        link.dispatch_event("mouseover")
    assert acted == []
    page.close()
