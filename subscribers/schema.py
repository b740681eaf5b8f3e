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
    # Until when they get no issue because they want none for a while.
    Column("paused_until", UTCDateTime),
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

# Words an editor puts on people, to write to some of them first.
tags = Table(
    "tags",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(32), primary_key=True),
    sqlite_with_rowid=False,
)
Index("tags_by_tag", tags.c.tag, tags.c.subscriber_id)

# The mails that sign-ups ask for, and the memory that bounds them. One that asks for none (the
# address must not be mailed, or was just now) has a row too: each sign-up does the same work.
letters = Table(
    "letters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    # One of models.LetterKind.
    Column("kind", String(16), nullable=False),
    Column("asked_at", UTCDateTime, nullable=False),
    # When it is to be posted; NULL once it is, before it is handed over: never twice.
    Column("due_at", UTCDateTime),
    Column("attempts", Integer, nullable=False, default=0),
)
Index("letters_by_time", letters.c.asked_at)
Index("letters_by_due", letters.c.due_at)
Index("letters_by_subscriber", letters.c.subscriber_id, letters.c.asked_at)

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
