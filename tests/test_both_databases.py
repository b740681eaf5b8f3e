"""Every statement is tried on both databases: a function of the store has its test there."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import SQLAlchemyError

from flows.store import decisions, feedback, groups, issues, mails, offers, records, shares
from flows.store.ledger import plan
from subscribers.models import Limits
from subscribers.store import feedback as people_feedback
from subscribers.store import figures, labels, outsiders, signups
from tests.people import ISSUE, add_people, start_issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

ROOT = Path(__file__).parent.parent
ROOMS = (ROOT / "flows" / "store", ROOT / "subscribers" / "store")
# What runs on both: modules whose tests take `any_engine`, or PostgreSQL by name.
TESTED = "\n".join(
    text
    for path in sorted((ROOT / "tests").glob("test_*.py"))
    if "any_engine" in (text := path.read_text(encoding="utf-8")) or "postgres_engine" in text
)
# The seams that those tests go through: what they call is tried with them.
SEAMS = ("flows/store/ledger.py", "flows/store/history.py", "flows/store/visits.py")


def functions() -> list[tuple[str, str]]:
    """Every public function that is handed an engine, with its module."""
    return [
        (f"{path.parent.parent.name}.{path.stem}", node.name)
        for room in ROOMS
        for path in sorted(room.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        # A transaction is what the others make theirs in.
        and node.name != "transaction"
        and not node.name.startswith("_")
        and any(argument.arg == "engine" for argument in node.args.args)
    ]


def within(name: str) -> bool:
    """Say whether a function that is tried on both calls this one."""
    return any(f"{name}(" in (ROOT / seam).read_text(encoding="utf-8") for seam in SEAMS)


@pytest.mark.parametrize(("module", "name"), functions())
def test_each_function_of_the_store_is_tried_on_both(module: str, name: str) -> None:
    assert name in TESTED or within(name), f"{module}.{name} is tried on one database only"


NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)
# What a whole week leaves untried: each statement is at least understood by both.
STATEMENTS: dict[str, Callable[[Engine], object]] = {
    "next_letter": lambda engine: signups.next_letter(engine, now=NOW),
    "has_room": lambda engine: signups.has_room(engine, Limits(), now=NOW),
    "post_again": lambda engine: signups.post_again(engine, 1, at=NOW),
    "came_by_day": lambda engine: figures.came_by_day(engine, since=SINCE),
    "left_by_day": lambda engine: figures.left_by_day(engine, since=SINCE),
    "failed_by_day": lambda engine: figures.failed_by_day(engine, since=SINCE),
    "left_by_issue": figures.left_by_issue,
    "erase_words": lambda engine: shares.erase_words(engine, 1),
    "tag_people": lambda engine: labels.tag_people(engine, ["reader1@example.org"], "staff"),
    "count_tags": labels.count_tags,
    "tags_by_person": lambda engine: labels.tags_by_person(engine, [1]),
    "tags_of": lambda engine: labels.tags_of(engine, 1),
    "tagged": lambda engine: list(labels.tagged(engine, "staff")),
    "untag": lambda engine: labels.untag(engine, "reader1@example.org", "staff"),
    "suppress_all": lambda engine: people_feedback.suppress_all(engine, []),
    "keep_out": lambda engine: outsiders.keep_out(engine, [], source="tests", now=NOW),
    "open_ones": issues.open_ones,
    "reopen": lambda engine: issues.reopen(engine, ISSUE),
    "find_covering": lambda engine: issues.find_covering(engine, NOW),
    "aim": lambda engine: groups.aim(engine, ISSUE, "staff"),
    "lift": lambda engine: groups.lift(engine, ISSUE),
    "looked_until": lambda engine: feedback.looked_until(engine, "bounces"),
    "look_until": lambda engine: feedback.look_until(engine, "bounces", NOW),
    "issue_at": lambda engine: feedback.issue_at(engine, NOW),
    "undecided": lambda engine: feedback.undecided(engine, [1]),
    "bounce_softly": lambda engine: feedback.bounce_softly(engine, [(ISSUE, 1)]),
    "bouncing": lambda engine: feedback.bouncing(engine, [1], in_a_row=3),
    "plan_again": lambda engine: feedback.plan_again(engine, 1, now=NOW),
    "deliveries_of": lambda engine: shares.deliveries_of(engine, 1),
    "accepted_by_issue": shares.accepted_by_issue,
    "newest_addresses": lambda engine: offers.newest_addresses(engine, "https://a.example/"),
    "find_offers": lambda engine: offers.find_offers(engine, ["https://a.example/1"], ["One"]),
    "stored_since": offers.stored_since,
    "count_decided": lambda engine: decisions.count_decided(engine, ISSUE),
    "every_batch": lambda engine: list(records.every_batch(engine, ISSUE)),
    "save_mail": lambda engine: mails.save_mail(engine, ISSUE, digest="d", mail="{}"),
    "load_mail": lambda engine: mails.load_mail(engine, ISSUE, digest="d"),
}


def test_each_statement_is_understood(any_engine: Engine) -> None:
    start_issue(any_engine)
    add_people(any_engine, 2)
    assert plan(any_engine, ISSUE) == 2
    for name, statement in STATEMENTS.items():
        try:
            statement(any_engine)
        except SQLAlchemyError as error:
            pytest.fail(f"{name}: {error}")


def test_a_mail_is_kept_once_under_its_digest(any_engine: Engine) -> None:
    mails.save_mail(any_engine, ISSUE, digest="d", mail="one")
    mails.save_mail(any_engine, ISSUE, digest="d", mail="two")
    assert mails.load_mail(any_engine, ISSUE, digest="d") == "one"
    assert mails.load_mail(any_engine, ISSUE, digest="e") is None
