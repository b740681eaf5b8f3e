"""The issue file: written and read back without loss, forgiving, and plain about what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.edit.characters import one_line
from flows.edit.draft import Outline, draft
from flows.edit.issue_file import read, read_bytes, write
from flows.edit.issue_lines import may_be_linked
from flows.edit.markdown import escape, escape_inline, link, read_link, unescape
from flows.errors import IssueError
from flows.models import Entry, Issue, Item, Kind, Link, Section, Story
from flows.render import markdown

PATH = Path("issues/042.md")

FILE = """+++
number = 42
date = 2026-11-30
subject = "Harbour Weekly 42: dry ropes"
preheader = "A roof over every mooring"
+++

A quiet week, with *one* exception.

See you at the [pier](https://harbour.example/pier).

## Boats

[Dry ropes hold longer](https://harbour.example/ropes)
Harbour Blog · 5 min
The harbour lost four ships last winter. It will lose **none** this time.
<!-- or: The carpenter was paid in fish. -->
<!-- why: Harbour Blog, 22 Nov; score 1.9 -->

[Ropes by the mile](https://mooring.example/?utm_source=harbour)
Sponsored · Mooring Ltd
Buy one, get one.

[A link and nothing else](https://harbour.example/link)

## Videos

### Short answers from Rope Kitchen
YouTube · 2 videos
- [What is a knot?](https://video.example/1)
- [Who ties it?](https://video.example/2)
<!-- why: Rope Kitchen, no date -->

## New since the draft

[Late news](https://harbour.example/late)
Harbour Blog

## Left over

[Contact Ann](https://ann.example/contact/)
Ann
<!-- left out: not an article (path /contact/, 2 words) -->
"""

ISSUE = Issue(
    number=42,
    date=date(2026, 11, 30),
    subject="Harbour Weekly 42: dry ropes",
    preheader="A roof over every mooring",
    intro="A quiet week, with *one* exception.\n\n"
    "See you at the [pier](https://harbour.example/pier).",
    sections=(
        Section(
            name="Boats",
            entries=(
                Entry(
                    title="Dry ropes hold longer",
                    url="https://harbour.example/ropes",
                    source="Harbour Blog",
                    detail="5 min",
                    blurb="The harbour lost four ships last winter. "
                    "It will lose **none** this time.",
                    notes=(
                        "or: The carpenter was paid in fish.",
                        "why: Harbour Blog, 22 Nov; score 1.9",
                    ),
                ),
                Entry(
                    title="Ropes by the mile",
                    url="https://mooring.example/?utm_source=harbour",
                    sponsor="Mooring Ltd",
                    blurb="Buy one, get one.",
                ),
                Entry(title="A link and nothing else", url="https://harbour.example/link"),
            ),
        ),
        Section(
            name="Videos",
            entries=(
                Entry(
                    title="Short answers from Rope Kitchen",
                    source="YouTube",
                    detail="2 videos",
                    links=(
                        Link(title="What is a knot?", url="https://video.example/1"),
                        Link(title="Who ties it?", url="https://video.example/2"),
                    ),
                    notes=("why: Rope Kitchen, no date",),
                ),
            ),
        ),
    ),
    new=(Entry(title="Late news", url="https://harbour.example/late", source="Harbour Blog"),),
    left_over=(
        Entry(
            title="Contact Ann",
            url="https://ann.example/contact/",
            source="Ann",
            notes=("left out: not an article (path /contact/, 2 words)",),
        ),
    ),
)


def test_a_file_says_what_its_issue_holds() -> None:
    assert read(FILE, path=PATH) == ISSUE


@pytest.mark.parametrize(
    ("behind", "source", "detail", "blurb"),
    [
        (" (5 minute read)\nRope News\nOne.", "Rope News", "5 minute read", "One."),
        (" (5 minute read)\nRope News · 6 min\nOne.", "Rope News", "6 min", "One."),
        (" (5 minute read)", "", "5 minute read", ""),
        (" – knots here.", "", "", "knots here."),
        (": Rope News", "Rope News", "", ""),
        (" - Rope News · 5 min", "Rope News", "5 min", ""),
        (" - Rope & Tar Works Inc.", "Rope & Tar Works Inc.", "", ""),
        (" - Yahoo!", "Yahoo!", "", ""),
        (" - Great read!", "", "", "Great read!"),
        (" - Worth it?", "", "", "Worth it?"),
        (" (1 hour)", "", "1 hour", ""),
        (" (GitHub Repo)", "", "GitHub Repo", ""),
        ("\nYou should read this!", "", "", "You should read this!"),
        ("\nWe moved to Python 3.", "", "", "We moved to Python 3."),
        (" by Jane D.", "by Jane D.", "", ""),
        (" (with slides)", "(with slides)", "", ""),
        (" (Rope News)", "(Rope News)", "", ""),
        ("\nNext year the whole crew meets in San Francisco.", "", "",
         "Next year the whole crew meets in San Francisco."),
        ("\nHave I Been Pwned?", "Have I Been Pwned?", "", ""),
        (" - Have I Been Pwned?", "Have I Been Pwned?", "", ""),
        ("\nOh My Zsh!", "Oh My Zsh!", "", ""),
        (" (Papers We Love)", "(Papers We Love)", "", ""),
        ("\nAxios Washington D.C.", "Axios Washington D.C.", "", ""),
    ],
)  # fmt: skip
def test_what_stands_behind_a_link_is_told_apart(
    behind: str, source: str, detail: str, blurb: str
) -> None:
    text = write(replace(ISSUE, sections=(), new=(), left_over=()))
    for linked in ("[T](https://a.example)", "**[T](https://a.example)**"):
        [entry] = read(f"{text}\n## A\n\n{linked}{behind}\n", path=PATH).entries
        assert (entry.source, entry.detail, entry.blurb) == (source, detail, blurb)


def behind_a_link(behind: str) -> Entry:
    text = write(replace(ISSUE, sections=(), new=(), left_over=()))
    [entry] = read(f"{text}\n## A\n\n[T](https://a.example) {behind}\n", path=PATH).entries
    return entry


@pytest.mark.parametrize(
    "detail",
    ["5 min. read", "5 min.", "10 Minute Read", "24+ pages", "1 hr 20 min", "12:30", "5 min, free",
     "video: 12 min", "Video, 12 min", "video 12 min", "videos", "video/slides", "PDF/12 pages",
     "PDFs", "podcast episode", "video & slides", "GitHub", "github repo", "GitHub Repository",
     "website"],
)  # fmt: skip
def test_a_length_or_a_kind_in_brackets_behind_a_link_is_its_detail(detail: str) -> None:
    entry = behind_a_link(f"({detail})")
    assert (entry.source, entry.detail) == ("", detail)


@pytest.mark.parametrize(
    "source",
    ["GitHub Blog", "GitHub Engineering", "Website Planet", "Video Games Chronicle", "github/rope",
     "2 hours ago", "5 min. ago", "1 hr 20 min ago"],
)  # fmt: skip
def test_a_name_or_an_age_in_brackets_behind_a_link_is_no_detail(source: str) -> None:
    entry = behind_a_link(f"({source})")
    assert (entry.source, entry.detail) == (f"({source})", "")


def test_an_issue_is_written_as_editors_know_it() -> None:
    assert write(ISSUE) == FILE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("\n", "\r\n"),
        ("+++\nnumber", "\ufeff\n\n+++\nnumber"),
        ("[Dry ropes hold longer](https://harbour.example/ropes)",
         "**[Dry ropes hold longer](https://harbour.example/ropes)**"),
        ("[Dry ropes hold longer](https://harbour.example/ropes)",
         "[**Dry ropes hold longer**](<https://harbour.example/ropes> \"Harbour\")   "),
        ("[Late news]", "- [Late news]"),
        ("- [What", "* [What"),
        ("- [What", "\n1. [What"),
        ("\n\n[A link", "\n[A link"),
        ("## Boats\n", "##   Boats ##"),
        ("### Short answers from Rope Kitchen\n", "### Short answers from Rope Kitchen\n\n"),
        ("<!-- why: Rope", "\n<!-- why:\n  Rope"),
        ("date = 2026-11-30", 'date = "2026-11-30"'),
        ("date = 2026-11-30", "date = 2026-11-30T08:00:00Z"),
        ("A quiet week", "<!-- write more -->\nA quiet week"),
        ("2 videos\n", "2 videos\t\n"),
    ],
)  # fmt: skip
def test_what_an_editor_may_write_instead_is_understood(written: str, meant: str) -> None:
    assert written in FILE
    assert read(FILE.replace(written, meant), path=PATH) == ISSUE


@pytest.mark.parametrize(
    ("lines", "entry"),
    [
        ("Rope News", Entry(title="T", url="https://a.example", source="Rope News")),
        ("Why is it so slow to dry them? ·",
         Entry(title="T", url="https://a.example", source="Why is it so slow to dry them?")),
        ("This blurb has no source line above it at all.",
         Entry(title="T", url="https://a.example",
               blurb="This blurb has no source line above it at all.")),
        ("·\nShort one", Entry(title="T", url="https://a.example", blurb="Short one")),
        ("A · B · 5 min",
         Entry(title="T", url="https://a.example", source="A · B", detail="5 min")),
        ("A\nOne.\nTwo.",
         Entry(title="T", url="https://a.example", source="A", blurb="One.\nTwo.")),
        ("A must-read post.",
         Entry(title="T", url="https://a.example", blurb="A must-read post.")),
        ("Rope & Tar Works Ltd.\nOne.",
         Entry(title="T", url="https://a.example", source="Rope & Tar Works Ltd.", blurb="One.")),
        ("A\nOne <!-- check: really? --> two.",
         Entry(title="T", url="https://a.example", source="A", blurb="One two.",
               notes=("check: really?",))),
    ],
)  # fmt: skip
def test_the_lines_under_a_link_are_source_and_blurb(lines: str, entry: Entry) -> None:
    text = (
        f"+++\nnumber=1\ndate=2026-11-30\nsubject='S'\n+++\n## A\n[T](https://a.example)\n{lines}\n"
    )
    assert read(text, path=PATH).entries == (entry,)


TOLD = "The harbour lost four ships, and will lose none."


@pytest.mark.parametrize("name", ["This week in rust!", "The best of the web!"])
@pytest.mark.parametrize("blurb", [TOLD, TOLD.replace(", ", ",\n"), f"Ropes!\n{TOLD}"])
def test_what_ends_in_an_exclamation_mark_above_a_blurb_is_the_source(
    name: str, blurb: str
) -> None:
    entry = behind_a_link(f"\n{name}\n{blurb}")
    assert (entry.source, entry.blurb) == (name, blurb)


@pytest.mark.parametrize("comment", ["What a great release!", "Nice work by all!"])
def test_what_stands_behind_the_link_is_a_comment_on_it(comment: str) -> None:
    entry = behind_a_link(f"- {comment}\n{TOLD}")
    assert (entry.source, entry.blurb) == ("", f"{comment}\n{TOLD}")
    for line in ("Boat News · 5 min", "Boat News"):
        entry = behind_a_link(f"- {comment}\n{line}\n{TOLD}")
        assert (entry.source, entry.blurb) == ("Boat News", f"{comment}\n{TOLD}")
    for wrapped in (
        "It is the best of all that I have read since the\nwinter of last year.",
        "It holds better than the old\nrope that everybody knows.",
        "and it holds for years",
        "https://foo.example/x",
        "second\nthird words are here.",
        "Version 3 drops old nodes",
    ):
        entry = behind_a_link(f"- {comment}\n{wrapped}")
        assert (entry.source, entry.blurb) == ("", f"{comment}\n{wrapped}")


@pytest.mark.parametrize(
    "blurb",
    ["It is out.", "Rock the boat!", f"Rock the boat.\n{TOLD}", f"It's out at last!\n{TOLD}",
     f"You should read this!\n{TOLD}", f"Read [all of it](https://a.example/all)!\n{TOLD}",
     f"You should know that ropes rot!\n{TOLD}",
     f"What a great read!\n{TOLD}", f"This changes everything today!\n{TOLD}",
     f"{TOLD}\nThat is a lot!\n{TOLD}"],
)  # fmt: skip
def test_a_short_sentence_below_a_link_is_of_the_blurb(blurb: str) -> None:
    entry = behind_a_link(f"\n{blurb}")
    assert (entry.source, entry.blurb) == ("", blurb)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("+++\nnumber", "number", 1, "must begin with its front matter"),
        ("rdens", "", 1, "must begin"),
        ("mooring\"\n+++\n", "mooring\"\n", 1, "the front matter has no end"),
        ("number = 42\n", "", 1, "the front matter has no number"),
        ("number = 42", "number = true", 2, "number must be a whole number above 0"),
        ("number = 42", "number = 0", 2, "number must be"),
        ("date = 2026-11-30", "date = 'tomorrow'", 3, "date must be a day"),
        ('subject = "Harbour', 'subject = Harbour', 4, "is no TOML"),
        ('dry ropes"', "dry ropes", 4, "is no TOML (a text has no quote at its end"),
        ('subject = "Harbour Weekly 42: dry ropes"', "subject = 42", 4, "subject must be a text"),
        ("preheader =", "preheadr =", 5, "no key preheadr; did you mean preheader?"),
        ("preheader =", "colour =", 5, "no key colour; it may hold number, date"),
        ("number = 42", "number = 42\nnumber = 43", 3, "is no TOML"),
        ("date = 2026-11-30", "date =", 3, "is no TOML (the line is not whole)"),
        ("\n+++\n", "\nsubject =\n+++\n", 6, "is no TOML (the line is not whole)"),
        ("\n+++\n", "\nsubject\n+++\n", 6, "is no TOML (the line is not whole)"),
        ("mooring\"\n+++", "mooring\n+++", 5, "a text has no quote at its end"),
        ("## Videos", "## boats", 26, "the heading boats stands in line 12 already"),
        ("## Videos", "##", 26, "a heading has no name"),
        ("## Boats\n", "", 17, "an entry stands above the first heading"),
        ("## Videos", "# Videos", 26, "a section's heading begins with ##"),
        ("## Videos", "<<<<<<< HEAD\n## Videos", 26, "a merge conflict was left in"),
        ("## Videos", ">>>>>>> theirs\n## Videos", 26, "a merge conflict was left in"),
        ("## Videos", "=======\n## Videos", 26, "a merge conflict was left in"),
        ("## Videos", "||||||| 1a2b3c\n## Videos", 26, "a merge conflict was left in"),
        ("[A link and nothing else](https://harbour.example/link)", "A link and nothing", 24,
         "this line has no link"),
        ("[A link and nothing else](https://harbour.example/link)", "[A link] (https://a.b)", 24,
         "this line has no link"),
        ("example/link)", "example/a link)", 24, "has a space in it"),
        ("example/1)", "example/1 2)", 30, "has a space in it"),
        ("[What is a knot?](https://video.example/1)", "What is a knot?", 30, "has no link"),
        ("example/1)", "example/1) and more", 30, "nothing may stand behind it"),
        ("https://harbour.example/link", "harbour.example/link", 24, "does not begin with https://"),
        ("https://harbour.example/link", "javascript:alert(1)", 24, "does not begin with https://"),
        ("https://harbour.example/link", "https://[::1/link", 24, "leads nowhere"),
        ("https://harbour.example/link", "https://harbour.example:99999/", 24, "leads nowhere"),
        ("https://video.example/1", "https://:80/1", 30, "leads nowhere"),
        ("[A link and nothing else]", "[]", 24, "the link has no title"),
        ("- [What is a knot?](https://video.example/1)\n- [Who ties it?](https://video.example/2)\n",
         "", 28, "has no links"),
        ("### Short answers from Rope Kitchen", "###", 28, "a group has no title"),
        ("2 words) -->", "2 words)", 43, "the comment that begins here has no end"),
        ("score 1.9 -->", "score 1.9", 18, "the comment that begins here has no end"),
        ("[Ropes by the mile]", "<!--\n[Ropes by the mile]", 20, "that begins here has no end"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(right: str, wrong: str, line: int, says: str) -> None:
    text = FILE.replace(right, wrong, 1) if right in FILE else wrong
    with pytest.raises(IssueError) as caught:
        read(text, path=PATH)
    assert says in str(caught.value)
    assert caught.value.line == line
    assert caught.value.path == PATH
    assert str(caught.value).startswith(f"issues/042.md, line {line}: ")
    assert str(caught.value).splitlines()[-1].strip().startswith(f"{line} |")


LEFT_OUT = "[Contact {}](https://ann.example/{}/)\nAnn\n<!-- left out: not an article -->\n"


@pytest.mark.parametrize("name", ["Leftover", "left overs", "Left-over", "LEFTOVER"])
def test_a_misspelt_heading_does_not_send_what_was_left_over(name: str) -> None:
    with pytest.raises(IssueError, match="line 39: what is not to be sent stands under ## Left o"):
        read(FILE.replace("## Left over", f"## {name}"), path=PATH)


def left_over(count: int) -> str:
    return "\n".join(LEFT_OUT.format(n, n) for n in range(count))


OWN = "\n[Our own](https://own.example/)\nHarbour Blog\n"


@pytest.mark.parametrize("behind", ["", OWN], ids=["at the end", "above a later entry"])
def test_a_lost_heading_does_not_send_what_was_left_over(behind: str) -> None:
    text = FILE.partition("## Left over")[0]
    first = text.count("\n") + 1
    lost = f"{text}{left_over(5)}{behind}"
    with pytest.raises(IssueError, match=f"line {first}: what the draft left over would be"):
        read(lost.replace("## New since the draft", "## News"), path=PATH)


def test_a_lost_heading_is_seen_above_other_sections_too() -> None:
    text = FILE.partition("## Left over")[0]
    with pytest.raises(IssueError, match="what the draft left over would be sent from here on"):
        read(text.replace("## Videos", f"{left_over(5)}\n## Videos"), path=PATH)
    misspelt = text.replace("## Videos", f"## Leftover\n\n{left_over(2)}\n## V")
    with pytest.raises(IssueError, match="what is not to be sent stands under ## Left over"):
        read(misspelt, path=PATH)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("place", ["## Videos", "### Short", "## New since the draft"])
def test_a_few_of_what_was_left_over_may_be_moved_up_and_the_list_deleted(
    place: str, count: int
) -> None:
    text = FILE.partition("## Left over")[0]
    moved = read(text.replace(place, f"{left_over(count)}\n{place}"), path=PATH)
    assert len(moved.entries) == len(ISSUE.entries) + count


def test_a_section_may_be_filled_with_a_few_of_what_was_left_over() -> None:
    text = FILE.partition("## New since")[0]
    issue = read(f"{text}## Tools\n\n{left_over(2)}", path=PATH)
    assert [(part.name, len(part.entries)) for part in issue.sections][-1] == ("Tools", 2)


def test_moved_entries_among_others_are_no_lost_list() -> None:
    text = FILE.partition("## New since")[0]
    entries = "".join(f"{LEFT_OUT.format(n, n)}{OWN}\n" for n in range(6))
    assert len(read(f"{text}{entries}", path=PATH).entries) == len(ISSUE.entries) + 12


def test_what_was_left_over_may_wait_with_what_is_new() -> None:
    text = FILE.partition("## Left over")[0]
    assert len(read(f"{text}{left_over(5)}", path=PATH).new) == len(ISSUE.new) + 5


@pytest.mark.parametrize(
    "entry",
    [
        "[A](https://a.example/) (5 min read)\nBlog\nIt is.\n<!-- why: Blog, 2 Jan; score 1.5 -->",
        "- [A](https://a.example/)\n<!-- why: Blog, no date; score 1.5 (weight 1) -->",
        "[A](https://a.example/)\nBlog\n\n<!-- left out: a page -->",
        "[A](https://a.example/) - Blog\nIt is.\n\n<!-- or: It was. -->\n<!-- why: Blog, 2 Jan -->",
        "[A](https://a.example/) (Rope News)\nIt is.\n<!-- why: Rope News, no date -->",
        "### Knots\n\n- [A](https://a.example/)\n<!-- why: Blog, no date -->",
        "### Knots\nYouTube · 1 video\n<!-- why: Blog, no date -->",
    ],
)
def test_an_entry_above_all_headings_is_an_error_in_any_form(entry: str) -> None:
    with pytest.raises(IssueError, match="an entry stands above the first heading"):
        read(FILE.replace("## Boats", f"{entry}\n\n## Boats"), path=PATH)


def test_all_that_was_left_over_may_be_taken_in() -> None:
    text = FILE.partition("## New since")[0]
    taken = f"{text}{left_over(5)}\n## Left over\n"
    assert len(read(taken, path=PATH).entries) == len(ISSUE.entries) + 5


def test_a_section_of_ones_own_may_be_called_leftovers() -> None:
    text = FILE.replace("## Videos", "## Leftovers")
    assert [part.name for part in read(text, path=PATH).sections] == ["Boats", "Leftovers"]
    assert read(text.partition("## Left over")[0], path=PATH).left_over == ()


def test_an_editors_own_comment_in_the_intro_is_no_entry() -> None:
    remark = "A quiet week,\n<!-- why: the score was 3, and left out: the boats -->"
    assert read(FILE.replace("A quiet week,", remark), path=PATH).sections == ISSUE.sections


@pytest.mark.parametrize(
    "intro",
    [
        "[Ann](https://ann.example/) joined us.\n<!-- why: she asked to be told of -->",
        "[Ann](https://ann.example/) (our carpenter) left.\n\n<!-- left out: why she did -->",
        "[The pier](https://harbour.example/)\n\nIt is open.\n<!-- why: the storm is over -->",
        "### The pier\nIt was shut.\n\nIt is open.\n\n<!-- why: the storm is over -->",
    ],
)
def test_an_intro_may_begin_a_line_with_a_link_above_an_editors_comment(intro: str) -> None:
    text = FILE.replace("A quiet week, with *one* exception.", intro)
    assert read(text, path=PATH).sections == ISSUE.sections


def test_the_line_that_is_wrong_is_shown() -> None:
    with pytest.raises(IssueError, match=r"24 \| \[A link and nothing else\]\(ftp:"):
        read(FILE.replace("https://harbour.example/link", "ftp://harbour.example/link"), path=PATH)


def test_a_file_in_another_encoding_is_named_with_its_line() -> None:
    data = FILE.replace("·", "-").replace("four ships", "four shïps").encode("latin-1")
    with pytest.raises(IssueError, match="UTF-8") as caught:
        read_bytes(data, path=PATH)
    assert caught.value.line == 16
    assert "four shïps" in str(caught.value)


def test_bytes_are_read_with_and_without_their_mark() -> None:
    assert read_bytes(FILE.encode("utf-8-sig"), path=PATH) == ISSUE
    assert read_bytes(FILE.encode(), path=PATH) == ISSUE


@given(st.binary(max_size=300))
def test_any_bytes_are_an_error_with_a_line(data: bytes) -> None:
    with pytest.raises(IssueError) as caught:
        read_bytes(data, path=PATH)
    assert caught.value.line > 0


@settings(max_examples=80)
@given(st.lists(st.sampled_from(FILE.split("\n")), max_size=30))
def test_any_mixture_of_lines_is_an_issue_or_an_error_with_a_line(lines: list[str]) -> None:
    head = "+++\nnumber = 1\ndate = 2026-11-30\nsubject = 'S'\n+++\n"
    try:
        issue = read(head + "\n".join(lines), path=PATH)
    except IssueError as error:
        line = error.line
    else:
        line = 1
        assert read(write(issue), path=PATH) == issue
    assert line > 0


MARKS = st.text(alphabet="[]()<>*_`\\#+-!&;~=|{}.:/ ·'\"\nab1é船–", max_size=24)
ANY = st.one_of(MARKS, st.text(max_size=40))
ITEMS = st.builds(
    Item,
    feed=ANY,
    guid=st.just("1"),
    url=ANY.map("https://a.example/{}".format),
    title=ANY,
    content=st.one_of(ANY, ANY.map("{} is what the harbour master said about ropes.".format)),
    author=ANY,
    source=st.one_of(ANY, st.sampled_from(["Sponsored", "YouTube", "A · B", "·", "## x", "- a"])),
    kind=st.sampled_from(Kind),
    published=st.one_of(st.none(), st.just(datetime(2026, 11, 22, tzinfo=UTC))),
    truncated=st.booleans(),
)
STORIES = st.builds(
    Story,
    lead=ITEMS,
    others=st.lists(ITEMS, max_size=1).map(tuple),
    likely=st.lists(ANY, max_size=1).map(tuple),
    held=st.one_of(st.just(""), ANY),
)


@pytest.mark.parametrize(
    ("source", "line"),
    [("Rope Kitchen · Talks · 26", "Rope Kitchen – Talks – 26"), ("A·B", "A·B")],
)
def test_a_source_with_a_dot_in_its_name_needs_none_behind_it(source: str, line: str) -> None:
    story = Story(lead=Item(feed=source, guid="1", url="https://a.example/", title="T"))
    outline = Outline(now=datetime(2026, 11, 23, tzinfo=UTC))
    issue = draft([story], outline=outline, number=7, date=date(2026, 11, 30), title="W").issue
    assert line in write(issue).splitlines()
    assert read(write(issue), path=PATH) == issue


@settings(max_examples=100)
@given(st.lists(STORIES, max_size=6), ANY)
def test_whatever_is_drafted_is_read_back_as_it_was(stories: list[Story], title: str) -> None:
    outline = Outline(now=datetime(2026, 11, 23, tzinfo=UTC), max_entries=2, max_left_over=1)
    issue = draft(stories, outline=outline, number=7, date=date(2026, 11, 30), title=title).issue
    assert read(write(issue), path=PATH) == issue


@given(ANY)
def test_escaped_text_is_shown_as_it_was(text: str) -> None:
    plain = one_line(text)
    assert unescape(escape(plain)) == plain
    [token] = MarkdownIt("commonmark", {"html": False}).parseInline(escape(plain))
    assert "".join(child.content for child in token.children or ()) == plain
    assert all(child.type in ("text", "text_special") for child in token.children or ())


@given(ANY, ANY)
def test_a_link_is_read_as_it_was_written(title: str, place: str) -> None:
    title, url = one_line(title), "https://a.example/" + "".join(one_line(place).split())
    found = read_link(link(title, url))
    assert found is not None
    assert (found.title, found.url, found.rest) == (title, url, "")


@pytest.mark.parametrize(
    ("line", "title", "url"),
    [
        ("[x](https://e.example/a_(b_(c)))", "x", "https://e.example/a_(b_(c))"),
        ("[A [b [c]] d](https://e.example/x)", "A [b [c]] d", "https://e.example/x"),
        (f"[{'[' * 9}x{']' * 9}](https://e.example/{'(' * 9}y{')' * 9})",
         f"{'[' * 9}x{']' * 9}", f"https://e.example/{'(' * 9}y{')' * 9}"),
    ],
)  # fmt: skip
def test_a_link_may_have_brackets_in_its_brackets(line: str, title: str, url: str) -> None:
    found = read_link(line)
    assert found is not None
    assert (found.title, found.url, found.rest) == (title, url, "")
    assert read_link(link(title, url)) == found


def nested(begin: str, end: str) -> st.SearchStrategy[str]:
    return st.recursive(
        st.text("ab", max_size=3),
        lambda inner: st.lists(inner, max_size=3).map(
            lambda parts: f"{begin}{''.join(parts)}{end}"
        ),
    )


@given(st.lists(nested("[", "]")), st.lists(nested("(", ")")), st.text("()", max_size=3))
def test_a_link_in_the_file_is_a_link_in_the_mail(
    titles: list[str], places: list[str], more: str
) -> None:
    line = f"[a{''.join(titles)}](https://e.example/{''.join(places)}{more})"
    found = read_link(line)
    shown = markdown.links(line)
    if found and not found.rest:
        assert [(found.title, found.url)] == [(one.title, one.url) for one in shown]
    else:
        assert more
        assert markdown.to_text(line) not in {one.title for one in shown}


@pytest.mark.parametrize("piece", ["[", "[a", "[]", "(", "a](", "[a](", "[[a]", "((a)", "\\"])
def test_brackets_without_an_end_are_no_link(piece: str) -> None:
    assert read_link(f"[{piece * 5_000}") is None
    assert read_link(f"[a](https://e.example/({piece * 5_000}") is None


@pytest.mark.parametrize("name", ["C#", "Learn #", "# one", "## two", "A * B", "[x](https://a.b)"])
def test_a_heading_keeps_its_name(name: str) -> None:
    issue = replace(ISSUE, sections=(Section(name=name),))
    assert read(write(issue), path=PATH) == issue


@pytest.mark.parametrize(
    "blurb",
    ["## not a heading", "<!-- no comment", "<<<<<<< HEAD", "[all](https://a.example)", "- one"],
)
def test_a_blurb_is_never_read_as_structure(blurb: str) -> None:
    entry = Entry(title="T", url="https://a.example", source="A", blurb=blurb)
    issue = replace(ISSUE, sections=(Section(name="Boats", entries=(entry,)),))
    [found] = read(write(issue), path=PATH).entries
    assert found.blurb.removeprefix("\\") == blurb


def test_a_feed_called_sponsored_books_no_slot() -> None:
    entry = Entry(title="T", url="https://a.example", source="Sponsored", detail="5 min")
    issue = replace(ISSUE, sections=(Section(name="Boats", entries=(entry,)),))
    assert read(write(issue), path=PATH) == issue


def test_inline_text_is_escaped_only_where_it_must_be() -> None:
    assert escape_inline("snake_case, 2 < 3, AT&T & a-b") == "snake_case, 2 < 3, AT&T & a-b"


PLACES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "HTTP://", "http:/", "ftp://", " https://", "mailto:"]),
    st.text("aB0.-[]:@%_ é", max_size=12),
    st.sampled_from(["", ":0", ":443", ":99999", ":x"]),
    st.sampled_from(["", "/", "?q", "#f", "/a b", "\\"]),
)


@given(PLACES)
def test_an_address_that_may_be_linked_has_a_host_and_a_port_that_can_be(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    assert may_be_linked(url) is whole
