"""Feeds to items: fetching politely, reading whatever comes, keeping what it says."""

import sys

# httpx would load its own command line too, and with it rich and pygments: 50 ms at every start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None is Python's word for it
