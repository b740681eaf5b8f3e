"""Whatever is done to people in whatever order: no mail for whom it must not go to."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flows.store.migrations import migrate_all
from subscribers import store
from subscribers.consent import AGREEING, agreement
from subscribers.database import open_database
from subscribers.models import ConsentAction, Fate, Newcomer, SuppressionReason

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
AGREED = agreement("signed the sheet", source="fair")
KEYS = st.sampled_from([f"{name}@readers.example" for name in ("ann", "bob", "cy")])
REASONS = st.sampled_from([SuppressionReason.BOUNCE, SuppressionReason.COMPLAINT])


class Life(RuleBasedStateMachine):
    """A plain model of who may be mailed, beside the database."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_database(f"sqlite:///{Path(self.folder.name) / 'newsletter.db'}")
        migrate_all(self.engine)
        self.active: set[str] = set()
        self.left: set[str] = set()
        self.held: set[str] = set()
        self.numbers: dict[int, str] = {}

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    @rule(keys=st.lists(KEYS, max_size=4))
    def bring_in(self, keys: list[str]) -> None:
        people = [Newcomer(email=key, key=key) for key in keys]
        expected = store.would_admit(self.engine, people)
        told = store.admit(
            self.engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=NOW
        )
        assert told == expected
        for key, one in zip(keys, told, strict=True):
            assert (one.fate is Fate.KEPT_OUT) == (key in self.left | self.held)
            if one.fate is Fate.ADDED:
                self.active.add(key)

    @rule(key=KEYS)
    def leave(self, key: str) -> None:
        who = store.find(self.engine, key)
        if who is None:
            return
        left = store.unsubscribe(self.engine, who.id, source="one click", now=NOW, issue=1)
        assert left.changed == (key not in self.left)
        self.active.discard(key)
        self.left.add(key)

    @rule(key=KEYS)
    def come_back(self, key: str) -> None:
        who = store.find(self.engine, key)
        if who is None:
            return
        assert store.take_back(self.engine, who.id, agreement=AGREED, now=NOW) == (key in self.left)
        if key in self.left:
            self.left.remove(key)
            self.active.add(key)

    @rule(key=KEYS, reason=REASONS)
    def suppress(self, key: str, reason: SuppressionReason) -> None:
        store.suppress(self.engine, key, reason=reason, now=NOW)
        self.held.add(key)

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        store.forget(self.engine, key, now=NOW)
        self.active.discard(key)
        self.left.discard(key)
        self.held.add(key)
        assert store.find(self.engine, key) is None

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
        for who in store.everyone(self.engine, standing="active"):
            assert store.records(self.engine, who.id)[-1].action in AGREEING


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=20)
