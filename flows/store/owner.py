"""Who holds a lease or a batch: host, process id and start time, so that a dead owner is known."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """Return this process's name as an owner: "host:pid:start"."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def alive(owner: str) -> bool | None:
    """Return whether the owner still runs; None if it is on another host and cannot be known."""
    _host, pid, started = owner.rsplit(":", 2)
    if host(owner) != socket.gethostname():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # A process id is used again; the start time tells whether it is still the same process.
    return _started(int(pid)) == started


def host(owner: str) -> str:
    """Return the name of the machine that the owner runs on."""
    return owner.rsplit(":", 2)[0]


def _started(pid: int) -> str:
    # /proc/PID/stat, field 22 (proc_pid_stat(5)); the name in field 2 may hold spaces and brackets.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended: only its parent has not taken notice yet.
    return "" if fields[0] == "Z" else fields[19]
