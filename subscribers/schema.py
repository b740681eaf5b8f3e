"""The tables of people and consent."""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from subscribers.database import UTCDateTime

metadata = MetaData()

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("email", String(320), nullable=False),
    # The folded address: one person, one row.
    Column("key", String(320), nullable=False, unique=True),
    Column("name", Text, nullable=False, default=""),
    Column("status", String(16), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("unsubscribed_at", UTCDateTime),
    # Without it SQLite gives the newest id again once its row is deleted, and an old unsubscribe
    # link would hit a stranger.
    sqlite_autoincrement=True,
)
Index("subscribers_by_status", subscribers.c.status, subscribers.c.id)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    # One of models.ConsentAction.
    Column("action", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
    # The issue whose link they left by. No foreign key: issues are not this library's.
    Column("issue", Integer),
)
Index("consents_by_subscriber", consents.c.subscriber_id)

suppressions = Table(
    "suppressions",
    metadata,
    # A folded address; for a forgotten one its salted hash (subscribers.suppression).
    Column("key", String(320), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)

# One random value per purpose, made once: with it the hash of a forgotten address cannot be
# looked up in a table made elsewhere.
salts = Table(
    "salts",
    metadata,
    Column("purpose", String(16), primary_key=True),
    Column("salt", String(64), nullable=False),
)
