"""Addresses that may be wrong: slips of the keys are seen, real domains are left in peace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.doubts import COMMON, GENUINE, is_role, likely_typo, warning


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co.com", ""),
        ("gmailcom", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yahooo.com", "yahoo.com"),
        ("iclould.com", ""),
        ("protonmial.com", "protonmail.com"),
        ("example.org", ""),
        ("gmx.at", ""),
        ("mail.com", ""),
    ],
)
def test_a_slip_is_seen(domain: str, meant: str) -> None:
    assert likely_typo(f"Ann.Lee@{domain}") == (f"Ann.Lee@{meant}" if meant else "")


@pytest.mark.parametrize("domain", [*COMMON, *sorted(GENUINE)])
def test_a_real_domain_is_left_in_peace(domain: str) -> None:
    assert likely_typo(f"ann@{domain}") == ""


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("info@x.example", True),
        ("Postmaster@x.example", True),
        ("info+news@x.example", True),
        ("ann@x.example", False),
        ("information@x.example", False),
    ],
)
def test_a_role_is_no_person(email: str, role: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_role(email) == role
    assert bool(warning(email)) == role


@given(st.text())
def test_whatever_is_asked_about_is_answered(text: str) -> None:
    meant = likely_typo(text)
    assert meant == "" or likely_typo(meant) == ""
    warning(text)
