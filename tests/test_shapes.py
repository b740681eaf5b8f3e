from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from flows.settings.shapes import PLAIN_ADDRESS, read_address


@given(st.from_regex(PLAIN_ADDRESS, fullmatch=True))
def test_a_plain_address_is_read_as_the_library_reads_it(address: str) -> None:
    try:
        known = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        with pytest.raises(ValueError, match=";"):
            read_address(address)
    else:
        assert read_address(address) == known.normalized


@pytest.mark.parametrize("address", ["a@", "a..b@example.org", "a@xn--.example", "a b@example.org"])
def test_an_address_that_is_none_is_refused_with_the_reason(address: str) -> None:
    with pytest.raises(ValueError, match=";"):
        read_address(address)
