"""What an approval is for, as one number: it changes where a reader would see a change."""

from __future__ import annotations

import hashlib
import json


def digest(subject: str, preheader: str, html: str, text: str) -> str:
    """Return the SHA-256 of what an approval is for."""
    # JSON marks where one text ends: moving a word from one to the next changes the digest.
    parts = json.dumps([subject, preheader, html, text])
    return hashlib.sha256(parts.encode()).hexdigest()
