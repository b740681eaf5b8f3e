"""What an approval is for, as one number: it changes where a reader would see a change."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.models import Mail


def digest(mail: Mail) -> str:
    """Return the SHA-256 of what an approval is for: what readers see, and who it is from."""
    told = (mail.subject, mail.preheader, mail.html, mail.text, mail.sender, mail.reply_to)
    # JSON marks where one text ends: moving a word from one to the next changes the digest.
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
