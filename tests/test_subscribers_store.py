"""People in the database: added with consent, let go for good, forgotten but not brought back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from subscribers import store
from subscribers.address import parse
from subscribers.consent import LONGEST_TEXT, agreement, sentence
from subscribers.database import open_database
from subscribers.errors import DatabaseUnavailable, MissingConsent
from subscribers.models import (
    ConsentAction,
    Fate,
    Leaving,
    Newcomer,
    Subscriber,
    SubscriberStatus,
    SuppressionReason,
)
from tests.mere_owner import as_mere_owner

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

AGREED = agreement("signed the sheet", source="fair")


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    return any_engine


def newcomer(email: str, name: str = "") -> Newcomer:
    address = parse(email)
    return Newcomer(email=address.email, key=address.key, name=name)


def admit(engine: Engine, now: datetime, *emails: str) -> list[Fate]:
    people = [newcomer(email) for email in emails]
    told = store.admit(engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=now)
    return [one.fate for one in told]


@pytest.fixture
def ann(engine: Engine, now: datetime) -> Subscriber:
    admit(engine, now, "Ann@example.org")
    found = store.find(engine, "ann@example.org")
    assert found is not None
    return found


def test_whoever_is_added_is_active_from_now_on(ann: Subscriber, now: datetime) -> None:
    assert ann.email == "Ann@example.org"
    assert ann.status is SubscriberStatus.ACTIVE
    assert ann.created_at == now


def test_what_they_agreed_to_is_recorded(engine: Engine, ann: Subscriber, now: datetime) -> None:
    [record] = store.records(engine, ann.id)
    assert record.action is ConsentAction.IMPORTED
    assert record.at == now
    assert (record.source, record.text) == ("fair", "signed the sheet")
    assert sentence(record) == "imported 2026-11-23 (fair): signed the sheet"


def test_one_person_is_one_row_whatever_the_case(engine: Engine, now: datetime) -> None:
    fates = admit(engine, now, "ann@example.org", "ANN@EXAMPLE.org", "bob@example.org")
    assert fates == [Fate.ADDED, Fate.ALREADY_THERE, Fate.ADDED]
    assert store.count(engine)["active"] == 2


def test_of_two_rows_for_one_address_the_first_is_taken(engine: Engine, now: datetime) -> None:
    people = [newcomer("ann@example.org", "Ann"), newcomer("ANN@example.org", "Anna")]
    store.admit(engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=now)
    [found] = store.everyone(engine)
    assert (found.email, found.name) == ("ann@example.org", "Ann")


def test_leaving_is_recorded_with_its_issue_once(
    engine: Engine, ann: Subscriber, now: datetime
) -> None:
    first = store.unsubscribe(engine, ann.id, source="one click", now=now, issue=42)
    again = store.unsubscribe(engine, ann.id, source="one click", now=now, issue=43)
    assert first == Leaving(known=True, changed=True)
    assert again == Leaving(known=True, changed=False)
    left = [r for r in store.records(engine, ann.id) if r.action is ConsentAction.UNSUBSCRIBED]
    assert [(record.issue, record.source) for record in left] == [(42, "one click")]
    found = store.get(engine, ann.id)
    assert found is not None
    assert found.unsubscribed_at == now


def test_nobody_can_leave_under_an_unknown_number(engine: Engine, now: datetime) -> None:
    left = store.unsubscribe(engine, 99, source="one click", now=now)
    assert left == Leaving(known=False, changed=False)


def test_two_at_once_are_one_leaving(engine: Engine, ann: Subscriber, now: datetime) -> None:
    together = threading.Barrier(8)
    left: list[Leaving] = []

    def leave() -> None:
        together.wait()
        left.append(store.unsubscribe(engine, ann.id, source="one click", now=now))

    threads = [threading.Thread(target=leave) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.changed for one in left) == 1
    assert len(store.records(engine, ann.id)) == 2


def test_adding_never_brings_back_who_left(engine: Engine, ann: Subscriber, now: datetime) -> None:
    store.unsubscribe(engine, ann.id, source="one click", now=now)
    assert admit(engine, now, "ann@example.org") == [Fate.KEPT_OUT]
    assert store.count(engine)["active"] == 0


@pytest.mark.parametrize("reason", SuppressionReason)
def test_adding_never_brings_in_a_suppressed_address(
    engine: Engine, now: datetime, reason: SuppressionReason
) -> None:
    store.suppress(engine, "ann@example.org", reason=reason, now=now)
    assert admit(engine, now, "Ann@example.org") == [Fate.KEPT_OUT]
    assert store.count(engine) == {"pending": 0, "active": 0, "unsubscribed": 0, "suppressed": 0}


def test_whoever_asks_may_come_back(engine: Engine, ann: Subscriber, now: datetime) -> None:
    store.unsubscribe(engine, ann.id, source="one click", now=now)
    assert store.take_back(engine, ann.id, agreement=AGREED, now=now)
    assert not store.take_back(engine, ann.id, agreement=AGREED, now=now)
    found = store.get(engine, ann.id)
    assert found is not None
    assert (found.status, found.unsubscribed_at) == (SubscriberStatus.ACTIVE, None)
    assert [record.action for record in store.records(engine, ann.id)][-1] is ConsentAction.RETURNED


def test_a_suppressed_subscriber_counts_as_suppressed(
    engine: Engine, ann: Subscriber, now: datetime
) -> None:
    store.suppress(engine, ann.key, reason=SuppressionReason.BOUNCE, now=now, detail="550")
    found = store.get(engine, ann.id)
    assert found is not None
    assert found.standing == "bounce"
    assert store.count(engine) == {"pending": 0, "active": 0, "unsubscribed": 0, "suppressed": 1}
    assert [who.id for who in store.everyone(engine, standing="suppressed")] == [ann.id]
    assert list(store.everyone(engine, standing="active")) == []


def test_a_complaint_outweighs_a_bounce_and_nothing_outweighs_a_complaint(
    engine: Engine, now: datetime
) -> None:
    for reason in (SuppressionReason.BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.BOUNCE):
        store.suppress(engine, "ann@example.org", reason=reason, now=now)
    held = store.suppressed(engine, "ann@example.org")
    assert held is not None
    assert held.reason is SuppressionReason.COMPLAINT


def test_nothing_readable_is_left_of_the_forgotten(
    engine: Engine, ann: Subscriber, now: datetime
) -> None:
    store.suppress(engine, ann.key, reason=SuppressionReason.BOUNCE, now=now, detail="ann is full")
    assert store.forget(engine, ann.key, now=now)
    with engine.begin() as connection:
        for table in ("subscribers", "consents", "suppressions", "salts"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 - ours
            assert "ann" not in repr(rows).lower()


def test_the_forgotten_are_not_brought_back(engine: Engine, ann: Subscriber, now: datetime) -> None:
    store.forget(engine, ann.key, now=now)
    assert admit(engine, now, "ANN@example.org") == [Fate.KEPT_OUT]
    held = store.suppressed(engine, ann.key)
    assert held is not None
    assert held.reason is SuppressionReason.FORGOTTEN


def test_forgetting_a_stranger_keeps_them_out(engine: Engine, now: datetime) -> None:
    store.suppress(engine, "bob@example.org", reason=SuppressionReason.BOUNCE, now=now)
    assert store.forget(engine, "bob@example.org", now=now)
    assert not store.forget(engine, "ann@example.org", now=now)
    assert admit(engine, now, "ann@example.org") == [Fate.KEPT_OUT]


def test_a_number_is_never_given_twice(engine: Engine, ann: Subscriber, now: datetime) -> None:
    store.forget(engine, ann.key, now=now)
    admit(engine, now, "bob@example.org")
    bob = store.find(engine, "bob@example.org")
    assert bob is not None
    assert bob.id > ann.id


def test_would_admit_tells_what_admit_does_and_adds_nobody(
    engine: Engine, ann: Subscriber, now: datetime
) -> None:
    people = [newcomer(email) for email in (ann.email, "bob@example.org", "BOB@example.org")]
    told = store.would_admit(engine, people)
    assert store.count(engine)["active"] == 1
    assert told == store.admit(
        engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=now
    )


def test_pages_lose_nobody(engine: Engine, now: datetime) -> None:
    admit(engine, now, *(f"reader{number}@example.org" for number in range(25)))
    first = store.page(engine, limit=10)
    second = store.page(engine, after=first[-1].id, limit=10)
    third = store.page(engine, after=second[-1].id, limit=10)
    assert len({who.id for who in (*first, *second, *third)}) == 25
    assert len(list(store.everyone(engine))) == 25


def test_everybody_has_the_latest_agreement(engine: Engine, ann: Subscriber, now: datetime) -> None:
    store.unsubscribe(engine, ann.id, source="one click", now=now)
    assert store.agreements(engine, [ann.id])[ann.id].action is ConsentAction.IMPORTED
    assert store.agreements(engine, []) == {}


@pytest.mark.parametrize("ping", [store.ping, store.ping_for_writing])
def test_a_broken_database_is_told_without_anybodys_data(
    sqlite_engine: Engine, ping: object
) -> None:
    engine = sqlite_engine
    assert callable(ping)
    ping(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE subscribers"))
    with pytest.raises(DatabaseUnavailable, match="no such table"):
        ping(engine)
    with pytest.raises(DatabaseUnavailable) as caught:
        store.find(engine, "ann@example.org")
    assert "ann" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("words", ["", "  \n\t", "\0"])
def test_consent_must_say_something(words: str) -> None:
    with pytest.raises(MissingConsent, match="say how they agreed"):
        agreement(words, source="fair")


def test_consent_is_kept_on_one_line_and_within_bounds() -> None:
    assert agreement("by\nmail ", source="fair").text == "by mail"
    with pytest.raises(MissingConsent, match="at most"):
        agreement("x" * (LONGEST_TEXT + 1), source="fair")


def test_a_database_that_cannot_be_written_is_told_before_it_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    file.touch()
    file.chmod(0o444)
    with pytest.raises(DatabaseUnavailable, match="write permission"):
        as_mere_owner(lambda: open_database(f"sqlite:///{file}"))
    assert [path.name for path in tmp_path.iterdir()] == ["newsletter.db"]


@pytest.mark.parametrize(
    "name",
    ['Ann "the first" O\'Hara', "back\\slash", "{a,NULL}", "NULL", '["x", null]', "Zoë 😀", ""],
)
def test_a_name_comes_back_as_it_was(engine: Engine, now: datetime, name: str) -> None:
    people = [newcomer("ann@example.org", name), newcomer("bob@example.org", "Bob")]
    store.admit(engine, people, agreement=AGREED, action=ConsentAction.IMPORTED, now=now)
    assert [who.name for who in store.everyone(engine)] == [name, "Bob"]


@pytest.mark.postgres
def test_an_import_binds_no_parameter_for_each_row(postgres_engine: Engine, now: datetime) -> None:
    """PostgreSQL's driver takes longer to spell thousands than all the rest of an import."""
    bound: list[int] = []

    @event.listens_for(postgres_engine, "before_cursor_execute")
    def count(*call: object) -> None:
        parameters = call[3]
        assert isinstance(parameters, dict)
        bound.append(len(parameters))

    emails = [f"reader{one}@example.org" for one in range(100)]
    assert admit(postgres_engine, now, *emails) == [Fate.ADDED] * 100
    assert max(bound) < 10


def test_a_new_database_and_the_files_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE readers (email TEXT)"))
        rights = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    engine.dispose()
    assert rights["newsletter.db"] == 0o600
    assert set(rights.values()) == {0o600}


@pytest.mark.parametrize("address", ["file:newsletter.db", "file:{folder}/newsletter.db"])
def test_a_database_by_a_uri_is_one_private_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{address.format(folder=tmp_path)}?uri=true"
    open_database(url).dispose()
    [file] = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("newsletter.db", 0o600)


def test_the_rights_of_a_database_that_is_there_are_left(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.db"
    path.touch(mode=0o600)
    path.chmod(0o640)
    open_database(f"sqlite:///{path}").dispose()
    assert path.stat().st_mode & 0o777 == 0o640
