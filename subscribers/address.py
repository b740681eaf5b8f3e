"""Reads an e-mail address: one spelling to mail, one to compare."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from subscribers.errors import InvalidAddress

# RFC 5321 4.5.3.1: 64 octets before the @, and 254 for all that fits into a mail's envelope.
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
LONGEST_NAME = 100
# What an error shows of a text that may be a megabyte.
SHOWN = 60

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LAST_LABEL = r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z])?"
PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LAST_LABEL}")
# RFC 6761 keeps .test for trials like ours; the others can never be mailed.
RESERVED = tuple(f".{domain}" for domain in SPECIAL_USE_DOMAIN_NAMES if domain != "test")
BLANK_OR_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
# Writing directions in a name would turn around the line of a mail that it stands in.
UNFIT_FOR_NAME = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`email` is what is mailed; `key` is its folded form: one person, one key."""

    email: str
    key: str


def parse(text: str) -> Address:
    """Return the address in `text`; raises InvalidAddress with a plain reason.

    The domain is given in its ASCII form, the part before the @ as it was written.
    """
    text = text.strip()
    if len(text) > LONGEST_ADDRESS:
        raise _refused(text, f"it is longer than {LONGEST_ADDRESS} characters")
    if _is_plain(text):
        local_part, domain = text.rsplit("@", 1)
        if len(local_part) > LONGEST_LOCAL_PART:
            raise _refused(text, f"its part before the @ is over {LONGEST_LOCAL_PART} characters")
        return Address(email=f"{local_part}@{domain.lower()}", key=text.lower())
    return _parse_by_library(text)


def _is_plain(text: str) -> bool:
    # Two hyphens are a domain in its ASCII form, or none at all: the library's to judge.
    return (
        PLAIN.fullmatch(text) is not None
        and "--" not in text
        and not text.lower().endswith(RESERVED)
    )


def _parse_by_library(text: str) -> Address:
    if BLANK_OR_CONTROL.search(text):
        raise _refused(text, "it has a blank or a control character in it")
    for character in text:
        if not character.isascii() and unicodedata.category(character)[0] not in "LMN":
            raise _refused(text, f"no mailbox has the character U+{ord(character):04X} in it")
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise _refused(text, _lower_first(str(error).rstrip("."))) from error
    if len(found.local_part.encode()) > LONGEST_LOCAL_PART:
        raise _refused(text, f"its part before the @ is over {LONGEST_LOCAL_PART} characters")
    domain = found.ascii_domain.lower()
    if "." not in domain:
        raise _refused(text, "the part after the @ has no dot in it")
    folded = unicodedata.normalize("NFC", found.local_part.lower())
    return Address(email=f"{found.local_part}@{domain}", key=f"{folded}@{domain}")


def clean_name(text: str) -> str:
    """Return the name on one line, free of what could break a mail's header, cut to a length."""
    fit = text if text.isprintable() else UNFIT_FOR_NAME.sub(" ", text)
    return " ".join(fit.split())[:LONGEST_NAME].rstrip()


def shown(text: str) -> str:
    """Return `text` in quotes for a message: cut, with every unprintable character escaped."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _refused(text: str, reason: str) -> InvalidAddress:
    if not text:
        return InvalidAddress("no address was given")
    return InvalidAddress(f"{shown(text)} is no e-mail address: {reason}")
