"""What most tests need: a fresh database, and a clock that stands still."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import uuid
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from flows.cli.server import own_server
from flows.store.migrations import migrate_all
from subscribers.database import open_database
from tests.feed_server import FeedServer
from tests.sendgrid_server import SendGridServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from sqlalchemy import Engine

# A busy machine is no reason for a red test: no example has a time limit.
hypothesis.settings.register_profile("newsletter", deadline=None)
hypothesis.settings.load_profile("newsletter")

# Migrated once, copied for each test.
TEMPLATE = "template_newsletter"


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    migrate_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    """A fresh database; a module that is about SQL makes it `any_engine` for all its tests."""
    return sqlite_engine


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def sendgrid_server() -> Iterator[SendGridServer]:
    with SendGridServer() as server:
        yield server


@pytest.fixture(scope="session")
def first_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """A Prefect server of this session's own: a copy of its folder when it was new, its address.

    PREFECT_API_URL names it meanwhile. To make its database takes longer than all the rest, so
    there is one for each version of Prefect, and whoever needs a server of his own starts it on
    the copy.
    """
    state, copy = tmp_path_factory.mktemp("prefect"), tmp_path_factory.mktemp("home")
    database = state / "prefect" / "prefect.db"
    kept = request.config.cache.mkdir(f"prefect-{version('prefect')}") / "prefect.db"
    if kept.exists():
        database.parent.mkdir()
        shutil.copy(kept, database)
    with own_server(state, ui=False, narrate=lambda _: None) as own:
        with (
            contextlib.closing(sqlite3.connect(database)) as made,
            contextlib.closing(sqlite3.connect(copy / "prefect.db")) as new,
        ):
            made.backup(new)
        if not kept.exists():
            # Whole or not at all: another session may begin just now.
            whole = kept.with_name(f"{os.getpid()}.db")
            shutil.copy(copy / "prefect.db", whole)
            whole.replace(kept)
        yield copy, own.url


@pytest.fixture(scope="session")
def home(first_server: tuple[Path, str]) -> Path:
    """Prefect's folder with a migrated, empty database, to be copied."""
    return first_server[0]


@pytest.fixture(scope="session")
def api(first_server: tuple[Path, str]) -> str:
    """The address of a Prefect server that all tests share; PREFECT_API_URL names it."""
    return first_server[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; skipped where it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        started_browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started_browser
        started_browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server of this session's own; skipped where it cannot be had."""
    with warnings.catch_warnings():
        # Importing it asks for a folder that containers lack.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="pgserver is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="newsletter-postgres-"))
    # A root user's server runs as somebody else, who must get in.
    folder.chmod(0o755)
    server = pgserver.get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri())
    _in_a_hurry(url)
    yield url
    server.cleanup()


def _in_a_hurry(url: URL) -> None:
    """Let the server keep nothing through a power cut, and make the database that others copy."""
    admin = admin_of(url)
    with admin.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
    template = open_database(url.set(database=TEMPLATE).render_as_string(hide_password=False))
    migrate_all(template)
    template.dispose()


def admin_of(url: URL) -> Engine:
    """Return an engine that makes and drops databases."""
    driver = url.set(drivername="postgresql+psycopg")
    return create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=NullPool)


@pytest.fixture
def postgres_engine(postgres: URL) -> Iterator[Engine]:
    """A fresh database on PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    admin = admin_of(postgres)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    engine = open_database(postgres.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """A fresh database, once on each of the two."""
    name = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    return engine
