"""Whose request it is: the reader's network, also behind our own web server, and how often it asks.

A network, not an address: whoever has one IPv6 address has millions.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What one customer of a provider has, at the least (RFC 6177 2).
PREFIX: Final = {4: 24, 6: 56}
HOUR: Final = timedelta(hours=1)
# Memory is bounded: past this, the network that asked first is forgotten.
MOST_NETWORKS: Final = 50_000
NOBODY: Final = "unknown"


def parse_networks(text: str) -> Networks:
    """Return the networks that a setting names; raises ValueError."""
    parts = filter(None, map(str.strip, text.split(",")))
    return tuple(ipaddress.ip_network(part, strict=False) for part in parts)


def network_of(request: Request, proxies: Networks) -> str:
    """Return the network that a request comes from; a proxy of ours says for whom it asks.

    Of what X-Forwarded-For says only the part is believed that our own proxies added.
    """
    asking = _address(request.client.host if request.client else "")
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while asking is not None and told and _is_in(asking, proxies):
        further = _address(_bare(told.pop().strip()))
        if further is None:
            break
        asking = further
    if asking is None:
        return NOBODY
    return str(ipaddress.ip_network((asking, PREFIX[asking.version]), strict=False))


def _bare(text: str) -> str:
    """Return an address without the port that some web servers put after it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> IPAddress | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_in(address: IPAddress, networks: Networks) -> bool:
    return any(address.version == one.version and address in one for one in networks)


class NetworkLimit:
    """Remembers for an hour how often each network asked; `most` times are allowed.

    In memory alone: who looked at the form is not to be stored. A restart forgets it, and each
    process counts for itself; how often an address and all together may ask, the database holds.
    """

    def __init__(self, most: int, *, networks: int = MOST_NETWORKS) -> None:
        self._most = most
        self._networks = networks
        self._asked: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def allows(self, network: str, *, now: datetime) -> bool:
        """Return whether the network may ask once more, and remember that it did."""
        with self._lock:
            asked = self._asked.setdefault(network, deque())
            while asked and asked[0] <= now - HOUR:
                asked.popleft()
            if len(asked) >= self._most:
                return False
            asked.append(now)
            if len(self._asked) > self._networks:
                del self._asked[next(iter(self._asked))]
            return True
