"""What became of an item, asked for later: every answer is from what was kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from flows.cli import newsletter as command
from flows.errors import NewsletterError
from flows.models import Item, Outcome
from flows.pipeline import desk
from flows.pipeline.approval import approve_now
from flows.pipeline.stores import open_store
from flows.pipeline.why import Answer, Standing, explain
from flows.store.items import save_items
from tests.newsletters import NOW, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
FEEDS = """
[[feeds]]
url = "https://quay.example/feed"
name = "Quay Blog"

[[feeds]]
url = "https://gossip.example/feed"
name = "Gossip"
"""
TEXT = (
    "The crane lost its load on a Friday evening because of a lock that nobody knew of, held by a "
    "job that nobody had looked at in years. Here is how we found it and what we changed since."
)


def item(slug: str, title: str, text: str = "", **fields: object) -> Item:
    plain = Item(
        feed="Quay Blog",
        guid=f"tag:quay.example,2026:{slug}",
        url=f"https://quay.example/posts/{slug}",
        title=title,
        summary=text or f"{title}: the whole story with figures, and what became of all of it.",
        published=NOW - DAY,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # each test names real fields


CRANE = item("crane", "The crane that lost its load on a Friday", TEXT)
COPY = replace(
    CRANE, feed="Gossip", guid="gossip:812", url="https://gossip.example/812", published=NOW
)
ROPES = item("ropes", "Nine ropes, measured over one winter")
TIDES = item("tides", "Why our tide table was wrong by an hour", published=NOW - 2 * DAY)
CONTACT = item("x", "Contact us", "Contact us", url="https://quay.example/contact/")


class Desk:
    """A newsletter with two feeds whose items are stored without asking anybody."""

    def __init__(self, folder: Path) -> None:
        self.own = Newsletter(folder).write().subscribe(2)
        self.path = folder / "newsletter.toml"
        self.path.write_text(self.path.read_text("utf-8") + FEEDS, encoding="utf-8")

    def store(self, *items: Item, days: float = 0) -> Desk:
        with open_store(self.own.settings) as engine:
            for told in items:
                url = f"https://{'gossip' if told.feed == 'Gossip' else 'quay'}.example/feed"
                save_items(engine, url, [told], now=NOW + days * DAY)
        return self

    def set(self, before: str, after: str) -> Desk:
        self.path.write_text(self.path.read_text("utf-8").replace(before, after), encoding="utf-8")
        return self

    def draft(self, days: float = 0) -> Desk:
        desk.draft_now(self.own.settings, observer=self.own.watcher, as_of=NOW + days * DAY)
        return self

    def send(self, number: int = 1) -> Desk:
        assert self.own.send(number).verdict is Outcome.SENT
        return self

    def edit(self, before: str, after: str, number: int = 1) -> Desk:
        path = self.own.folder / "issues" / f"{number:03}.md"
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return self

    def file(self, number: int = 1) -> str:
        return (self.own.folder / "issues" / f"{number:03}.md").read_text("utf-8")

    def move(self, told: Item, heading: str) -> Desk:
        """Move an item's entry, as an editor does, under another heading of issue 1."""
        path = self.own.folder / "issues" / "001.md"
        blocks = path.read_text("utf-8").split("\n\n")
        moved = next(block for block in blocks if block.startswith(f"[{told.title}]"))
        blocks.remove(moved)
        blocks.insert(blocks.index(f"## {heading}") + 1, moved.rstrip())
        path.write_text("\n\n".join(blocks), encoding="utf-8")
        return self

    def why(self, asked: str, days: float = 0) -> Answer:
        return explain(self.own.settings, asked, now=NOW + days * DAY)

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(command, [*arguments, "--config", str(self.path)])


@pytest.fixture
def desk_of(tmp_path: Path) -> Desk:
    return Desk(tmp_path).store(CRANE, COPY, ROPES, TIDES, CONTACT)


def test_what_was_sent_says_when_and_in_which_issue(desk_of: Desk) -> None:
    answer = desk_of.draft().send().why("https://www.quay.example/posts/ropes/?utm_source=x")
    assert (answer.standing, answer.sentence) == (
        Standing.SENT,
        "sent in #1 on 25 Nov 2026, 09:00 UTC",
    )
    assert [told.feed for told in answer.known.items] == ["Quay Blog"]
    assert answer.known.items[0].first_seen == NOW


def test_a_copy_says_what_it_was_merged_into_and_why(desk_of: Desk) -> None:
    answer = desk_of.draft().send().why(COPY.url)
    assert answer.merged is not None
    assert (answer.merged.title, answer.merged.feed) == (CRANE.title, "Quay Blog")
    assert answer.merged_because == "same title on another site, texts agree 100 %"
    assert answer.standing is Standing.SENT
    assert {told.feed for told in answer.known.items} == {"Quay Blog", "Gossip"}


def test_the_leading_item_names_every_feed_that_told_it(desk_of: Desk) -> None:
    answer = desk_of.draft().why(CRANE.url)
    assert answer.merged is None
    assert {told.feed for told in answer.known.items} == {"Quay Blog", "Gossip"}


def test_what_is_drafted_says_where_it_stands(desk_of: Desk) -> None:
    answer = desk_of.draft().why(ROPES.url)
    assert (answer.standing, answer.sentence) == (
        Standing.DRAFTED,
        "stands under Worth a look in the file of #1, which is not sent yet",
    )


def test_what_is_no_article_says_so(desk_of: Desk) -> None:
    answer = desk_of.draft().why("Contact us")
    assert answer.standing is Standing.LEFT_OUT
    assert answer.sentence == "left out of #1: not an article (path /contact/, 2 words)"


def test_what_is_over_the_limit_says_so(desk_of: Desk) -> None:
    desk_of.set("[sending]", "max_entries = 2\nmin_entries = 1\n\n[sending]")
    answer = desk_of.draft().send().why(TIDES.url)
    assert answer.sentence == "left out of #1: over the limit of 2 entries"


def test_what_the_file_does_not_list_says_why_it_is_not_in_the_issue(desk_of: Desk) -> None:
    limits = "max_entries = 1\nmin_entries = 1\nmax_left_over = 1\n\n[sending]"
    desk_of.set("[sending]", limits).draft()
    left = [story for story in (ROPES, TIDES, CRANE) if story.url not in desk_of.file()]
    answers = [desk_of.why(story.url) for story in left]
    assert [(answer.standing, answer.sentence) for answer in answers] == [
        (Standing.LEFT_OUT, "left out of #1: over the limit of 1 entry")
    ]


def test_what_was_not_listed_does_not_come_back_as_new(desk_of: Desk) -> None:
    """Its rank may rise by what others lose with the days, and nobody told it since."""
    limits = "max_entries = 2\nmin_entries = 1\nmax_left_over = 1\n\n[sending]"
    undated = [item(name, f"All of the {name}", published=None) for name in ("hawser", "knots")]
    desk_of.store(*undated).set("[sending]", limits).draft()
    before = desk_of.file()
    assert desk_of.draft(days=4).file() == before


def test_what_came_later_and_found_no_room_is_counted(desk_of: Desk) -> None:
    desk_of.set("[sending]", "max_entries = 1\nmin_entries = 1\n\n[sending]").draft()
    late = item("hawser", "All of the hawser", published=NOW - 3 * DAY)
    again = desk_of.store(late, days=0.5)
    when = (NOW + DAY).isoformat()
    told = again.call("draft", "--as-of", when).stderr
    assert "1 story that came since is left out; newsletter why ADDRESS says why." in told
    assert "left out" not in again.call("draft", "--as-of", when).stderr


def test_what_is_left_out_and_did_not_come_since_is_not_counted(desk_of: Desk) -> None:
    """A feed that has another name, a title that was mended, a link that the editor took in."""
    desk_of.set("[sending]", "max_entries = 1\nmin_entries = 1\n\n[sending]").draft()
    desk_of.set('name = "Quay Blog"', 'name = "Quay"')
    desk_of.store(replace(TIDES, title="Why our tide table was wrong by two hours"), days=0.2)
    late = item("hawser", "All of the hawser", published=NOW - 3 * DAY)
    desk_of.store(late, days=0.5)
    desk_of.edit("## Left over", f"[My own words]({late.url})\n\n## Left over")
    told = desk_of.call("draft", "--as-of", (NOW + DAY).isoformat()).stderr
    assert "left out" not in told
    assert "approved" not in told


def test_drafting_an_approved_issue_again_says_that_it_is_left_alone(desk_of: Desk) -> None:
    desk_of.draft()
    approve_now(desk_of.own.settings, 1, observer=desk_of.own.watcher)
    told = desk_of.call("draft", "--as-of", (NOW + DAY).isoformat()).stderr
    assert "The issue was approved: new stories are added, nothing else" in told


def test_what_came_later_is_new_once_there_is_room_for_it(desk_of: Desk) -> None:
    limits = "max_entries = 2\nmin_entries = 1\nmax_left_over = 1\n\n[sending]"
    desk_of.set("[sending]", limits).draft()
    late = item("hawser", "All of the hawser", published=NOW - 3 * DAY)
    # At first others are better than it.
    assert late.title not in desk_of.store(late, days=0.5).draft(days=0.5).file()
    copy = replace(late, feed="Gossip", guid="gossip:900", url="https://gossip.example/900")
    assert f"[{late.title}]" in desk_of.store(copy, days=1).draft(days=1).file()


def test_what_the_editor_moved_up_was_sent(desk_of: Desk) -> None:
    desk_of.set("[sending]", "max_entries = 2\nmin_entries = 1\n\n[sending]").draft()
    desk_of.move(TIDES, "Worth a look")
    assert desk_of.why(TIDES.url).standing is Standing.DRAFTED
    assert desk_of.send().why(TIDES.url).standing is Standing.SENT


def test_what_the_editor_took_out_says_so(desk_of: Desk) -> None:
    desk_of.draft().edit(f"[{TIDES.title}]({TIDES.url})", "[Other](https://other.example/page)")
    answer = desk_of.why(TIDES.url)
    assert (answer.standing, answer.sentence) == (
        Standing.TAKEN_OUT,
        "chosen for #1 under Worth a look; its line is not in the file any more",
    )
    assert "taken out of its file before it was sent" in desk_of.send().why(TIDES.url).sentence
    assert desk_of.why("https://other.example/page").standing is Standing.SENT


def test_what_the_editor_left_over_is_not_sent(desk_of: Desk) -> None:
    desk_of.draft().move(TIDES, "Left over")
    assert desk_of.why(TIDES.url).sentence == (
        "stands under Left over in the file of #1, so it is not sent"
    )


def test_what_ran_before_is_held_with_its_issue(desk_of: Desk) -> None:
    desk_of.draft().send()
    again = replace(CRANE, feed="Gossip", guid="g:2", url="https://gossip.example/2")
    news = [
        item(word, f"A new thing about the {word} of it all") for word in ("oars", "fog", "sky")
    ]
    fresh = [replace(told, published=NOW + 5 * DAY) for told in (again, *news)]
    answer = desk_of.store(*fresh, days=6).draft(days=7).why(again.url, days=7)
    assert (answer.standing, answer.sentence) == (
        Standing.HELD,
        "held back from #2: ran in #1: same title on another site, texts agree 100 %",
    )


def test_what_nobody_drafted_yet_waits(desk_of: Desk) -> None:
    answer = desk_of.why(ROPES.url)
    assert (answer.standing, answer.sentence) == (
        Standing.WAITING,
        "it waits for #1, which is not drafted yet; there it would stand under Worth a look",
    )


def test_what_came_after_the_draft_waits_for_the_next_one(desk_of: Desk) -> None:
    late = item("late", "News that came after all was written", published=NOW + DAY / 4)
    answer = desk_of.draft().store(late, days=0.5).why(late.url, days=0.5)
    assert answer.standing is Standing.WAITING
    assert "it came after #1 was drafted" in answer.sentence


def test_drafting_again_keeps_what_was_decided_first(desk_of: Desk) -> None:
    late = item("late", "News that came after all was written", published=NOW + DAY / 4)
    desk_of.draft().store(late, days=0.5).draft(days=0.5)
    assert desk_of.why(late.url).sentence == (
        "stands under New since the draft in the file of #1; it is not sent until you move it up"
    )
    decided = {one.title: one.decided_at for one in desk_of.why(ROPES.url).known.decisions}
    assert decided == {ROPES.title: NOW}


def test_a_late_copy_of_what_was_drafted_is_decided_with_it(tmp_path: Path) -> None:
    told = Desk(tmp_path).store(CRANE, ROPES, TIDES).draft()
    later = replace(COPY, published=NOW + DAY / 4)
    answer = told.store(later, days=0.5).draft(days=0.5).why(later.url)
    assert answer.merged is not None
    assert answer.merged.title == CRANE.title
    made = {one.url: one.decided_at for one in answer.known.decisions}
    assert made == {CRANE.url: NOW, later.url: NOW + DAY / 2}


def test_what_is_too_thin_a_week_waits_with_the_reason(tmp_path: Path) -> None:
    answer = Desk(tmp_path).store(ROPES).why(ROPES.url)
    assert answer.standing is Standing.WAITING
    assert "fewer than min_entries = 3" in answer.sentence


OUTSIDE = {
    "too old": (NOW - 40 * DAY, 0.0, "too old: published 16 Oct 2026, 09:00 UTC, more than"),
    "before the first window": (NOW - 9 * DAY, 0.0, "before the time of #1, which begins"),
    "in the future": (NOW + 3 * DAY, 0.0, "it waits for its date, 28 Nov 2026, 09:00 UTC"),
}


@pytest.mark.parametrize(("published", "seen", "reason"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_no_issue_covers_says_why(
    desk_of: Desk, published: object, seen: float, reason: str
) -> None:
    odd = item("odd", "A piece from another time altogether", published=published)
    assert reason in desk_of.store(odd, days=seen).why(odd.url).sentence


def test_what_came_long_after_its_time_says_so(desk_of: Desk) -> None:
    late = item("late", "A piece that nobody saw for days", published=NOW - 2 * DAY)
    answer = desk_of.draft().send().store(late, days=5).why(late.url, days=5)
    assert answer.standing is Standing.OUTSIDE
    assert "in the time of #1, but first seen 30 Nov 2026, 09:00 UTC" in answer.sentence


def test_an_item_of_a_feed_that_is_gone_says_so(desk_of: Desk) -> None:
    desk_of.set(FEEDS, "")
    answer = desk_of.why(ROPES.url)
    assert "https://quay.example/feed is not among the feeds of the settings" in answer.sentence


def test_an_item_without_an_address_is_found_by_its_title(desk_of: Desk) -> None:
    bare = item("bare", "A thought without an address of its own", url="")
    answer = desk_of.store(bare).draft().why("a thought without an address of its own!")
    assert answer.sentence == "left out of #1: no link that a reader could follow"


@pytest.mark.parametrize(
    "asked",
    ["The crain that lost its load on friday", "crane load friday", "lost its load"],
    ids=["misspelled", "some words", "a part"],
)
def test_a_title_need_not_be_exact(desk_of: Desk, asked: str) -> None:
    answer = desk_of.draft().why(asked)
    assert (answer.known.subject.match, answer.known.subject.url) == ("nearest title", CRANE.url)


def test_a_line_that_only_a_file_has_is_found(desk_of: Desk) -> None:
    by_hand = "[A line by hand](https://hand.example/line)"
    desk_of.draft().edit("## Worth a look\n", f"## Worth a look\n\n{by_hand}\n")
    assert "stands under Worth a look" in desk_of.why("A line by hand").sentence
    assert "stands under Worth a look" in desk_of.why("hand.example/line").sentence


def test_a_broken_file_does_not_keep_the_answer(desk_of: Desk) -> None:
    desk_of.draft().edit("+++", "broken")
    assert desk_of.why(CONTACT.url).standing is Standing.LEFT_OUT
    assert "its file cannot be read now: " in desk_of.why(ROPES.url).sentence


@pytest.mark.parametrize("asked", ["https://nowhere.example/page", "xyzzy plugh", "", "🦀", "a.b"])
def test_what_nobody_knows_is_one_sentence(desk_of: Desk, asked: str) -> None:
    with pytest.raises(NewsletterError, match="nothing is known of"):
        desk_of.draft().why(asked)


def test_a_long_question_is_not_repeated_whole(desk_of: Desk) -> None:
    with pytest.raises(NewsletterError, match=r"^nothing is known of 'x{200}…': "):
        desk_of.why("x" * 100_000)


def test_the_command_tells_it_in_words(desk_of: Desk) -> None:
    result = desk_of.draft().call("why", COPY.url)
    assert result.exit_code == 0
    assert "merged into " in result.stdout
    assert "in feed     Gossip" in result.stdout


def test_the_command_says_that_it_took_the_nearest_title(desk_of: Desk) -> None:
    result = desk_of.draft().call("why", "crane load friday")
    assert "the nearest title is this one" in result.stderr
    assert result.stdout.startswith(CRANE.title)


def test_the_command_tells_it_as_data(desk_of: Desk) -> None:
    told = json.loads(desk_of.draft().send().call("why", COPY.url, "--json").stdout)
    assert told["standing"] == "sent"
    assert told["merged_into"]["url"] == CRANE.url
    assert told["first_seen"] == "2026-11-25T09:00:00Z"
    assert {seen["feed"] for seen in told["feeds"]} == {"Quay Blog", "Gossip"}
    assert [ran["issue"] for ran in told["ran"]] == [1]
    assert {one["fate"] for one in told["decisions"]} == {"chosen", "merged"}


def test_nothing_found_is_exit_code_1_and_no_traceback(desk_of: Desk) -> None:
    result = desk_of.call("why", "xyzzy plugh", "--json")
    assert result.exit_code == 1
    assert "nothing is known of 'xyzzy plugh'" in json.loads(result.stdout)["error"]
