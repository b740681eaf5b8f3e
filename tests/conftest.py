"""What most tests need: a fresh database, and a clock that stands still."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from flows.store.migrations import migrate_all
from subscribers.database import open_database
from tests.feed_server import FeedServer
from tests.sendgrid_server import SendGridServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

# A busy machine is no reason for a red test: no example has a time limit.
hypothesis.settings.register_profile("newsletter", deadline=None)
hypothesis.settings.load_profile("newsletter")


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'newsletter.db'}")
    migrate_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def sendgrid_server() -> Iterator[SendGridServer]:
    with SendGridServer() as server:
        yield server


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
    yield make_url(server.get_uri())
    server.cleanup()


@pytest.fixture
def postgres_engine(postgres: URL) -> Iterator[Engine]:
    """A fresh database on PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    driver = postgres.set(drivername="postgresql+psycopg")
    admin = create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = open_database(postgres.set(database=name).render_as_string(hide_password=False))
    migrate_all(engine)
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """A fresh database, once on each of the two."""
    name = "engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    return engine
