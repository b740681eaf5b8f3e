"""Signs events as SendGrid does, with a key made for the test."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from datetime import datetime


class Signer:
    """SendGrid, as far as its signature goes."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> str:
        """What SendGrid shows as verification key."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(public).decode()

    def sign(self, body: bytes, timestamp: str) -> str:
        signed = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signed).decode()

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        return {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": self.sign(body, timestamp),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


def body_of(*events: dict[str, Any]) -> bytes:
    """Return the body of a request: SendGrid ends it with a line end, and signs that too."""
    return json.dumps(events).encode() + b"\r\n"


def event(name: str, email: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"event": name, "email": email, "timestamp": int(at.timestamp()), **more}
