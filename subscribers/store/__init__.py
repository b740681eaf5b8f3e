"""Every statement about people; those about the list itself are at hand here.

Sign-ups, choices, tags and figures have modules of their own beside this one.
"""

from subscribers.store.leaving import unsubscribe, unsubscribe_all
from subscribers.store.outsiders import keep_out
from subscribers.store.people import (
    SUPPRESSED,
    admit,
    agreements,
    count,
    everyone,
    find,
    forget,
    get,
    page,
    ping,
    ping_for_writing,
    records,
    suppress,
    suppressed,
    take_back,
    transaction,
    would_admit,
)

__all__ = [
    "SUPPRESSED",
    "admit",
    "agreements",
    "count",
    "everyone",
    "find",
    "forget",
    "get",
    "keep_out",
    "page",
    "ping",
    "ping_for_writing",
    "records",
    "suppress",
    "suppressed",
    "take_back",
    "transaction",
    "unsubscribe",
    "unsubscribe_all",
    "would_admit",
]
