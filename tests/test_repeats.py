"""An issue's check tells what readers had in another issue, whoever moved or wrote it in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.models import Outcome
from flows.pipeline import desk
from flows.pipeline.gathering import gather_items
from flows.pipeline.looking import look
from flows.pipeline.stores import open_store
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

WEEK = timedelta(days=7)
BLOG = "https://harbour.example.com/blog"
RAN = f"[Three ways to drain a node]({BLOG}/three-ways-to-drain-a-node/)"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """Give a newsletter whose first issue is sent, and whose second is drafted."""
    made = Newsletter(tmp_path).write().subscribe(1).tell(*STORIES)
    assert made.run().verdict is Outcome.SENT
    made.clock.go_on(WEEK)
    made.tell(
        ("Ropes that never dry", "A rope in the rain is a rope in the rain, whatever it costs."),
        ("Knots that hold by day", "What held at noon came loose at night, and we know why now."),
        ("Quays without gulls", "Nobody fed them for a year, and the ropes were cleaner for it."),
        ("A pier of a thousand planks", "Each has a number now, and none was lost this winter."),
        when=NOW + WEEK - timedelta(days=1),
    )
    with open_store(made.settings) as engine:
        gather_items(made.settings, engine, now=NOW + WEEK, observer=made.watcher)
    _, drafted = desk.draft_now(made.settings, observer=made.watcher, as_of=NOW + WEEK)
    assert not drafted.skip
    return made


def repeats_in(newsletter: Newsletter, *, number: int = 2) -> list[tuple[str, int]]:
    found = look(newsletter.settings, number).findings
    return [(one.message, one.line) for one in found if one.rule == "E15"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (RAN, "'Three ways to drain a node' ran in #1: same address."),
        (
            RAN.replace("Three ways", "Ways")
            .replace("harbour", "HARBOUR")
            .replace("/)", "?fbclid=q)"),
            "'Ways to drain a node' ran in #1: same address.",
        ),
    ],
    ids=["as it was", "retitled, with tracking"],
)
def test_what_ran_in_another_issue_is_told_with_its_line(
    newsletter: Newsletter, line: str, message: str
) -> None:
    assert repeats_in(newsletter) == []
    file = newsletter.settings.paths.issues / "002.md"
    text = file.read_text(encoding="utf-8")
    before, heading, after = text.partition("\n## ")
    name, _, rest = after.partition("\n")
    text = f"{before}{heading}{name}\n\n{line}\nHarbour Blog\nIt is worth another look.\n{rest}"
    file.write_text(text, encoding="utf-8")
    number = text[: text.index(line)].count("\n") + 1
    assert repeats_in(newsletter) == [(message, number)]


def test_a_story_of_the_issue_itself_is_no_repeat(newsletter: Newsletter) -> None:
    assert repeats_in(newsletter, number=1) == []


def test_a_link_of_a_group_is_told_by_its_own_line_and_a_sponsors_is_not(
    newsletter: Newsletter,
) -> None:
    file = newsletter.settings.paths.issues / "002.md"
    group = f"### Two answers\nHarbour Blog\n\n- [Ropes]({BLOG}/ropes-2/)\n- {RAN}\n"
    ad = f"## Sponsor\n\n{RAN}\nSponsored · Harbour\nIt is dry.\n"
    front = file.read_text(encoding="utf-8").partition("\n## ")[0]
    text = f"{front}\n## Harbour\n\n{group}\n{ad}"
    file.write_text(text, encoding="utf-8")
    number = text[: text.index(f"- {RAN}")].count("\n") + 1
    assert [line for _, line in repeats_in(newsletter)] == [number]


def test_a_database_that_cannot_be_asked_is_a_warning(newsletter: Newsletter) -> None:
    database = newsletter.folder / "newsletter.db"
    database.unlink()
    database.mkdir()
    ((message, _),) = repeats_in(newsletter)
    assert message.startswith("What ran before cannot be looked up: ")
