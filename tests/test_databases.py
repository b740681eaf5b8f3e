"""The database moved, backed up and brought up to date, with nothing lost on the way."""

from __future__ import annotations

import sqlite3
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, Text, cast, delete, func, insert, inspect, select, text, update

from flows.cli import newsletter as command
from flows.cli.server import alone
from flows.errors import NewsletterError
from flows.models import Outcome
from flows.pipeline import databases
from flows.pipeline.stores import open_store
from flows.pipeline.work import utc_now
from flows.store import runs
from flows.store.backups import back_up
from flows.store.copying import TABLES, copy, summary
from flows.store.migrations import ROOMS, migrate_all
from flows.store.overview import damage, database_time, doubts, newest_moment
from flows.store.owner import this_process
from flows.store.schema import decisions, items
from subscribers.database import (
    Migration,
    insert_tuples,
    migrate,
    open_database,
    versions,
    versions_of,
)
from subscribers.errors import DatabaseTooNew, DatabaseUnavailable
from subscribers.schema import salts, subscribers
from tests.newsletters import NOW, STORIES, Newsletter
from tests.people import add_people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """One with a past: an issue was sent, and the newest subscriber was forgotten."""
    folder = tmp_path / "old"
    folder.mkdir()
    newsletter = Newsletter(folder).write().tell(*STORIES).subscribe(4)
    newsletter.run()
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(delete(subscribers).where(subscribers.c.id == 4))
    return newsletter


@pytest.fixture
def source(newsletter: Newsletter) -> Iterator[Engine]:
    with open_store(newsletter.settings) as engine:
        yield engine


@pytest.fixture
def target(any_engine: Engine) -> Engine:
    return any_engine


def test_everything_is_copied_and_proved(source: Engine, target: Engine) -> None:
    copied = copy(source, target)
    assert copied == summary(source) == summary(target)
    assert {one.table: one.rows for one in copied}["deliveries"] == 4
    assert len(copied) == len(TABLES)


def test_ids_go_on_where_the_source_was(source: Engine, target: Engine) -> None:
    copy(source, target)
    person = {"email": "new@example.org", "key": "new@example.org", "name": ""}
    with target.begin() as connection:
        statement = insert(subscribers).values(**person, status="active", created_at=NOW)
        new = connection.execute(statement.returning(subscribers.c.id)).scalar()
    # 4 was given and forgotten: its old link must not be this person's.
    assert new == 5


def test_the_copy_goes_on_as_the_same_newsletter(
    newsletter: Newsletter, source: Engine, postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(source, postgres_engine)
    url = postgres_engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", url)
    again = newsletter.run()
    assert (again.verdict, again.reason) == (Outcome.SKIPPED, "already sent #1")
    newsletter.tell(*((f"Fresh {word} news", f"All of {word}.") for word in ("one", "two", "six")))
    newsletter.clock.go_on(timedelta(days=7))
    assert newsletter.run().verdict is Outcome.SENT


def test_what_is_not_empty_is_not_copied_into(source: Engine, target: Engine) -> None:
    add_people(target, 1)
    with pytest.raises(DatabaseUnavailable, match="not empty"):
        copy(source, target)
    with target.begin() as connection:
        assert connection.execute(select(func.count()).select_from(subscribers)).scalar() == 1


def test_a_row_that_is_not_taken_leaves_the_target_empty(
    source: Engine, postgres_engine: Engine
) -> None:
    with source.begin() as connection:
        connection.execute(update(items).values(summary="a NUL \0 that PostgreSQL refuses"))
    with pytest.raises(DatabaseUnavailable, match="row of items is not taken"):
        copy(source, postgres_engine)
    with postgres_engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(subscribers)).scalar() == 0
        assert connection.execute(select(func.count()).select_from(salts)).scalar() == 1


def test_nothing_is_copied_while_a_run_is_at_work(newsletter: Newsletter, source: Engine) -> None:
    who = this_process()
    runs.begin(source, job="weekly", flow_run="", scheduled=False, owner=who, now=NOW)
    with pytest.raises(NewsletterError, match="a run is at work"):
        databases.move(newsletter.settings, f"sqlite:///{newsletter.folder / 'new.db'}")


def test_a_copy_lands_where_the_settings_will_look_for_it(newsletter: Newsletter) -> None:
    databases.move(newsletter.settings, "sqlite:///new.db")
    assert (newsletter.folder / "new.db").is_file()


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("", "sqlite:///newsletter.db", "into itself"),
        ("", "sqlite:///../old/newsletter.db", "into itself"),
        ("", "sqlite://", "gone at once"),
        ("", "sqlite:///:memory:", "gone at once"),
        ("", "mysql://somebody@localhost/news", "not the address"),
        ("", "nonsense", "not the address"),
        ("sqlite:///mispelt.db", "sqlite:///new.db", "there is no .*mispelt.db"),
        ("sqlite:///prefect.db", "sqlite:///new.db", "no newsletter's"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_leaves_no_file(
    newsletter: Newsletter, source: str, target: str, told: str
) -> None:
    other = sqlite3.connect(newsletter.folder / "prefect.db")
    other.execute("CREATE TABLE flow_run (id TEXT)")
    other.close()
    there = sorted(newsletter.folder.rglob("*"))
    with pytest.raises(DatabaseUnavailable, match=told):
        databases.move(newsletter.settings, target, source_url=source)
    assert sorted(newsletter.folder.rglob("*")) == there
    kept = sqlite3.connect(newsletter.folder / "prefect.db")
    assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("flow_run",)]
    kept.close()


def test_nothing_is_copied_while_serve_waits_for_its_time(newsletter: Newsletter) -> None:
    config = str(newsletter.folder / "newsletter.toml")
    options = ["database", "copy", "--to", "sqlite:///new.db", "--config", config]
    with alone(newsletter.settings.paths.private):
        done = CliRunner().invoke(command, options)
    assert (done.exit_code, "is running already" in done.stderr) == (1, True)
    assert CliRunner().invoke(command, options).exit_code == 0


def test_a_backup_is_one_file_for_its_owner_alone(newsletter: Newsletter) -> None:
    path = databases.backup(newsletter.settings, output=None, now=NOW)
    assert path.name == "backup-20261125T090000Z.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with pytest.raises(DatabaseUnavailable, match="there is a file already"):
        databases.backup(newsletter.settings, output=None, now=NOW)


def test_a_backup_holds_all_of_it_and_is_brought_back(
    newsletter: Newsletter, any_engine: Engine, tmp_path: Path
) -> None:
    with open_store(newsletter.settings) as engine:
        copy(engine, any_engine)
    path = tmp_path / "backups" / "all.db"
    back_up(any_engine, path)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    databases.move(newsletter.settings, back, source_url=f"sqlite:///{path}")
    restored = open_database(back)
    assert summary(restored) == summary(any_engine)
    restored.dispose()


def test_an_earlier_version_is_backed_up_as_it_is(any_engine: Engine, tmp_path: Path) -> None:
    add_people(any_engine, 3)
    with any_engine.begin() as connection:
        for change in ("items DROP COLUMN gist", "issues DROP COLUMN bad_requests"):
            connection.execute(text(f"ALTER TABLE {change}"))
        connection.execute(text("DROP TABLE lookouts"))
        connection.execute(update(versions).where(versions.c.room == "pipeline").values(version=1))
    start = {"subscribers": len(ROOMS[0][1]), "pipeline": 1}
    back_up(any_engine, tmp_path / "all.db")
    restored = open_database(f"sqlite:///{tmp_path / 'all.db'}")
    assert versions_of(restored) == start
    with restored.begin() as connection:
        assert connection.execute(select(func.count()).select_from(subscribers)).scalar() == 3
    migrate_all(restored)
    assert versions_of(restored) == {room: len(steps) for room, steps in ROOMS}
    restored.dispose()


def test_a_backup_that_cannot_be_written_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(DatabaseUnavailable, match="cannot be written"):
        back_up(engine, tmp_path / "file" / "backup.db")


def one_more(broken: bool = False) -> tuple[tuple[str, tuple[Migration, ...]], ...]:  # noqa: FBT001, FBT002 - a test's own
    """The rooms with a further step in the last of them, as a later version has it."""

    def step(connection: object) -> None:
        if broken:
            raise DatabaseUnavailable("database: the step failed")
        assert hasattr(connection, "execute")
        connection.execute(text("ALTER TABLE issues ADD COLUMN remark TEXT"))

    (people, pipeline) = ROOMS
    return (people, (pipeline[0], (*pipeline[1], Migration(name="remarks", run=step))))


def test_a_step_forward_keeps_what_is_there(any_engine: Engine) -> None:
    add_people(any_engine, 3)
    kept: list[str] = []
    migrate(any_engine, one_more(), before=lambda: kept.append("backup"))
    assert kept == ["backup"]
    assert versions_of(any_engine)["pipeline"] == len(ROOMS[1][1]) + 1
    with any_engine.begin() as connection:
        assert connection.execute(text("SELECT remark FROM issues")).all() == []
        assert connection.execute(select(func.count()).select_from(subscribers)).scalar() == 3


def test_a_step_that_fails_changes_nothing(any_engine: Engine) -> None:
    with pytest.raises(DatabaseUnavailable, match="the step failed"):
        migrate(any_engine, one_more(broken=True))
    assert versions_of(any_engine)["pipeline"] == len(ROOMS[1][1])


def test_the_ledger_of_before_loses_what_each_answer_was_written_to(any_engine: Engine) -> None:
    with any_engine.begin() as connection:
        connection.execute(text("DROP INDEX deliveries_claimed"))
        for name, columns in (("status", "issue, status, subscriber_id"), ("batch", "batch_id")):
            connection.execute(text(f"CREATE INDEX deliveries_by_{name} ON deliveries ({columns})"))
        connection.execute(update(versions).where(versions.c.room == "pipeline").values(version=2))
    migrate_all(any_engine)
    found = {index["name"] for index in inspect(any_engine).get_indexes("deliveries")}
    assert found == {"deliveries_claimed"}


def test_rows_given_as_tuples_are_stored_as_any_others(any_engine: Engine) -> None:
    """To the byte: a time spelled otherwise is sorted and compared otherwise by SQLite."""
    told: dict[str, object] = dict.fromkeys(("feed", "url", "title", "section", "reason"), "é ☂")
    told |= {"issue": 1, "story": 5, "address": 2**62, "fate": "held", "decided_at": NOW}
    one, other = told | {"item": 5}, told | {"item": 6}
    tuples = [tuple(other[column.name] for column in decisions.columns)]
    with any_engine.begin() as connection:
        connection.execute(insert(decisions), one)
        insert_tuples(connection, decisions, tuples)
        # What is there already stays.
        insert_tuples(connection, decisions, [(1, 5, 0, 0, "", "", "", "", "", "", NOW), *tuples])
        insert_tuples(connection, decisions, [])
        plain = [cast(column, Text) for column in decisions.columns if column.name != "item"]
        rows = connection.execute(select(*plain).order_by(decisions.c.item)).all()
        times = connection.execute(select(decisions.c.decided_at)).scalars().all()
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert times == [NOW, NOW]


def test_what_was_never_claimed_is_in_no_index(any_engine: Engine) -> None:
    """Half a million planned deliveries would each be written there, and looked up by nobody."""
    dialect = any_engine.dialect.name
    [index] = inspect(any_engine).get_indexes("deliveries")
    condition = str(index["dialect_options"][f"{dialect}_where"])
    assert condition.strip("()") == "batch_id IS NOT NULL"


def test_a_database_of_a_later_version_is_refused_and_not_touched(any_engine: Engine) -> None:
    migrate(any_engine, one_more())
    with pytest.raises(DatabaseTooNew, match="install the newer newsletter"):
        migrate_all(any_engine)


def test_what_is_up_to_date_is_only_read(engine: Engine) -> None:
    # Another process holds the write lock: a look at the version must not wait for it.
    with engine.begin():
        migrate_all(engine)


def test_an_upgrade_takes_a_backup_first(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(delete(versions).where(versions.c.room == "pipeline"))
        for table in reversed(TABLES):
            if table.metadata is not subscribers.metadata:
                table.drop(connection)
    done = databases.upgrade(newsletter.settings, now=NOW)
    assert done.before == {"subscribers": len(ROOMS[0][1])}
    assert done.backup is not None
    assert done.backup.name == "before-upgrade-20261125T090000Z.db"
    file = sqlite3.connect(done.backup)
    assert file.execute("SELECT count(*) FROM subscribers").fetchone() == (3,)
    file.close()
    assert databases.upgrade(newsletter.settings, now=NOW).backup is None


def test_opening_takes_the_backup_by_itself(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(delete(versions).where(versions.c.room == "pipeline"))
        for table in reversed(TABLES):
            if table.metadata is not subscribers.metadata:
                table.drop(connection)
    with open_store(newsletter.settings):
        pass
    assert list((newsletter.folder / "backups").glob("before-upgrade-*.db"))


def test_what_a_person_asks_of_the_whole_is_the_same_on_both(any_engine: Engine) -> None:
    assert doubts(any_engine) == {}
    assert newest_moment(any_engine) is None
    assert damage(any_engine) == ""
    who = this_process()
    runs.begin(any_engine, job="weekly", flow_run="", scheduled=False, owner=who, now=NOW)
    assert newest_moment(any_engine) == NOW


def test_a_server_tells_its_time_and_a_file_has_none(any_engine: Engine) -> None:
    before, told, after = utc_now(), database_time(any_engine), utc_now()
    if any_engine.dialect.name == "sqlite":
        assert told is None
    else:
        assert told is not None
        assert before - timedelta(seconds=1) <= told <= after + timedelta(seconds=1)
