"""The pipeline's tables. What stands in them is never a person: people are the subscribers'."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from subscribers.database import UTCDateTime

metadata = MetaData()

feeds = Table(
    "feeds",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", String(64)),
    Column("asked_at", UTCDateTime),
    Column("succeeded_at", UTCDateTime),
    Column("due_at", UTCDateTime),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("gone", Boolean, nullable=False, default=False),
    Column("moved_to", Text),
    Column("moves_seen", Integer, nullable=False, default=0),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # The feed's address, not its name: an editor may rename a feed at any time.
    Column("feed_url", Text, nullable=False),
    Column("guid", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("published", UTCDateTime),
    Column("first_seen", UTCDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("comments", Text, nullable=False),
    Column("thumbnail", Text, nullable=False),
    Column("truncated", Boolean, nullable=False),
    UniqueConstraint("feed_url", "guid", name="items_once_per_feed"),
)
Index("items_by_published", items.c.published)
Index("items_by_first_seen", items.c.first_seen)

issues = Table(
    "issues",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # NULL for an additional issue (--extra); NULLs are distinct in a unique column.
    Column("slot", UTCDateTime, unique=True),
    Column("status", String(16), nullable=False),
    Column("subject", Text, nullable=False, default=""),
    Column("window_start", UTCDateTime),
    Column("cutoff", UTCDateTime),
    Column("approved_hash", String(64)),
    Column("approved_at", UTCDateTime),
    # Why an operator overrode a blocking finding ("--because").
    Column("because", Text),
    Column("sent_at", UTCDateTime),
)

# What ran in which issue: addresses, guids and fingerprints as the edit room spells them.
history = Table(
    "history",
    metadata,
    Column("key", Text, primary_key=True),
    Column("issue", ForeignKey("issues.number"), primary_key=True),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
)

waves = Table(
    "waves",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("issue", ForeignKey("issues.number"), nullable=False),
    Column("number", Integer, nullable=False),
    # SendGrid's batch_id, under which the wave can be cancelled; NULL without a fence.
    Column("batch_id", Text),
    Column("send_at", UTCDateTime),
    Column("status", String(16), nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("issue", ForeignKey("issues.number"), nullable=False),
    Column("wave_id", ForeignKey("waves.id")),
    Column("status", String(16), nullable=False),
    Column("size", Integer, nullable=False),
    # host:pid:start of the process that handed it over: a dead owner leaves it in doubt.
    Column("owner", Text, nullable=False),
    Column("handed_over_at", UTCDateTime),
    Column("recorded_at", UTCDateTime),
    # What the provider called it (SendGrid's X-Message-Id).
    Column("provider_id", Text),
    Column("reason", Text, nullable=False, default=""),
)
Index("batches_by_issue", batches.c.issue, batches.c.status)

deliveries = Table(
    "deliveries",
    metadata,
    Column("issue", ForeignKey("issues.number"), primary_key=True),
    Column("subscriber_id", Integer, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("batch_id", ForeignKey("batches.id")),
    Column("reason", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)
Index("deliveries_by_status", deliveries.c.issue, deliveries.c.status, deliveries.c.subscriber_id)
Index("deliveries_by_batch", deliveries.c.batch_id)
