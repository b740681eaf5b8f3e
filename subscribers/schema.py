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
)
Index("subscribers_by_status", subscribers.c.status, subscribers.c.id)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    # subscribed, confirmed, unsubscribed, imported …
    Column("action", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
)
Index("consents_by_subscriber", consents.c.subscriber_id)

suppressions = Table(
    "suppressions",
    metadata,
    Column("key", String(320), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)
