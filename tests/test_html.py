"""An issue becomes a mail: the same facts in both parts, one tag for what differs by reader."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import TemplateError
from flows.models import Brand, Entry, Issue, Link, Recipient, Section
from flows.render.check import check
from flows.render.digest import digest
from flows.render.html import BUDGET, page, personalise, render
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT
from flows.render.themes import names

if TYPE_CHECKING:
    from lxml.html import HtmlElement

GOLDEN = Path(__file__).parent / "golden"


def document(html: str) -> HtmlElement:
    return lxml.html.document_fromstring(html)


def titles(html: str) -> list[str]:
    return [str(heading.text_content()).strip() for heading in document(html).iter("h3")]


def issue_of(*entries: Entry, subject: str = "News 7", intro: str = "") -> Issue:
    return Issue(
        number=7,
        date=date(2026, 11, 30),
        subject=subject,
        intro=intro,
        sections=(Section(name="Kubernetes", entries=entries),),
    )


def many(count: int) -> Issue:
    entries = (
        Entry(
            title=f"Story {number} has a headline of a usual length for its kind",
            url=f"https://example.org/stories/{number}",
            source="Some Weblog",
            detail="5 min",
            blurb="A summary of about as many words as the editor of a weekly likes to see. " * 3,
        )
        for number in range(count)
    )
    return issue_of(*entries)


@pytest.mark.parametrize("theme", names())
def test_the_sample_looks_as_agreed(theme: str) -> None:
    # newsletter preview --sample --theme THEME --output tests/golden/sample-THEME.html
    mail = personalise(render(SAMPLE, SAMPLE_BRAND, theme=theme), SAMPLE_RECIPIENT)
    assert mail.html == (GOLDEN / f"sample-{theme}.html").read_text(encoding="utf-8")
    assert mail.text == (GOLDEN / "sample.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", names())
def test_the_sample_passes_the_check(theme: str) -> None:
    assert check(render(SAMPLE, SAMPLE_BRAND, theme=theme), SAMPLE_BRAND) == []


def test_rendering_twice_gives_the_same_mail() -> None:
    assert render(SAMPLE, SAMPLE_BRAND) == render(SAMPLE, SAMPLE_BRAND)


def test_both_parts_have_every_entry_in_order() -> None:
    mail = render(SAMPLE, SAMPLE_BRAND)
    wanted = [entry.title for entry in SAMPLE.entries]
    assert titles(mail.html) == wanted
    found = [mail.text.index(title) for title in wanted]
    assert found == sorted(found)


def test_the_editors_notes_stay_with_the_editor() -> None:
    issue = replace(
        issue_of(Entry(title="Sent", url="https://example.org/a", notes=("why: a secret score",))),
        new=(Entry(title="Not yet looked at", url="https://example.org/b"),),
        left_over=(Entry(title="Left over", url="https://example.org/c"),),
    )
    mail = render(issue, SAMPLE_BRAND)
    for part in (mail.html, mail.text, page(issue, SAMPLE_BRAND)):
        assert "Sent" in part
        assert not re.search("secret score|Not yet looked at|Left over", part)


def test_a_section_without_entries_has_no_heading() -> None:
    issue = replace(SAMPLE, sections=(Section(name="Nothing here"), *SAMPLE.sections))
    mail = render(issue, SAMPLE_BRAND)
    assert "Nothing here" not in mail.html + mail.text


def test_a_sponsor_is_named_in_both_parts() -> None:
    url = "https://sponsor.example/p?utm_source=us&x=1"
    entry = Entry(title="An offer", url=url, sponsor="Mooring", blurb="As agreed.")
    mail = render(issue_of(entry), SAMPLE_BRAND)
    assert 'Sponsored · <span dir="auto">Mooring</span>' in mail.html
    assert f"An offer\nSponsored · Mooring\nAs agreed.\n{url}\n" in mail.text


def test_a_group_lists_its_links() -> None:
    links = tuple(Link(title=f"Clip {n}", url=f"https://example.org/{n}") for n in range(3))
    mail = render(issue_of(Entry(title="Clips", links=links)), SAMPLE_BRAND)
    assert [str(item.text_content()) for item in document(mail.html).iter("li")] == [
        "Clip 0",
        "Clip 1",
        "Clip 2",
    ]
    assert "- Clip 2\n  https://example.org/2\n" in mail.text


def test_an_intro_may_have_paragraphs_and_links() -> None:
    intro = "One *word*.\n\nTwo [words](https://example.org/w)."
    mail = render(issue_of(Entry(title="x"), intro=intro), SAMPLE_BRAND)
    assert "<em>word</em>" in mail.html
    assert "One word.\n\nTwo words.\n\nwords:\nhttps://example.org/w\n" in mail.text


def test_an_entry_without_an_address_is_no_link() -> None:
    mail = render(issue_of(Entry(title="Said at the meeting")), SAMPLE_BRAND)
    assert [len(heading.findall(".//a")) for heading in document(mail.html).iter("h3")] == [0]


def test_an_entry_without_a_title_is_called_by_its_host() -> None:
    mail = render(issue_of(Entry(title=" ", url="https://example.org/a")), SAMPLE_BRAND)
    assert titles(mail.html) == ["example.org"]


def test_the_footer_says_all_that_the_law_wants() -> None:
    mail = render(SAMPLE, SAMPLE_BRAND)
    for part in (mail.html, mail.text):
        assert SAMPLE_BRAND.reason in part
        assert SAMPLE_BRAND.postal_address in part
        assert "https://harbour.example.org/privacy" in part
        assert "https://harbour.example.org/issues/042" in part
        assert mail.unsubscribe_tag in part


def test_a_reason_is_given_where_none_is_set() -> None:
    brand = replace(SAMPLE_BRAND, reason="")
    assert "because you subscribed to Harbour Weekly." in render(SAMPLE, brand).text


def test_an_address_of_several_lines_keeps_them() -> None:
    brand = replace(SAMPLE_BRAND, postal_address="12 Quay Street\n1234 Port Example")
    mail = render(SAMPLE, brand)
    lines = '<span dir="auto">12 Quay Street</span><br><span dir="auto">1234 Port Example</span>'
    assert lines in mail.html
    assert "12 Quay Street\n1234 Port Example\n" in mail.text
    assert check(mail, brand) == []


def test_a_language_read_from_the_right_turns_the_page() -> None:
    root = document(render(SAMPLE, replace(SAMPLE_BRAND, language="ar-EG")).html)
    assert (root.get("lang"), root.get("dir")) == ("ar-EG", "rtl")


def test_the_tag_cannot_be_known_to_the_content() -> None:
    tag = render(SAMPLE, SAMPLE_BRAND).unsubscribe_tag
    mail = render(replace(SAMPLE, intro=f"{SAMPLE.intro} {tag}"), SAMPLE_BRAND)
    assert mail.unsubscribe_tag != tag
    assert mail.html.count(mail.unsubscribe_tag) == 1


def test_the_tag_is_safe_wherever_it_goes() -> None:
    assert re.fullmatch(r"-unsubscribe-[0-9a-f]{32}-", render(SAMPLE, SAMPLE_BRAND).unsubscribe_tag)


def test_a_reader_gets_their_own_link_and_nothing_else_changes() -> None:
    mail = render(SAMPLE, SAMPLE_BRAND)
    url = "https://harbour.example.org/u/token?a=1&b=2"
    own = personalise(mail, Recipient(subscriber_id=1, email="a@example.org", unsubscribe_url=url))
    assert own.text == mail.text.replace(mail.unsubscribe_tag, url)
    assert [link.get("href") for link in document(own.html).iter("a")].count(url) == 1
    assert (own.digest, own.unsubscribe_tag) == (mail.digest, "")
    assert personalise(own, SAMPLE_RECIPIENT) == own


def test_the_archives_page_is_nobodys() -> None:
    html = page(SAMPLE, SAMPLE_BRAND)
    assert titles(html) == [entry.title for entry in SAMPLE.entries]
    assert not re.search("unsubscribe|You get this", html, re.IGNORECASE)


def test_a_list_can_be_told_by_its_id() -> None:
    brand = replace(SAMPLE_BRAND, base_url="http://127.0.0.1:8000/news/")
    assert dict(render(SAMPLE, brand).headers) == {
        "List-Id": "Harbour Weekly <newsletter.127.0.0.1>"
    }


@pytest.mark.parametrize(
    ("title", "list_id"),
    [
        pytest.param("News, daily", '"News, daily" <newsletter.harbour.example.org>', id="comma"),
        pytest.param("Ñews", "=?utf-8?b?w5Fld3M=?= <newsletter.harbour.example.org>", id="unicode"),
        pytest.param("", "<newsletter.harbour.example.org>", id="none"),
    ],
)
def test_a_title_is_spelled_as_headers_want_it(title: str, list_id: str) -> None:
    mail = render(SAMPLE, replace(SAMPLE_BRAND, title=title))
    assert dict(mail.headers)["List-Id"] == list_id


def test_a_subject_is_one_line() -> None:
    mail = render(issue_of(Entry(title="x"), subject=" Two\r\nlines\u202e \u200b"), SAMPLE_BRAND)
    assert mail.subject == "Two lines"


TOLD = ("subject", "preheader", "html", "text", "sender", "reply_to")


@given(st.text(max_size=5), st.text(max_size=5))
def test_the_digest_changes_when_a_word_moves(first: str, second: str) -> None:
    mail = replace(render(SAMPLE, SAMPLE_BRAND), html=first, text=second)
    assert digest(mail) == digest(replace(mail, digest="", issue=9))
    if second:
        assert digest(mail) != digest(replace(mail, html=first + second, text=""))


@pytest.mark.parametrize("name", TOLD)
def test_every_part_of_a_mail_changes_the_digest(name: str) -> None:
    mail = render(SAMPLE, SAMPLE_BRAND)
    other = replace(mail, **{name: "x"})  # type: ignore[arg-type]  # each of them is a text
    assert digest(other) != mail.digest == digest(mail)


def test_an_address_keeps_its_order_in_a_mail_from_right_to_left() -> None:
    # Beside an Arabic name, "12 Quay Street" would be shown as "Quay Street 12".
    brand = replace(
        SAMPLE_BRAND,
        title="نشرة",
        language="ar",
        postal_address="12 Quay Street\n1234 Port Example",
    )
    html = render(SAMPLE, brand).html
    lines = '<span dir="auto">12 Quay Street</span><br><span dir="auto">1234 Port Example</span>'
    assert f"نشرة<br>{lines}" in html
    assert check(render(SAMPLE, brand), brand) == []


def test_a_long_title_in_a_group_hangs_behind_its_bullet() -> None:
    links = (Link(title="A knot " * 15, url="https://example.org/knots"),)
    mail = render(issue_of(Entry(title="Videos", links=links)), SAMPLE_BRAND)
    first = mail.text.index("- A knot")
    lines = mail.text[first:].splitlines()[:3]
    assert lines[0].startswith("- A knot A knot")
    assert lines[1].startswith("  A knot")
    assert lines[2] == "  https://example.org/knots"


def test_a_usual_issue_is_small() -> None:
    mail = render(many(30), SAMPLE_BRAND)
    assert len(mail.html.encode()) < 45_000
    assert len(titles(mail.html)) == 30


def test_what_is_too_long_for_a_mail_is_read_on_the_web() -> None:
    issue = many(120)
    mail = render(issue, SAMPLE_BRAND)
    shown = titles(mail.html)
    assert len(mail.html.encode()) <= BUDGET
    assert shown == [entry.title for entry in issue.entries[: len(shown)]]
    assert mail.folded == 120 - len(shown)
    assert f"{mail.folded} more in this issue on the web" in mail.html
    [told] = [found.message for found in check(mail, SAMPLE_BRAND) if found.rule == "S01"]
    assert f"the last {mail.folded} entries are in it only by a link" in told
    assert all(entry.title in mail.text for entry in issue.entries)
    assert titles(page(issue, SAMPLE_BRAND)) == [entry.title for entry in issue.entries]
    assert mail.unsubscribe_tag in mail.html


def test_links_of_what_is_read_on_the_web_are_judged_too() -> None:
    last = Entry(title="The last of all", url="http://bit.ly/3xYz", blurb="It is behind the fold.")
    issue = issue_of(*many(120).entries, last)
    mail = render(issue, SAMPLE_BRAND)
    assert "bit.ly" not in mail.html
    found = check(mail, SAMPLE_BRAND, page=page(issue, SAMPLE_BRAND))
    told = [(finding.rule, finding.message) for finding in found if "bit.ly" in finding.message]
    assert told == [
        ("L02", "The link http://bit.ly/3xYz is not encrypted; try it with https."),
        ("L05", "http://bit.ly/3xYz hides where it leads; link the page itself."),
    ]


def test_a_story_about_markup_that_is_read_on_the_web_is_no_breach() -> None:
    last = Entry(title="A <table> for knots", url="https://harbour.example/knots")
    issue = issue_of(*many(120).entries, last)
    mail = render(issue, SAMPLE_BRAND)
    found = check(mail, SAMPLE_BRAND, page=page(issue, SAMPLE_BRAND))
    assert "H09" not in {finding.rule for finding in found}


def test_the_page_of_an_issue_whose_mail_has_room_for_all_adds_no_findings() -> None:
    mail = render(SAMPLE, SAMPLE_BRAND)
    assert check(mail, SAMPLE_BRAND, page=page(SAMPLE, SAMPLE_BRAND)) == []


@pytest.mark.parametrize("after", [0, 2])
def test_a_first_entry_that_is_too_long_by_itself_is_read_on_the_web(after: int) -> None:
    first = replace(SAMPLE.entries[0], blurb="words " * 15_000)
    issue = issue_of(first, *SAMPLE.entries[1 : after + 1])
    mail = render(issue, SAMPLE_BRAND)
    assert len(mail.html.encode()) <= BUDGET
    assert titles(mail.html) == []
    assert f"{after + 1} more in this issue on the web" in mail.html
    assert all(entry.title in mail.text for entry in issue.entries)
    assert mail.unsubscribe_tag in mail.html


def test_an_unknown_theme_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TemplateError, match="no theme 'nice'; the themes are default, plain"):
        render(SAMPLE, SAMPLE_BRAND, theme="nice")


@pytest.mark.parametrize("theme", ["../default", "default/../plain", "", "/etc"])
def test_a_theme_is_a_folder_and_nothing_else(theme: str) -> None:
    with pytest.raises(TemplateError, match="there is no theme"):
        render(SAMPLE, SAMPLE_BRAND, theme=theme)


@pytest.fixture
def own_theme(tmp_path: Path) -> Path:
    folder = tmp_path / "issue" / "mine"
    folder.mkdir(parents=True)
    (folder / "issue.html.j2").write_text("<!DOCTYPE html><p>{{ brand.title }} of mine</p>")
    (folder / "issue.txt.j2").write_text("{{ brand.title }} <of> mine")
    return tmp_path


def test_a_theme_of_ones_own_is_a_folder(own_theme: Path) -> None:
    mail = render(SAMPLE, SAMPLE_BRAND, theme="mine", templates=own_theme)
    assert "<p>Harbour Weekly of mine</p>" in mail.html
    assert mail.text == "Harbour Weekly <of> mine\n"


def test_a_file_of_ones_own_goes_before_ours(tmp_path: Path) -> None:
    folder = tmp_path / "issue" / "default"
    folder.mkdir(parents=True)
    (folder / "style.css").write_text("h1 { color: #123456 }")
    mail = render(SAMPLE, SAMPLE_BRAND, templates=tmp_path)
    assert '<h1 style="color:#123456">' in mail.html


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        pytest.param("\n{% if %}", "issue/mine/issue.html.j2, line 2", id="syntax"),
        pytest.param("{{ isue.number }}", "'isue' is undefined", id="undefined"),
        pytest.param("{{ issue.nmber }}", "no attribute 'nmber'", id="attribute"),
        pytest.param("{% include 'nowhere' %}", "no template nowhere", id="include"),
        pytest.param("{{ issue | nicely }}", "No filter named 'nicely'", id="filter"),
        pytest.param("{{ 1 + 'x' }}", "unsupported operand", id="type"),
    ],
)
def test_a_broken_theme_is_told_by_its_place(own_theme: Path, template: str, sentence: str) -> None:
    (own_theme / "issue" / "mine" / "issue.html.j2").write_text(template)
    with pytest.raises(TemplateError, match=re.escape(sentence)):
        render(SAMPLE, SAMPLE_BRAND, theme="mine", templates=own_theme)


def test_a_brand_without_privacy_page_has_no_empty_link() -> None:
    brand = Brand(
        title="T", sender="T <t@t.example>", postal_address="x", base_url="https://t.example"
    )
    mail = render(SAMPLE, brand)
    assert "Privacy" not in mail.html + mail.text
    assert "" not in [link.get("href") for link in document(mail.html).iter("a")]
