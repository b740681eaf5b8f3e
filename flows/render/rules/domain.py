"""Rules for the sender's domain: what DNS must say of it before providers trust its mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

# A key's name cannot be asked for, only guessed: what providers and mail servers call theirs.
USUAL_SELECTORS = (
    "s1", "s2", "default", "mail", "dkim", "selector1", "selector2", "google", "k1", "k2", "smtp",
)  # fmt: skip


class Resolver(Protocol):
    """Asks DNS."""

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return the TXT records of a name, () if it has none, None if there is no such name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The domain that mail comes from, and who answers questions about it.

    `own_bounces` is false where bounces go to a provider's own domain, whose SPF then counts.
    """

    name: str
    resolver: Resolver
    own_bounces: bool = True
    selectors: tuple[str, ...] = USUAL_SELECTORS


def sender_policy(domain: Domain) -> Iterator[str]:
    """SPF names who may send in the domain's name."""
    found = _records(domain, domain.name, "v=spf1")
    if not found and domain.own_bounces:
        yield f"{domain.name} has no SPF record; add the TXT record your provider gives you."
    if len(found) > 1:
        yield f"{domain.name} has {len(found)} SPF records, and so none that counts; join them."
    if any(re.search(r"(?<!\S)\+?all\b", record, re.IGNORECASE) for record in found):
        yield f"The SPF record of {domain.name} lets everybody send in its name; end it in ~all."


def no_key(domain: Domain) -> Iterator[str]:
    """DKIM has a key."""
    if not _has_key(domain) and domain.resolver.texts(f"_domainkey.{domain.name}") is None:
        yield f"{domain.name} has no DKIM key; add the records your provider gives you."


def key_unseen(domain: Domain) -> Iterator[str]:
    """The key of DKIM has one of the usual names."""
    if not _has_key(domain) and domain.resolver.texts(f"_domainkey.{domain.name}") is not None:
        yield (
            f"No DKIM key of {domain.name} is found under the usual names; send yourself a mail, "
            "save it and run newsletter check --received FILE.eml."
        )


def alignment(domain: Domain) -> Iterator[str]:
    """DMARC says what becomes of mail that only claims to be from the domain."""
    labels = domain.name.split(".")
    # Of the domain itself, else of the nearest one above it (RFC 7489 6.6.3).
    above = [".".join(labels[index:]) for index in range(max(1, len(labels) - 1))]
    found = next((some for name in above if (some := _policies(domain, name))), ())
    if not found:
        yield f"{domain.name} has no DMARC record; add TXT _dmarc.{domain.name} v=DMARC1; p=none."
    elif len(found) > 1:
        yield f"{domain.name} has {len(found)} DMARC records, and so none that counts; leave one."
    elif not re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", found[0], re.IGNORECASE):
        yield f"The DMARC record of {domain.name} names no policy; add p=none, or a stricter one."


def _policies(domain: Domain, name: str) -> tuple[str, ...]:
    return _records(domain, f"_dmarc.{name}", "v=dmarc1")


def _records(domain: Domain, name: str, version: str) -> tuple[str, ...]:
    texts = domain.resolver.texts(name) or ()
    return tuple(text for text in texts if re.match(rf"{version}(\s|;|$)", text, re.IGNORECASE))


def _has_key(domain: Domain) -> bool:
    names = (f"{selector}._domainkey.{domain.name}" for selector in domain.selectors)
    texts = (text for name in names for text in domain.resolver.texts(name) or ())
    return any(re.search(r"(^|;)\s*p\s*=\s*[\w+/]", text) for text in texts)
