"""What SendGrid's refusals mean: whom they name, what they say, and what a person can do."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from flows.errors import Refused

_POSITION = re.compile(r"personalizations\.(\d+)(\.to)?(?:\.|$)")
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

# The text is a stranger's: as much of it as helps.
LONGEST = 300

WHAT_TO_DO = {
    400: "the mail or a setting is wrong; nobody got it",
    401: "check SENDGRID_API_KEY and the account's credits",
    403: "verify the sender at SendGrid and let the key send mail; after many refused requests "
    "SendGrid blocks for a while",
    404: "check [sending] sendgrid_host",
    405: "check [sending] sendgrid_host",
    413: "lower [sending] batch_size or shorten the issue",
}


def refusal(status: int, body: bytes | str) -> Refused:
    """Return the error for a 4xx answer; `indexes` only if it names recipients and nothing else."""
    errors = _errors(body)
    fields = [error.get("field") for error in errors]
    named = [_POSITION.match(field) if isinstance(field, str) else None for field in fields]
    message = " ".join(dict.fromkeys(filter(None, map(_message, errors)))) or _text(body)
    if errors and all(named):
        # What is not an address stands in every personalization alike.
        alike = [match.string for match in named if match and not match[2]]
        return Refused(
            _shortened(message),
            status=status,
            field=alike[0] if alike else str(fields[0]),
            indexes=tuple(sorted({int(match[1]) for match in named if match})),
            for_address=not alike,
        )
    advice = WHAT_TO_DO.get(status, "look at SendGrid's answer and at [sending]")
    others = [str(field) for field, match in zip(fields, named, strict=True) if field and not match]
    where = f" ({others[0]})" if others else ""
    said = _shortened(message).removeprefix(f"{status} ")
    return Refused(
        f"SendGrid refused the mail: {status} {said}{where}; {advice}",
        status=status,
        field=others[0] if others else None,
    )


def _errors(body: bytes | str) -> list[dict[str, Any]]:
    try:
        errors = json.loads(body)["errors"]
    except (ValueError, KeyError, TypeError):
        # 413 and whatever a proxy says come as an HTML page.
        return []
    return (
        [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    )


def _message(error: dict[str, Any]) -> str:
    return str(error.get("message") or "")


def _text(body: bytes | str) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    title = _TITLE.search(text)
    return unescape(_TAG.sub(" ", title[1] if title else text))


def _shortened(message: str) -> str:
    words = " ".join(message.split()).rstrip(".")
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
