"""Sends an issue in processes that are to be killed: python -m tests.sender DATABASE API FENCE.

"start" on standard input forks a sender and prints its process id; "watch PID" answers when it
has ended, and "wait PID" how: until then nobody else gets its process id. Forking from here
costs nothing; starting Python each time would cost seconds.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta

from flows.deliver.deliver import Fence, Limits, deliver
from flows.deliver.sendgrid import SendGrid
from flows.store.ledger import SqlLedger
from subscribers.database import open_database
from tests.people import ISSUE, MAIL, link
from tests.sendgrid_server import KEY

BATCH_SIZE = 20


def main() -> None:
    for line in sys.stdin:
        command, _, pid = line.strip().partition(" ")
        if command == "watch":
            os.waitid(os.P_PID, int(pid), os.WEXITED | os.WNOWAIT)
            print(pid, flush=True)  # noqa: T201 - the parent reads it
            continue
        if command == "wait":
            print(os.waitpid(int(pid), 0)[1], flush=True)  # noqa: T201 - the parent reads it
            continue
        child = os.fork()
        if not child:
            send(*sys.argv[1:])
            os._exit(0)
        print(child, flush=True)  # noqa: T201 - the parent reads it


def send(database: str, api: str, fence: str) -> None:
    """Send as any run does, but wait hardly at all and bear any number of doubts."""
    transport = SendGrid(KEY, host=api, now=now, timeout=10)
    deliver(
        MAIL,
        ledger=SqlLedger(open_database(database), ISSUE),
        transport=transport,
        link=link,
        now=now,
        wait=lambda seconds: time.sleep(min(seconds, 0.02)),
        stop=lambda: False,
        progress=lambda _counts: None,
        batch_size=BATCH_SIZE,
        fence=Fence(provider=transport) if fence == "fence" else None,
        limits=Limits(doubts_in_a_row=1000, patience=timedelta(hours=9)),
    )


def now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
