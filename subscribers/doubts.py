"""Addresses that can be mailed and still may be wrong: slips of the keys, and shared mailboxes."""

from __future__ import annotations

from functools import cache
from typing import Final

# Where most private mailboxes are; a domain that is one slip away from these is likely a slip.
COMMON: Final = (
    *("gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "live.com"),
    *("icloud.com", "protonmail.com", "proton.me", "gmx.de", "gmx.net", "web.de", "yandex.ru"),
    *("mail.ru", "yahoo.co.uk", "hotmail.co.uk", "fastmail.com", "msn.com", "aol.com", "qq.com"),
)
# One slip away from one of the above, and real mailboxes all the same.
GENUINE: Final = frozenset(
    {
        *("mail.com", "email.com", "gmx.com", "gmx.at", "gmx.ch", "ymail.com", "rocketmail.com"),
        *("me.com", "mac.com", "hotmail.de", "hotmail.fr", "hotmail.it", "live.de", "live.fr"),
        *("outlook.de", "outlook.fr", "yahoo.de", "yahoo.fr", "yahoo.ca", "aim.com", "proton.com"),
        *("mail.de", "mail.ee", "mail.bg", "inbox.ru", "list.ru", "ya.ru", "web.com", "web.id"),
        *("163.com", "126.com", "live.cn", "live.nl", "live.be", "live.ca", "live.it", "live.in"),
        *("live.no", "live.se", "live.dk", "live.at", "live.ru", "olive.com", "alive.com"),
        *("love.com", "five.com", "line.com", "life.com", "mad.com", "max.com", "me.net"),
    }
)
# RFC 2142 and custom: several people read them, or none.
ROLES: Final = frozenset(
    {
        *("abuse", "admin", "administrator", "all", "billing", "contact", "everyone", "help"),
        *("hello", "hostmaster", "hr", "info", "jobs", "mail", "marketing", "media", "news"),
        *("no-reply", "noc", "noreply", "office", "postmaster", "press", "root", "sales"),
        *("security", "service", "staff", "support", "team", "webmaster", "do-not-reply"),
    }
)
# Shorter names have neighbours that are names as well.
SHORTEST: Final = 4


def likely_typo(email: str) -> str:
    """Return the address that was probably meant (ann@gmail.com for ann@gmial.com), else ""."""
    local_part, _, domain = email.rpartition("@")
    meant = _meant(domain.lower())
    return f"{local_part}@{meant}" if meant else ""


def is_role(email: str) -> bool:
    """Return whether the address is that of a role, such as info@ or postmaster@."""
    return email.rpartition("@")[0].partition("+")[0].lower() in ROLES


def warning(email: str) -> str:
    """Return what may be wrong with an address, "" if nothing seems to be."""
    if meant := likely_typo(email):
        return f"looks like a slip of the keys for {meant.rpartition('@')[2]}"
    if is_role(email):
        return "is the address of a role, not of a person"
    return ""


@cache
def _slips() -> dict[str, str]:
    """Return every domain that is one slip away from a common one, with what was meant.

    A slip is two letters changed about, a letter lost, doubled or hit beside, or a wrong ending.
    """
    told: dict[str, str] = {}
    for domain in COMMON:
        name, _, ending = domain.partition(".")
        near = _near(domain) if len(name) >= SHORTEST else set()
        if ending == "com":
            near |= {f"{name}.{wrong}" for wrong in ("con", "cmo", "ocm", "vom", "comm", "coom")}
            near |= {f"{name}.com{extra}" for extra in ("m", "n", "o", ".com")} | {f"{name}com"}
        for wrong in near - GENUINE - set(COMMON):
            told.setdefault(wrong, domain)
    return told


# The keys beside each on a keyboard; the most common slip of all.
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _near(domain: str) -> set[str]:
    name, dot, ending = domain.partition(".")
    near = set()
    for position, letter in enumerate(name):
        before, after = name[:position], name[position + 1 :]
        near.add(before + after)
        near.add(before + letter * 2 + after)
        if after:
            near.add(before + after[0] + letter + after[1:])
        near |= {before + other + after for other in _beside(letter)}
    near.discard(name)
    return {f"{wrong}{dot}{ending}" for wrong in near}


def _beside(letter: str) -> str:
    for row in _ROWS:
        at = row.find(letter)
        if at >= 0:
            return row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return ""


def _meant(domain: str) -> str:
    return _slips().get(domain, "")
