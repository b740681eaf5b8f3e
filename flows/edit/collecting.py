"""Lets Python's garbage collector rest where very many values are made that all live on."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def at_rest() -> Iterator[None]:
    """Keep the collector from running; it takes up again behind the block, or the function.

    Items, readings and stories form no cycles, so it finds nothing, and to look through all of
    them again and again costs more than a third of the time.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
