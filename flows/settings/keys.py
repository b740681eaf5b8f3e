"""The signing keys: where they are read from, and how the first one is made."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from flows.errors import SettingsError
from subscribers.errors import InvalidKeys
from subscribers.tokens import Keys

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
HEAD = "# Sign the links in mails; one key a line. The first signs, the others still verify.\n"


def read_keys(variable: str, file: Path) -> Keys:
    """Return the signing keys of NEWSLETTER_KEYS if given, else of the file.

    Raises SettingsError if there are none or they are too short.
    """
    if variable:
        return _parse(variable, "NEWSLETTER_KEYS")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: the signing keys are missing; put them back from a backup, because links in "
            f"mails already sent need them, or let `newsletter init {file.parent.parent}` make new "
            "ones"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: the signing keys are not text") from error
    except OSError as error:
        raise SettingsError(f"{file}: the signing keys cannot be read: {error.strerror}") from error
    return _parse(text, str(file))


def _parse(text: str, origin: str) -> Keys:
    try:
        return Keys.load(text)
    except InvalidKeys as error:
        raise SettingsError(f"{origin}: {error}") from error


def make_keys(file: Path) -> bool:
    """Make the keys file, which only its owner can read; False if there is one already.

    Raises OSError if the folder cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as keys:
        keys.write(f"{HEAD}{secrets.token_hex(KEY_BYTES)}\n")
    return True
