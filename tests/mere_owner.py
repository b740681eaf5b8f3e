"""Steps without root's right to pass over a file's permissions: what a file forbids, it forbids."""

from __future__ import annotations

import ctypes
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# capset(2): the version of its header, for two words of 32 capabilities each.
_VERSION = 0x20080522
_WORDS = 2 * 3


def as_mere_owner(step: Callable[[], T]) -> T:
    """Return what a step returns that has the rights of the files' owner and no more."""
    if os.geteuid() != 0:
        return step()
    if sys.platform != "linux":
        pytest.skip("here root may do everything to files")
    # Capabilities are a thread's own: with it ends what it gave up.
    with ThreadPoolExecutor(1, initializer=_give_up_capabilities) as thread:
        return thread.submit(step).result()


def _give_up_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, (ctypes.c_uint32 * _WORDS)()) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
