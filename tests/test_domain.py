"""What DNS must say of the sender's domain, asked of a resolver of our own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from flows.render.check import DOMAIN_RULES, check_domain
from flows.render.rules.domain import Domain

SPF = "v=spf1 include:mail.example.net ~all"
KEY = "v=DKIM1; k=rsa; p=MIGfMA0"
POLICY = "v=DMARC1; p=none; rua=mailto:reports@example.org"
NAME = "news.example.org"


@dataclass
class Zone:
    """Answers from a table; a name above one that exists exists too (RFC 8020)."""

    records: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def texts(self, name: str) -> tuple[str, ...] | None:
        if name in self.records:
            return self.records[name]
        return () if any(one.endswith(f".{name}") for one in self.records) else None


def zone(**changes: tuple[str, ...] | None) -> Zone:
    """A zone that is right but for what is changed; None takes a name away."""
    records: dict[str, tuple[str, ...] | None] = {
        NAME: ("google-site-verification=x", SPF),
        f"s1._domainkey.{NAME}": (KEY,),
        f"_dmarc.{NAME}": (POLICY,),
    }
    places = {"spf": NAME, "key": f"s1._domainkey.{NAME}", "policy": f"_dmarc.{NAME}"}
    records |= {places.get(place, place): value for place, value in changes.items()}
    return Zone({name: found for name, found in records.items() if found is not None})


def told(resolver: Zone, *, own_bounces: bool = True) -> list[tuple[str, str]]:
    found = check_domain(Domain(name=NAME, resolver=resolver, own_bounces=own_bounces))
    return [(one.severity, one.message) for one in found]


def test_a_domain_that_is_right_has_no_findings() -> None:
    assert told(zone()) == []


@pytest.mark.parametrize(
    ("resolver", "sentence"),
    [
        (zone(spf=()), "has no SPF record"),
        (zone(spf=(SPF, "v=spf1 -all")), "has 2 SPF records"),
        (zone(spf=("v=spf1 +all",)), "lets everybody send"),
        (zone(spf=("v=spf1 all",)), "lets everybody send"),
        (zone(spf=("v=spf10 ~all",)), "has no SPF record"),
        (zone(key=None), "has no DKIM key"),
        (zone(policy=None), "has no DMARC record"),
        (zone(policy=(POLICY, POLICY)), "has 2 DMARC records"),
        (zone(policy=("v=DMARC1; sp=none",)), "names no policy"),
        (zone(policy=("v=DMARC1; p=maybe",)), "names no policy"),
    ],
)
def test_what_dns_lacks_is_an_error(resolver: Zone, sentence: str) -> None:
    [(severity, message)] = told(resolver)
    assert severity == "error"
    assert sentence in message


@pytest.mark.parametrize(
    "resolver",
    [zone(key=("v=DKIM1; p=",)), Zone({**zone(key=None).records, f"x7._domainkey.{NAME}": (KEY,)})],
    ids=["revoked", "unusual"],
)
def test_a_key_that_is_not_seen_is_a_warning(resolver: Zone) -> None:
    [(severity, message)] = told(resolver)
    assert severity == "warn"
    assert "newsletter check --received" in message


def test_a_policy_of_the_domain_above_counts() -> None:
    records = zone(policy=None).records
    assert told(Zone({**records, "_dmarc.example.org": ("v=DMARC1;p=reject",)})) == []
    # Of a whole top-level domain nobody asks.
    assert told(Zone({**records, "_dmarc.org": ("v=DMARC1;p=reject",)})) != []


def test_a_providers_own_bounce_domain_has_its_own_record() -> None:
    assert told(zone(spf=()), own_bounces=False) == []


def test_all_dns_rules_are_one_rule() -> None:
    assert {rule.id for rule in DOMAIN_RULES} == {"H14"}
