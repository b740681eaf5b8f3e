"""What is said of an issue's words, and the line of its file that each finding names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.edit.issue_file import read, write
from flows.edit.review import LONGEST_BLURB, review
from flows.edit.sponsors import Booking, findings
from flows.models import Entry, Finding, Issue, Link, Section
from flows.pipeline.pointing import Lines
from flows.render.check import check
from flows.render.html import render
from flows.render.sample import SAMPLE, SAMPLE_BRAND

FILE = Path("042.md")
STORY = Entry(
    title="Three ways to drain a node",
    url="https://harbour.example.org/drain",
    source="Harbour Blog",
    blurb="Draining a node is easy until a pod refuses to move.",
)


def issue_of(*entries: Entry) -> Issue:
    return replace(SAMPLE, sections=(Section(name="Clusters", entries=(STORY, *entries)),))


def told(issue: Issue) -> list[tuple[str, int]]:
    """The rules that find something, each with its line of the file as it is written."""
    found = lines(issue).point(review(issue))
    return [(finding.rule, finding.line) for finding in found]


def lines(issue: Issue) -> Lines:
    return Lines(write(issue), path=FILE)


def line_of(issue: Issue, part: str) -> int:
    [number] = lines_with(part, write(issue))
    return number


def lines_with(part: str, text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if part in line]


def test_the_sample_is_in_order() -> None:
    assert review(SAMPLE) == []


@pytest.mark.parametrize(
    ("rule", "entry", "part"),
    [
        (
            "E01",
            replace(STORY, title="Again", url="http://www.harbour.example.org/drain/?utm_source=x"),
            "[Again]",
        ),
        (
            "E02",
            replace(STORY, title="Long", url="https://a.example/", blurb="Wo rd " * 50 + "x."),
            "Wo rd",
        ),
        (
            "E03",
            replace(STORY, title="Cut", url="https://a.example/", blurb="It ends with a"),
            "ends with a",
        ),
        (
            "E03",
            replace(STORY, title="Teaser", url="https://a.example/", blurb="It ends with …"),
            "ends with …",
        ),
        (
            "E04",
            replace(
                STORY,
                title="Plea",
                url="https://a.example/",
                blurb="We drained a node. Subscribe to our newsletter for more.",
            ),
            "We drained",
        ),
    ],
)
def test_odd_words_are_told_with_their_line(rule: str, entry: Entry, part: str) -> None:
    issue = issue_of(entry)
    assert told(issue) == [(rule, line_of(issue, part))]


def test_a_story_that_another_blurb_tells_and_that_stands_by_itself_is_told() -> None:
    blurb = f"Pods move. So did [ours]({STORY.url}?utm_source=x) a year ago."
    merged = replace(STORY, title="Moved", url="https://a.example/moved", blurb=blurb)
    issue = issue_of(merged)
    assert told(issue) == [("E01", line_of(issue, "Pods move."))]
    assert "in the blurb of 'Moved'" in review(issue)[0].message


@pytest.mark.parametrize(
    ("parts", "found"), [(("#a", "#b"), 0), (("#a", "#a"), 1), (("", "#b"), 1), (("#a", ""), 1)]
)
def test_two_parts_of_a_page_are_two_things_to_read(parts: tuple[str, str], found: int) -> None:
    one, other = (
        replace(STORY, title=f"Part {n}", url=f"https://log.example/day{part}")
        for n, part in enumerate(parts)
    )
    assert [rule for rule, _ in told(issue_of(one, other))] == ["E01"] * found


def test_a_blurb_may_link_another_part_of_a_page() -> None:
    blurb = f"Pods move. So did [ours]({STORY.url}#top) a year ago."
    merged = replace(STORY, title="Moved", url="https://a.example/moved", blurb=blurb)
    assert told(issue_of(merged)) == []


def test_a_blurb_may_link_its_own_story_and_what_is_no_entry() -> None:
    blurb = "Pods move, says [it](https://a.example/moved#pods); see [this](https://b.example/)."
    own = replace(STORY, title="Moved", url="https://a.example/moved", blurb=blurb)
    also = replace(
        own, title="Else", url="https://c.example/", blurb="See [it](https://b.example)."
    )
    intro = f"First of all [nodes]({STORY.url})."
    assert told(replace(issue_of(own, also), intro=intro)) == []


@pytest.mark.parametrize(
    "blurb",
    [
        "See [the whole text.](https://a.example/y)",
        "It is done. (via [Bob](https://b.example/))",
        "It is done [as told](https://b.example/). (In French)",
        "It is `done`.",
        "Is it done? :-)",
        "He said (and meant it.)",
        "नोड खाली हो गया।",
        "هل انتهى العمل؟",
        "کام ہو گیا۔",
    ],
)
def test_a_blurb_whose_words_end_as_a_sentence_does_is_whole(blurb: str) -> None:
    entry = replace(STORY, title="Whole", url="https://a.example/1", blurb=blurb)
    assert told(issue_of(entry)) == []


@pytest.mark.parametrize(
    "blurb",
    [
        "It ends with [a link.](https://a.example/y) and",
        "It ends with [the docs](https://a.example/y.)",
        "It ends (via Bob.) with",
        "It ends (via Bob)",
        "It ends in `code.`, with",
    ],
)
def test_a_blurb_whose_words_end_in_mid_sentence_is_cut(blurb: str) -> None:
    entry = replace(STORY, title="Cut", url="https://a.example/1", blurb=blurb)
    assert [rule for rule, _ in told(issue_of(entry))] == ["E03"]


def test_words_that_may_be_so_are_not_told() -> None:
    fine = (
        replace(STORY, title="Whole", url="https://a.example/1", blurb='He said "so be it."'),
        replace(STORY, title="Marked", url="https://a.example/2", blurb="It is **done.**"),
        replace(STORY, title="None", url="https://a.example/3", blurb=""),
        replace(
            STORY, title="Long", url="https://a.example/4", blurb="wo " * (LONGEST_BLURB - 1) + "x."
        ),
    )
    assert told(issue_of(*fine)) == []


def test_a_sponsors_words_stay_as_they_are() -> None:
    sponsored = replace(STORY, source="", sponsor="Acme", blurb="Use the code SHIP for a rebate")
    assert told(issue_of(sponsored)) == []


def test_what_waits_under_its_own_heading_is_told() -> None:
    issue = replace(issue_of(), new=(replace(STORY, url="https://a.example/new"),))
    assert told(issue) == [("E05", line_of(issue, "## New since the draft"))]
    assert "1 story stands" in review(issue)[0].message


@pytest.mark.parametrize("written", ["[our survey](https://a.example/ship yard)", "[js](/js)"])
@pytest.mark.parametrize("sponsor", ["", "Acme"])
def test_a_link_that_is_none_is_told_where_it_is_written(written: str, sponsor: str) -> None:
    like = replace(STORY, title="Yard", url="https://a.example/ship", blurb="No news.")
    blurb = f"It floats.\nTake {written} with you, and come again."
    entry = replace(STORY, title="Boats", url="https://a.example/b", sponsor=sponsor, blurb=blurb)
    issue = issue_of(like, entry)
    assert told(issue) == [("E09", line_of(issue, written))]
    issue = replace(issue_of(like), intro=f"Good morning.\n\nTake {written} with you.")
    assert told(issue) == [("E09", line_of(issue, written))]


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("[our survey](https://a.example/ship yard)", "error"),
        ("[js](javascript:alert(1))", "error"),
        ("[our survey](www.survey.example)", "error"),
        ("[our survey](/survey)", "error"),
        (f"[{'the survey of all ropes ' * 5}](https://a.example/ship yard)", "error"),
        ("[sic](and smiled)", "warn"),
        ("[sic](he smiled.)", "warn"),
        ("[the plan](see p. 4)", "warn"),
        ("[WIP][RFC] ropes", "warn"),
        ("[our survey](TODO)", "error"),
        ("[our survey](#survey)", "error"),
        ("[what Ann wrote][1]", "error"),
        ("[what Ann wrote][ann]\n[ann]: https://ropes.example/ann", "error"),
        ("[our survey](ropes.example/a b)", "error"),
    ],
)
def test_a_link_that_names_a_page_and_is_none_blocks(written: str, severity: str) -> None:
    issue = issue_of(replace(STORY, title="T", url="https://a.example/", blurb=f"It {written} so."))
    assert [one.severity for one in review(issue) if one.rule == "E09"] == [severity]


def test_a_group_that_lost_a_video_is_told_where_it_stands() -> None:
    links = tuple(Link(title=f"Clip {part}", url=f"https://a.example/{part}") for part in "abc")
    group = Entry(title="Short answers", source="YouTube", detail="3 videos", links=links)
    assert told(issue_of(group)) == []
    fewer = issue_of(replace(group, links=links[:2]))
    assert told(fewer) == [("E08", line_of(fewer, "### Short answers"))]
    assert "says 3 videos and lists 2" in review(fewer)[0].message


@pytest.mark.parametrize(
    ("name", "is_told"),
    [("New since draft", True), ("News since the draft", True), ("New this week", False)],
)
def test_a_heading_that_is_nearly_that_of_new_stories_is_told(name: str, *, is_told: bool) -> None:
    issue = issue_of()
    issue = replace(issue, sections=(*issue.sections, Section(name=name, entries=(STORY,))))
    assert ("E10" in {one.rule for one in review(issue)}) == is_told


def left_out(number: int) -> Entry:
    return replace(
        STORY,
        title=f"Contact {number}",
        url=f"https://a.example/{number}",
        notes=("left out: not an article (path /contact/, 3 words)",),
    )


def test_the_one_that_was_left_over_and_is_sent_is_told() -> None:
    issue = replace(issue_of(left_out(1)), left_over=())
    assert [(one.rule, one.severity) for one in review(issue)] == [("E10", "warn")]


def test_all_that_was_left_over_and_is_sent_is_told_if_nothing_is_left_over() -> None:
    own = replace(STORY, title="Own", url="https://own.example/")
    issue = replace(issue_of(left_out(1), left_out(2), own), left_over=())
    [first] = issue.sections
    above = Section(name="Above", entries=(left_out(3),))
    issue = replace(issue, sections=(above, first, Section(name="Empty")))
    wanted = [("E10", line_of(issue, f"[Contact {number}]")) for number in (3, 1, 2)]
    assert told(issue) == wanted


def test_what_is_moved_up_while_others_stay_left_over_is_an_editors_choice() -> None:
    issue = replace(issue_of(left_out(1), left_out(2)), left_over=(left_out(3),))
    assert "E10" not in {one.rule for one in review(issue)}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Two things:\n- One.\n- Two.", "a list"),
        ("In order:\n1. One.\n2. Two.", "a list"),
        ("Two things:\n\n- One,\n  and more.\n\n- Two.", "a list"),
        ("They say:\n> Nobody knows.", "a quotation"),
        ("#### Why\nBecause.", "a heading"),
        ("![chart](https://a.example/c.png) It rises.", "a picture"),
        ("```\nkubectl\n```", "a block of code"),
        ("In figures:\n| a | b |\n|---|---|\n| 1 | 2 |", "a table"),
        ("It is <b>bold</b>.", "HTML"),
    ],
)
def test_markdown_that_a_mail_does_not_know_is_told(text: str, what: str) -> None:
    for issue in (issue_of(replace(STORY, blurb=text)), replace(SAMPLE, intro=text)):
        [message] = [one.message for one in review(issue) if one.rule == "E11"]
        assert f"has {what}, " in message


@pytest.mark.parametrize(
    "text",
    [
        "It is 3 - 1. So it is 2.",
        "Use `<b>` and `- x`, *not* **those**.",
        r"Use \<b> and \- that.",
        "Version\n1.2 is out - at last.",
        "See you at the pier.\n- Ann",
    ],
)
def test_markdown_that_a_mail_knows_is_not_told(text: str) -> None:
    assert "E11" not in {one.rule for one in review(issue_of(replace(STORY, blurb=text)))}


def test_what_a_mail_does_not_know_is_mended_where_it_is_written() -> None:
    entry = replace(
        STORY, title="Lists", url="https://a.example/", blurb="Two things:\n- One.\n- Two."
    )
    issue = issue_of(entry)
    assert ("E11", line_of(issue, "- One.")) in told(issue)
    last = replace(issue_of(left_out(1)), left_over=())
    assert ("E10", line_of(last, "[Contact 1]")) in told(last)


@pytest.mark.parametrize(
    "source", ["by [Ann](https://ann.example/)", "[Two](https://two.example/)"]
)
def test_a_link_in_a_source_line_blocks(source: str) -> None:
    issue = issue_of(replace(STORY, title="Yard", url="https://a.example/ship", source=source))
    assert told(issue) == [("E09", line_of(issue, "[Yard]"))]
    assert [one.severity for one in review(issue)] == ["error"]


def test_what_a_draft_was_not_sure_of_is_told_until_its_comment_is_gone() -> None:
    note = "check: looks like “Wet ropes”, keep one?"
    entry = replace(STORY, title="Dry ropes", url="https://a.example/dry", notes=(note,))
    issue = issue_of(entry)
    [found] = [one for one in lines(issue).point(review(issue)) if one.rule == "E12"]
    assert found.line == line_of(issue, note)
    message = found.message
    assert message.startswith("'Dry ropes': looks like “Wet ropes”, keep one?; delete")
    assert "E12" not in {one.rule for one in review(issue_of(replace(entry, notes=())))}


@pytest.mark.parametrize("start", [f"Harbour Weekly {SAMPLE.number}", f"#{SAMPLE.number}"])
def test_a_subject_of_the_draft_that_names_a_story_taken_out_is_told(start: str) -> None:
    other = replace(STORY, title="Caches lie", url="https://a.example/")
    wrote = replace(issue_of(other), subject=f"{start}: Three ways to…")
    without = replace(wrote, sections=(Section(name="Clusters", entries=(other,)),))
    [found] = review(without, wrote=wrote)
    assert (found.rule, found.severity) == ("E13", "warn")
    assert "names 'Three ways to', which is not in the issue" in found.message
    assert review(wrote, wrote=wrote) == []
    assert review(replace(without, subject="Caches, and why they lie"), wrote=wrote) == []
    assert review(without) == []


def test_a_preheader_of_the_draft_that_names_a_story_taken_out_is_told() -> None:
    other = replace(STORY, title="Caches lie", url="https://a.example/")
    wrote = replace(issue_of(other), subject="News", preheader=f"{other.title} · {STORY.title}")
    without = replace(wrote, sections=(Section(name="Clusters", entries=(STORY,)),))
    [found] = review(without, wrote=wrote)
    assert (found.rule, found.severity) == ("E16", "warn")
    assert "The preheader names 'Caches lie', which is not" in found.message
    cut = replace(wrote, preheader=f"{STORY.title} · Caches")
    [found] = review(replace(without, preheader=cut.preheader), wrote=cut)
    assert "names 'Caches lie'," in found.message
    longer = replace(STORY, title="Caches lie at sea", url="https://a.example/sea")
    wrote = replace(issue_of(other, longer), subject="News")
    wrote = replace(wrote, preheader="Caches lie · Caches lie at sea")
    without = replace(wrote, sections=(Section(name="Clusters", entries=(longer,)),))
    assert [one.rule for one in review(without, wrote=wrote)] == ["E16"]
    whole = replace(wrote, preheader="Caches lie")
    without = replace(whole, sections=(Section(name="Clusters", entries=(other,)),))
    assert review(without, wrote=whole) == []
    retitled = replace(other, title="Caches lie, and why")
    without = replace(whole, sections=(Section(name="Clusters", entries=(retitled,)),))
    assert review(without, wrote=whole) == []
    assert lines(without).point([found])[0].line == line_of(without, "preheader = ")
    assert review(wrote, wrote=wrote) == []
    assert review(replace(without, preheader="Read this"), wrote=wrote) == []


def test_a_day_that_is_not_the_drafts_is_told() -> None:
    wrote = replace(issue_of(), subject="News")
    [found] = review(replace(wrote, date=wrote.date + timedelta(days=1)), wrote=wrote)
    assert found.rule == "E14"
    assert f"drafted for {wrote.date}" in found.message


def test_an_issue_with_nothing_to_send_is_blocked() -> None:
    [finding] = review(replace(SAMPLE, sections=(), left_over=(STORY,)))
    assert (finding.rule, finding.severity) == ("E07", "error")


@pytest.mark.parametrize(
    ("change", "rule", "part"),
    [
        ({"subject": "BUY IT NOW"}, "H12", "subject ="),
        ({"preheader": "Too short"}, "P01", "preheader ="),
    ],
)
def test_the_inbox_line_is_mended_in_the_front_matter(
    change: dict[str, str], rule: str, part: str
) -> None:
    issue = replace(SAMPLE, **change)  # type: ignore[arg-type]  # only texts are changed here
    found = lines(issue).point(check(render(issue, SAMPLE_BRAND), SAMPLE_BRAND))
    assert [(one.rule, one.line) for one in found] == [(rule, line_of(issue, part))]


@pytest.mark.parametrize(
    ("rule", "entry", "part"),
    [
        ("L02", replace(STORY, title="Plain", url="http://a.example/x"), "[Plain]"),
        ("L01", replace(STORY, title="Here", url="https://a.example/x"), "[Here]"),
        ("L05", replace(STORY, title="Short", url="https://bit.ly/3x"), "[Short]"),
        (
            "L02",
            replace(
                STORY,
                title="Blurb",
                url="https://a.example/x",
                blurb="As told [in (part) two](http://b.example/p_(2)) last week.",
            ),
            "As told",
        ),
    ],
)
def test_a_link_is_mended_where_it_stands(rule: str, entry: Entry, part: str) -> None:
    issue = issue_of(entry)
    found = lines(issue).point(check(render(issue, SAMPLE_BRAND), SAMPLE_BRAND))
    assert [(one.rule, one.line) for one in found] == [(rule, line_of(issue, part))]


def test_a_sponsors_slot_is_filled_where_it_stands() -> None:
    sponsored = replace(STORY, source="", sponsor="Acme & Sons", title="Ship", blurb="")
    issue = issue_of(sponsored)
    booked = Booking(day=issue.date, name="Acme & Sons")
    found = lines(issue).point(findings(issue, [booked]))
    assert [one.line for one in found] == [line_of(issue, "Sponsored ·")]
    bare = issue_of()
    nowhere = lines(bare).point(findings(bare, [booked]))
    assert [one.line for one in nowhere] == [line_of(bare, "date =")]


def test_a_link_that_is_also_left_over_is_mended_where_it_is_sent() -> None:
    plain = replace(STORY, title="Plain", url="http://a.example/x")
    issue = replace(issue_of(plain), left_over=(replace(plain, title="Left"),))
    found = lines(issue).point(check(render(issue, SAMPLE_BRAND), SAMPLE_BRAND))
    assert [one.line for one in found] == [line_of(issue, "[Plain]")]


def test_what_no_line_of_the_file_is_about_has_none() -> None:
    theme = Finding(rule="D08", severity="error", message="<p> has padding, 'x' and 'y'.")
    assert lines(SAMPLE).point([theme]) == [theme]


def pointed(body: str, *told: Finding) -> list[tuple[str, str]]:
    """The rules that find something in a file with this body, each with the line that it names."""
    text = write(replace(SAMPLE, sections=(), intro="")) + body
    issue, lines = read(text, path=FILE), Lines(text, path=FILE)
    found = told or (*check(render(issue, SAMPLE_BRAND), SAMPLE_BRAND), *review(issue))
    return [(one.rule, lines.shown(one.line)) for one in lines.point(found)]


def entry(title: str, address: str, blurb: str = "It holds whatever the tide does.") -> str:
    return f"[{title}]({address})\nHarbour Blog ·\n{blurb}\n\n"


ROPE = "https://a.example/rope"
CUT = "It holds and then it"
POINTED = {
    "a longer address is another": (
        entry("Rope", ROPE) + entry("Again", ROPE) + entry("Walk", f"{ROPE}walk"),
        [("E01", f"[Again]({ROPE})")],
    ),
    "each but the first": (
        entry("Rope", ROPE) + entry("Again", ROPE) + f"### Ropes\n- [Rope]({ROPE}?utm_source=a)\n",
        [("E01", f"[Again]({ROPE})"), ("E01", f"- [Rope]({ROPE}?utm_source=a)")],
    ),
    "an address that another begins with": (
        entry("Long", "https://bit.ly/abc") + entry("Short", "https://bit.ly/ab"),
        [("L05", "[Long](https://bit.ly/abc)"), ("L05", "[Short](https://bit.ly/ab)")],
    ),
    "a title that is told of before": (
        entry("Tides", ROPE, "The bowline is told of below.")
        + entry("The bowline", "https://a.example/bowline", CUT),
        [("E03", CUT)],
    ),
    "a title of two": (
        entry("The bowline", ROPE) + entry("The bowline", "https://a.example/bowline", CUT),
        [("E03", CUT)],
    ),
    "a title that is a word of a blurb": (
        entry("Tides", ROPE, "Here is where the rope ends.")
        + entry("Here", "https://a.example/here"),
        [("L01", "[Here](https://a.example/here)")],
    ),
    "a blurb of a program": (
        entry("Tides", ROPE).rstrip() + "\n<!-- why: Blog -->\n<!-- draft: by a program -->\n",
        [("E06", "<!-- draft: by a program -->")],
    ),
    "below what is new": (
        "## New since the draft\n\n"
        + entry("Buoys", "http://a.example/buoys")
        + "## Knots\n\n"
        + entry("The bowline", "http://a.example/buoys", CUT),
        [
            ("L02", "[The bowline](http://a.example/buoys)"),
            ("E03", CUT),
            ("E05", "## New since the draft"),
        ],
    ),
}


@pytest.mark.parametrize(("body", "wanted"), POINTED.values(), ids=POINTED)
def test_a_finding_names_the_very_line_to_mend(body: str, wanted: list[tuple[str, str]]) -> None:
    assert pointed(f"\n## Ropes\n\n{body}") == wanted


@pytest.mark.parametrize(
    "address",
    [f"{ROPE}#knots", f"{ROPE}/{'long/' * 30}"],
    ids=["without its fragment", "cut"],
)
def test_an_address_that_is_told_otherwise_is_found(address: str) -> None:
    body = "\n## Ropes\n\n" + entry("Walk", f"{ROPE}walk") + entry("Rope", address)
    named = address.partition("#")[0][:100]
    told = Finding(rule="L02", severity="warn", message=f"The link {named} leads nowhere.")
    assert pointed(body, told) == [("L02", f"[Rope]({address})")]


def test_a_sponsor_whose_name_begins_anothers_is_not_taken_for_it() -> None:
    slots = [
        replace(STORY, source="", sponsor=name, title=f"By {name}", url=f"https://a.example/{name}")
        for name in ("Knot", "Knotwork")
    ]
    issue = issue_of(slots[0], replace(slots[1], blurb=""))
    bookings = [Booking(day=issue.date, name=name) for name in ("Knot", "Knotwork")]
    found = findings(issue, bookings)
    assert [one.line for one in lines(issue).point(found)] == [
        line_of(issue, "Sponsored · Knotwork")
    ]
