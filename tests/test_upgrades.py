"""A database that any released version wrote is brought up to date, and its newsletter goes on."""

from __future__ import annotations

import json
import uuid
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from flows.models import Outcome
from flows.store.migrations import ROOMS, migrate_all
from subscribers.database import open_database, versions_of
from tests.conftest import admin_of
from tests.newsletters import STORIES, Newsletter
from tests.old_databases import FOLDER, READERS, load, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine

CHANGELOG = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASED = sorted({path.name.rsplit(".", 2)[0] for path in FOLDER.glob("*.json")})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'newsletter.db'}")
        yield engine
        engine.dispose()
        return
    url: URL = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    with admin_of(url).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = open_database(url.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin_of(url).connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_there_is_a_database_of_each_version() -> None:
    assert metadata.version("newsletter") in RELEASED


@pytest.mark.parametrize("version", RELEASED)
def test_an_old_database_is_brought_up_to_date_and_goes_on(
    version: str, empty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (FOLDER / f"{version}.{empty.dialect.name}.json").read_text(encoding="utf-8")
    is_released = f"## {version} (unreleased)" not in CHANGELOG
    assert is_released or not _differs(told, empty), (
        "the tables changed: python -m tests.old_databases makes it anew"
    )
    load(empty, told)
    migrate_all(empty)
    assert versions_of(empty) == {room: len(migrations) for room, migrations in ROOMS}
    url = empty.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", url)
    newsletter = Newsletter(tmp_path).write().tell(*STORIES)
    (tmp_path / "issues").mkdir(exist_ok=True)
    again = newsletter.run()
    assert (again.verdict, again.reason) == (Outcome.SKIPPED, "already sent #1")
    assert again.accepted == READERS
    extra = newsletter.run(extra=True)
    # Every story ran in the first issue: it is remembered.
    assert extra.verdict is Outcome.SKIPPED


def _differs(told: str, engine: Engine) -> bool:
    kept: list[str] = json.loads(told)["statements"]
    return kept != statements(engine)
