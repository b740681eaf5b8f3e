"""Whatever is done to people in whatever order: no mail for whom it must not go to."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import event, insert, select

from flows.store.ledger import SqlLedger
from flows.store.migrations import migrate_all
from flows.store.schema import deliveries, issues
from subscribers import store
from subscribers.address import parse
from subscribers.consent import AGREEING, agreement
from subscribers.database import open_database
from subscribers.models import (
    ConsentAction,
    Fate,
    Leaver,
    LetterKind,
    Limits,
    Newcomer,
    Outsider,
    SuppressionReason,
)
from subscribers.store import choices, signups

if TYPE_CHECKING:
    import sqlite3

AGREED = agreement("signed the sheet", source="fair")
KEYS = st.sampled_from([f"{name}@readers.example" for name in ("ann", "bob")])
REASONS = st.sampled_from([SuppressionReason.BOUNCE, SuppressionReason.COMPLAINT])
LASTS = timedelta(hours=48)
# The limits have tests of their own; here every sign-up is to have its effect.
LIMITS = Limits(an_hour=10**6, most=10**6, pause=timedelta(0), lasts=LASTS)
PAUSE = timedelta(hours=30)


def only_added_to(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
    """What somebody agreed to is never changed, and goes with them alone."""
    assert not statement.startswith(("UPDATE consents", "DELETE FROM consents"))


def write_lazily(connection: sqlite3.Connection, _record: object) -> None:
    """Nothing dies here: what is written need not reach the disk, and more can be tried."""
    connection.execute("PRAGMA synchronous=OFF")


class Life(RuleBasedStateMachine):
    """A plain model of who may be mailed, beside the database."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_database(f"sqlite:///{Path(self.folder.name) / 'newsletter.db'}")
        self.engine.dispose()
        event.listen(self.engine, "connect", write_lazily)
        migrate_all(self.engine)
        event.listen(self.engine, "before_cursor_execute", only_added_to)
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        self.pending: set[str] = set()
        self.active: set[str] = set()
        self.left: dict[str, datetime] = {}
        self.held: set[str] = set()
        self.forgotten: set[str] = set()
        # Who is here by a word of their own, and when they last asked by the form.
        self.own: set[str] = set()
        self.asked: dict[str, tuple[int, datetime]] = {}
        self.paused: dict[str, datetime] = {}
        self.numbers: dict[int, str] = {}
        self.issue = 0
        # Whom the newest issue is yet to go to.
        self.planned: set[str] = set()

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    def _id(self, key: str) -> int:
        who = store.find(self.engine, key)
        return who.id if who else 0

    def _go_on(self, **lasts: float) -> None:
        self.now += timedelta(**(lasts or {"seconds": 10}))

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), said=st.sampled_from(["", "since 2019"]))
    def bring_in(self, keys: list[str], said: str) -> None:
        self._go_on()
        people = [
            Newcomer(email=key, key=key, said=said, tags=("fair",)[: len(said)]) for key in keys
        ]
        expected = store.would_admit(self.engine, people)
        told = store.admit(
            self.engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=self.now
        )
        assert told == expected
        for key, one in zip(keys, told, strict=True):
            out = key in self.left or key in self.held | self.forgotten
            assert (one.fate is Fate.KEPT_OUT) == out
            if one.fate is Fate.ADDED:
                self.active.add(key)

    @rule(key=KEYS, reason=st.none() | REASONS)
    def bring_in_as_out(self, key: str, reason: SuppressionReason | None) -> None:
        self._go_on()
        who = Outsider(email=key, key=key, said="status gone", reason=reason)
        store.keep_out(self.engine, [who], source="import", now=self.now)
        if key in self.forgotten:
            return
        if reason is not None:
            self.held.add(key)
        elif key not in self.pending and not (key in self.active and key in self.own):
            self.active.discard(key)
            self.left.setdefault(key, self.now)

    @rule(key=KEYS)
    def ask(self, key: str) -> None:
        self._go_on()
        kind = signups.ask(self.engine, parse(key), agreement=AGREED, limits=LIMITS, now=self.now)
        if key in self.held:
            assert kind is LetterKind.NOTHING
        elif key in self.active:
            assert kind is LetterKind.KNOWN
        else:
            assert kind is LetterKind.CONFIRM
            self.asked[key] = (self._id(key), self.now)
        if key not in self.active and key not in self.left:
            self.pending.add(key)

    @rule(key=KEYS)
    def confirm(self, key: str) -> None:
        self._go_on()
        if key not in self.asked:
            return
        who, asked_at = self.asked[key]
        good = signups.confirm(self.engine, who, asked_at=asked_at, agreement=AGREED, now=self.now)
        there = who == self._id(key) != 0
        may = key in self.pending or (key in self.left and self.left[key] < asked_at)
        assert good == (there and (may or key in self.active))
        if there and may:
            self.pending.discard(key)
            self.left.pop(key, None)
            self.paused.pop(key, None)
            self.forgotten.discard(key)
            self.active.add(key)
            self.own.add(key)

    @rule(key=KEYS)
    def leave(self, key: str) -> None:
        self._go_on()
        if not (who := self._id(key)):
            return
        left = store.unsubscribe(self.engine, who, source="one click", now=self.now, issue=1)
        assert left.changed == (key not in self.left)
        self.active.discard(key)
        self.pending.discard(key)
        self.left.setdefault(key, self.now)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4))
    def leave_together(self, keys: list[str]) -> None:
        """Leave as the web app's readers do; some of them press twice."""
        self._go_on()
        there = {key: who for key in keys if (who := self._id(key))}
        asking = [
            Leaver(subscriber_id=there[key], source="one click", at=self.now)
            for key in keys
            if key in there
        ]
        left = store.unsubscribe_all(self.engine, asking)
        expected = sorted(who for key, who in there.items() if key not in self.left)
        assert [one.subscriber_id for one in left] == expected
        for key in there:
            self.active.discard(key)
            self.pending.discard(key)
            self.left.setdefault(key, self.now)

    @rule(key=KEYS)
    def come_back(self, key: str) -> None:
        self._go_on()
        if not (who := self._id(key)):
            return
        back = store.take_back(self.engine, who, agreement=AGREED, now=self.now)
        assert back == (key in self.left)
        if back:
            del self.left[key]
            self.paused.pop(key, None)
            self.active.add(key)
            self.own.add(key)

    @rule(key=KEYS, resume=st.booleans())
    def choose(self, key: str, *, resume: bool) -> None:
        self._go_on()
        if resume:
            done = choices.resume(self.engine, self._id(key), now=self.now)
        else:
            until = self.now + PAUSE
            done = choices.pause(self.engine, self._id(key), until=until, now=self.now)
        assert done == (key in self.active)
        if done:
            self.paused.pop(key, None)
        if done and not resume:
            self.paused[key] = self.now + PAUSE

    @rule(key=KEYS, reason=REASONS)
    def suppress(self, key: str, reason: SuppressionReason) -> None:
        store.suppress(self.engine, key, reason=reason, now=self.now)
        self.held.add(key)

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        store.forget(self.engine, key, now=self.now)
        for people in (self.active, self.pending, self.held, self.own, self.planned):
            people.discard(key)
        self.left.pop(key, None)
        self.paused.pop(key, None)
        self.forgotten.add(key)
        assert store.find(self.engine, key) is None

    @rule()
    def purge(self) -> None:
        self._go_on(hours=49)
        gone = signups.purge(self.engine, lasts=LASTS, now=self.now)
        assert gone == len(self.pending)
        self.pending.clear()

    @rule()
    def plan(self) -> None:
        self._go_on()
        self.issue += 1
        with self.engine.begin() as connection:
            connection.execute(insert(issues).values(number=self.issue, status="sending"))
        SqlLedger(self.engine, self.issue).plan()
        self.planned = self.active - self.held
        found = {self.numbers.get(who, "") for who in self._planned()}
        assert found == self.planned

    @rule()
    def send(self) -> None:
        """Hand over what was planned, maybe long ago: whoever left since then gets nothing."""
        if not self.planned:
            self.plan()
        self._go_on()
        ledger = SqlLedger(self.engine, self.issue)
        mailed: set[str] = set()
        while batch := ledger.claim(2, now=self.now, link=str):
            mailed |= {recipient.email for recipient in batch.recipients}
        resting = {key for key, until in self.paused.items() if until > self.now}
        assert mailed == self.planned & self.active - self.held - resting
        self.planned = set()

    @rule()
    def post_letters(self) -> None:
        """Post what is due, maybe long after it was asked for."""
        self._go_on()
        while (waiting := signups.next_letter(self.engine, now=self.now)) is not None:
            key = waiting.subscriber.key
            assert key not in self.held
            assert (key in self.active) == (waiting.kind is LetterKind.KNOWN)
            assert (key in self.pending | self.left.keys()) == (waiting.kind is LetterKind.CONFIRM)

    def _planned(self) -> set[int]:
        query = select(deliveries.c.subscriber_id).where(deliveries.c.issue == self.issue)
        with self.engine.begin() as connection:
            return set(connection.execute(query).scalars())

    @invariant()
    def only_those_who_may_be_mailed_are_active(self) -> None:
        active = {who.key for who in store.everyone(self.engine, standing="active")}
        assert active == self.active - self.held
        assert store.count(self.engine)["active"] == len(active)

    @invariant()
    def a_number_means_one_person_for_good(self) -> None:
        for who in store.everyone(self.engine):
            assert self.numbers.setdefault(who.id, who.key) == who.key

    @invariant()
    def whoever_is_active_agreed_last(self) -> None:
        chosen = (ConsentAction.PAUSED, ConsentAction.RESUMED)
        for who in store.everyone(self.engine, standing="active"):
            told = [one for one in store.records(self.engine, who.id) if one.action not in chosen]
            assert told[-1].action in AGREEING


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=20)
