from __future__ import annotations

import email
from dataclasses import replace
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from flows.deliver.outbox import Outbox
from flows.errors import Refused
from flows.models import Batch, Recipient
from tests.people import MAIL, NOW, link
from tests.people import email as address

if TYPE_CHECKING:
    from pathlib import Path

BATCH = Batch(
    id=1,
    recipients=tuple(
        Recipient(subscriber_id=one, email=address(one), unsubscribe_url=link(one))
        for one in (1, 23)
    ),
)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox" / "042", now=lambda: NOW)


def test_every_recipient_has_a_file_under_their_number(outbox: Outbox) -> None:
    assert outbox.hand_over(MAIL, BATCH).refused == {}
    assert sorted(path.name for path in outbox.folder.iterdir()) == ["000001.eml", "000023.eml"]


def test_every_file_is_a_mail_with_the_one_click_pair(outbox: Outbox) -> None:
    outbox.hand_over(MAIL, BATCH)
    message = email.message_from_bytes((outbox.folder / "000023.eml").read_bytes(), policy=default)
    assert message["To"] == address(23)
    assert message["List-Unsubscribe"] == f"<{link(23)}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_handing_over_twice_makes_no_second_file(outbox: Outbox) -> None:
    outbox.hand_over(MAIL, BATCH)
    outbox.hand_over(MAIL, BATCH)
    assert outbox.repeatable
    assert len(list(outbox.folder.iterdir())) == 2


def test_an_address_that_cannot_be_written_is_refused_alone(outbox: Outbox) -> None:
    bad = BATCH.recipients[0]._replace(email="a@" + "ü" * 80)
    receipt = outbox.hand_over(MAIL, replace(BATCH, recipients=(bad, BATCH.recipients[1])))
    assert list(receipt.refused) == [1]
    assert [path.name for path in outbox.folder.iterdir()] == ["000023.eml"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(Refused, match=r"outbox: cannot write to .*; make room or make the folder"):
        Outbox(tmp_path / "outbox" / "042", now=lambda: NOW).hand_over(MAIL, BATCH)
