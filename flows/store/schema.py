"""The pipeline's tables. What stands in them is never a person: people are the subscribers'."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
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
    Column("body_bytes", Integer, nullable=False, default=0),
    # Which address gave the validators, and how what it gave was read: they are for no other.
    Column("answered_by", Text),
    Column("reading", String(64), nullable=False, default=""),
    Column("asked_at", UTCDateTime),
    Column("succeeded_at", UTCDateTime),
    Column("due_at", UTCDateTime),
    Column("due_because", Text, nullable=False, default=""),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("gone", Boolean, nullable=False, default=False),
    Column("moved_to", Text),
    Column("moves_seen", Integer, nullable=False, default=0),
)

# What we cost publishers and what they asked of us; old rows are removed as new ones come.
visits = Table(
    "visits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("feed_url", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("saved", Integer, nullable=False),
    Column("wait_seconds", Integer),
    Column("due_at", UTCDateTime),
)
Index("visits_by_time", visits.c.at)
Index("visits_by_feed", visits.c.feed_url, visits.c.at)

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
    # What stands for address and title where an item is looked for (see names).
    Column("place", BigInteger),
    Column("name", BigInteger),
    # What was read from it to compare it with others; NULL until that is done.
    Column("gist", LargeBinary),
    UniqueConstraint("feed_url", "guid", name="items_once_per_feed"),
)
Index("items_by_published", items.c.published)
Index("items_by_first_seen", items.c.first_seen)
# The feed is last: what a week's items name is asked of forty feeds at once, and what there is of
# this week itself is passed over by its time, without a look at the rows.
Index("items_by_place", items.c.place, items.c.first_seen, items.c.feed_url)
Index("items_by_name", items.c.name, items.c.first_seen, items.c.feed_url)

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
    # Before when readers are not to get it: whoever goes on with it keeps to that.
    Column("send_at", UTCDateTime),
    Column("sent_at", UTCDateTime),
    # The tag whose people alone get it for now; "" for everybody.
    Column("only_tag", String(32), nullable=False, default=""),
    # The 400s that looking for bad recipients has cost: SendGrid blocks who sends too many.
    Column("bad_requests", Integer, nullable=False, default=0),
)

# What ran in which issue: enough of each item to know it again under another address or title.
history = Table(
    "history",
    metadata,
    # Made from what the row says, so that remembering twice changes nothing.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # No foreign key: issues of a newsletter that moved here are remembered, but not kept.
    Column("issue", Integer, nullable=False),
    Column("feed", Text, nullable=False),
    Column("guid", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
)
Index("history_by_issue", history.c.issue)

# The keys of each, as the edit room spells them; the primary key is the index they are found by.
history_keys = Table(
    "history_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("issue", Integer, primary_key=True, autoincrement=False),
    Column("history_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# What became of each item when an issue was drafted, and why: for whoever asks later.
decisions = Table(
    "decisions",
    metadata,
    Column("issue", Integer, primary_key=True, autoincrement=False),
    # Made from what the item said, as its row may change; `story` is that of the leading item.
    Column("item", BigInteger, primary_key=True, autoincrement=False),
    Column("story", BigInteger, nullable=False),
    # What stands for the one spelling of its address, or for its title if it has none.
    Column("address", BigInteger, nullable=False),
    Column("feed", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("fate", String(16), nullable=False),
    # The heading it was put under.
    Column("section", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
    sqlite_with_rowid=False,
)
Index("decisions_by_address", decisions.c.address)
Index("decisions_by_story", decisions.c.issue, decisions.c.story)

# The mail of each issue as it was approved: whoever hands it over may be on another machine.
mails = Table(
    "mails",
    metadata,
    Column("issue", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), primary_key=True),
    Column("mail", Text, nullable=False),
)

# What ran and how it ended; `owner` tells whether what has not ended still can.
runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # What ran: "weekly", "gather", "draft" …; and Prefect's id of the run, if it records it.
    Column("job", String(32), nullable=False),
    Column("flow_run", String(36), nullable=False, default=""),
    Column("scheduled", Boolean, nullable=False, default=False),
    Column("owner", Text, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    # The verdict; empty for what has not ended.
    Column("verdict", String(16), nullable=False, default=""),
    Column("issue", Integer),
    Column("reason", Text, nullable=False, default=""),
    Column("next", Text, nullable=False, default=""),
)
Index("runs_by_end", runs.c.ended_at)
Index("runs_by_flow_run", runs.c.flow_run)

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
    # SendGrid's batch_id, under which the wave can be cancelled.
    Column("batch_id", Text, nullable=False),
    Column("send_at", UTCDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    # How many batches it takes; an issue has few waves, since few can be cancelled.
    Column("capacity", Integer, nullable=False),
    # host:pid:start of the process that hands it over; "" when nobody is at it.
    Column("owner", Text, nullable=False),
    # When its owner was last seen at it.
    Column("touched_at", UTCDateTime, nullable=False),
    # Why it was cancelled: "doubt" or "undo". Each kind has its own share of the few cancels.
    # "kept": it cannot be cancelled, its doubts stay.
    Column("because", String(16), nullable=False, default=""),
    UniqueConstraint("issue", "number", name="waves_once_per_issue"),
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
# No state is in an index: each step of each delivery would be written there again. Who is next is
# found by the primary key from where the last claim ended, how many stand where by a count.
_claimed = Index("deliveries_claimed", deliveries.c.batch_id)


@event.listens_for(_claimed, "before_create")
def _of_the_claimed_only(index: Index, connection: Connection, **_told: object) -> None:
    # Named above, the condition would load both dialects with all their drivers at each start.
    index.dialect_options[connection.dialect.name]["where"] = deliveries.c.batch_id.is_not(None)


# Whose mail of which issue was put off for good: who bounces softly issue after issue is
# suppressed. Subscribers by their number only.
soft_bounces = Table(
    "soft_bounces",
    metadata,
    Column("subscriber_id", Integer, primary_key=True, autoincrement=False),
    Column("issue", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Up to when each of the provider's suppression lists was read.
lookouts = Table(
    "lookouts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("until", UTCDateTime, nullable=False),
)
