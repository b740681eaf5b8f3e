"""Every issue, or none for four weeks: chosen by the link of any mail, over by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from flows.store.ledger import SqlLedger, counts
from flows.store.schema import issues
from subscribers import store
from subscribers.consent import agreement
from subscribers.models import ConsentAction, LetterKind
from subscribers.store import signups
from subscribers.tokens import Purpose, sign
from tests.people import link
from tests.signing_up import ANN, Site, newcomer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

AGREED = agreement("signed the sheet", source="fair")


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    made = Site(engine, tmp_path)
    people = [newcomer(), newcomer("bob@readers.example")]
    store.admit(engine, people, agreement=AGREED, action=ConsentAction.ADDED, now=made.clock())
    return made


@pytest.fixture
def url(site: Site) -> str:
    who = site.person()
    assert who is not None
    return "/preferences/" + sign(site.keys, Purpose.UNSUBSCRIBE, who.id, 42)


def mailed(site: Site, number: int) -> list[str]:
    """Hand an issue over to nobody; return whom it would have gone to."""
    with site.engine.begin() as connection:
        connection.execute(insert(issues).values(number=number, status="sending"))
    ledger = SqlLedger(site.engine, number)
    ledger.plan()
    batch = ledger.claim(100, now=site.clock(), link=link)
    return [one.email for one in batch.recipients] if batch else []


def test_the_page_shows_the_choice_and_changes_nothing(site: Site, url: str) -> None:
    for _ in range(2):
        page = site.client.get(url)
        assert page.status_code == 200
        assert 'value="every" checked' in page.text
    assert site.client.get(f"{url}?choice=pause").status_code == 200
    assert mailed(site, 1) == [ANN, "bob@readers.example"]


def test_a_pause_leaves_them_out_and_ends_by_itself(site: Site, url: str) -> None:
    answer = site.client.post(url, data={"choice": "pause"})
    assert "A pause until 21 December 2026" in answer.text
    assert 'value="pause" checked' in site.client.get(url).text
    assert "no issue until 21 December 2026" in site.client.get(url).text
    assert mailed(site, 1) == ["bob@readers.example"]
    assert counts(site.engine, 1).suppressed == 1
    assert site.standing() == "active"
    site.clock.go_on(weeks=4)
    assert 'value="every" checked' in site.client.get(url).text
    assert mailed(site, 2) == [ANN, "bob@readers.example"]


def test_a_pause_can_be_ended_and_is_recorded(site: Site, url: str) -> None:
    site.client.post(url, data={"choice": "pause"})
    site.client.post(url, data={"choice": "pause"})
    assert "You get every issue" in site.client.post(url, data={"choice": "every"}).text
    assert mailed(site, 1) == [ANN, "bob@readers.example"]
    who = site.person()
    assert who is not None
    actions = [record.action for record in store.records(site.engine, who.id)]
    assert actions == [ConsentAction.ADDED, ConsentAction.PAUSED, ConsentAction.RESUMED]


@pytest.mark.parametrize("choice", ["", "forever", "every&choice=pause", "\0"])
def test_a_choice_there_is_not_changes_nothing(site: Site, url: str, choice: str) -> None:
    assert site.client.post(url, data={"choice": choice}).status_code == 200
    assert mailed(site, 1) == [ANN, "bob@readers.example"]


def leave(site: Site) -> None:
    who = site.person()
    assert who is not None
    store.unsubscribe(site.engine, who.id, source="one click", now=site.clock())


def vanish(site: Site) -> None:
    store.forget(site.engine, ANN, now=site.clock())


@pytest.mark.parametrize("end", [leave, vanish])
def test_who_is_not_subscribed_has_nothing_to_choose(
    site: Site, url: str, end: Callable[[Site], None]
) -> None:
    end(site)
    for method in ("GET", "POST"):
        answer = site.client.request(method, url, data={"choice": "pause"})
        assert "You are not subscribed" in answer.text
    assert mailed(site, 1) == ["bob@readers.example"]


@pytest.mark.parametrize("purpose", [Purpose.PROBE, Purpose.TEST])
def test_a_link_that_stands_for_nobody_says_so(site: Site, purpose: Purpose) -> None:
    url = "/preferences/" + sign(site.keys, purpose, 1, 42)
    assert site.client.post(url, data={"choice": "pause"}).status_code == 200
    assert mailed(site, 1) == [ANN, "bob@readers.example"]


def test_the_page_to_unsubscribe_offers_the_pause(site: Site, url: str) -> None:
    page = site.client.get(url.replace("preferences", "u")).text
    assert f'href="..{url}"' in page


def test_confirming_and_pausing_are_the_same_on_every_database(
    any_engine: Engine, tmp_path: Path
) -> None:
    site = Site(any_engine, tmp_path)
    assert site.send(ANN).status_code == 200
    assert [one.to for one in site.letters()] == [ANN]
    assert site.client.post(site.link()).status_code == 200
    assert site.client.post(site.link()).status_code == 200
    who = site.person()
    assert who is not None
    assert len(store.records(any_engine, who.id)) == 2
    url = "/preferences/" + sign(site.keys, Purpose.UNSUBSCRIBE, who.id, 1)
    site.client.post(url, data={"choice": "pause"})
    assert mailed(site, 1) == []
    site.send(ANN)
    site.clock.go_on(hours=2)
    site.send(ANN)
    assert "already" in site.letters()[-1].subject
    site.send("bob@readers.example")
    site.clock.go_on(hours=49)
    assert signups.purge(any_engine, lasts=site.limits.lasts, now=site.clock()) == 1
    assert LetterKind.KNOWN not in [
        LetterKind(one.kind) for one in signups.letters_of(any_engine, who.id)
    ]
