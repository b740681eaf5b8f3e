"""Signing up: asked for by a form, confirmed by a mail, and bounded against abuse."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, cast

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from flows.errors import InDoubt, Refused, Unavailable
from flows.pipeline.stores import open_store
from flows.web import forms, guards
from flows.web.app import create_app
from flows.web.networks import NetworkLimit, network_of, parse_networks
from flows.web.opening import open_postman, open_signups
from subscribers import store
from subscribers.address import parse
from subscribers.consent import agreement
from subscribers.models import ConsentAction, SuppressionReason
from subscribers.store import signups
from subscribers.tokens import Keys, Purpose, sign, sign_now
from tests.newsletters import Newsletter
from tests.signing_up import ANN, BASE, BRAND, KEY, LASTS, Clock, Site, newcomer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.requests import Request

    from flows.models import Letter

AGREED = agreement("signed the sheet", source="fair")


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    return Site(engine, tmp_path)


def add(site: Site, email: str = ANN) -> int:
    store.admit(
        site.engine,
        [newcomer(email)],
        agreement=AGREED,
        action=ConsentAction.ADDED,
        now=site.clock(),
    )
    who = site.person(email)
    assert who is not None
    return who.id


def subscribe(site: Site, email: str = ANN) -> None:
    assert site.send(email).status_code == 200
    assert site.client.post(site.link()).status_code == 200


def test_the_form_leads_to_a_mail_and_its_button_to_the_list(site: Site) -> None:
    assert "Look into your mailbox" in site.send(ANN).text
    assert site.standing() == "pending"
    [letter] = site.letters()
    assert (letter.to, letter.purpose) == (ANN, "confirm")
    assert "25 November 2026, 08:00 UTC" in letter.text
    link = site.link(letter)
    assert "Yes, subscribe" in site.client.get(link).text
    assert site.standing() == "pending"
    assert "You are subscribed" in site.client.post(link).text
    assert site.standing() == "active"


def test_the_record_tells_what_was_agreed_to_and_by_which_words(site: Site) -> None:
    subscribe(site)
    who = site.person()
    assert who is not None
    asked, confirmed = store.records(site.engine, who.id)
    assert (asked.action, confirmed.action) == (ConsentAction.SUBSCRIBED, ConsentAction.CONFIRMED)
    assert asked.source == confirmed.source == "web form"
    form = unescape(site.client.get("/subscribe").text)
    assert asked.text == confirmed.text
    assert f"<p>{asked.text}</p>" in form


def test_a_pending_address_gets_no_issue(site: Site) -> None:
    site.send(ANN)
    assert store.count(site.engine)["active"] == 0


def test_confirming_twice_is_as_good_as_once(site: Site) -> None:
    subscribe(site)
    who = site.person()
    assert who is not None
    assert site.client.post(site.link()).status_code == 200
    assert len(store.records(site.engine, who.id)) == 2


def test_two_who_confirm_at_once_are_recorded_once(site: Site) -> None:
    site.send(ANN)
    link, together = site.link(), threading.Barrier(6)
    answers: list[int] = []

    def press() -> None:
        together.wait()
        answers.append(site.client.post(link).status_code)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    who = site.person()
    assert who is not None
    assert answers == [200] * 6
    actions = Counter(record.action for record in store.records(site.engine, who.id))
    assert actions[ConsentAction.CONFIRMED] == 1


def make_nobody(_site: Site) -> None:
    """Leave the address unknown."""


def make_active(site: Site) -> None:
    add(site)


def make_unsubscribed(site: Site) -> None:
    store.unsubscribe(site.engine, add(site), source="one click", now=site.clock())


def make_bounced(site: Site) -> None:
    add(site)
    store.suppress(site.engine, ANN, reason=SuppressionReason.BOUNCE, now=site.clock())


def make_complaining(site: Site) -> None:
    store.suppress(site.engine, ANN, reason=SuppressionReason.COMPLAINT, now=site.clock())


def make_forgotten(site: Site) -> None:
    add(site)
    store.forget(site.engine, ANN, now=site.clock())


def make_pending(site: Site) -> None:
    signups.ask(site.engine, parse(ANN), agreement=AGREED, limits=site.limits, now=site.clock())


LIVES = {
    "nobody": (make_nobody, "confirm"),
    "active": (make_active, "known"),
    "unsubscribed": (make_unsubscribed, "confirm"),
    "bounced": (make_bounced, ""),
    "complaining": (make_complaining, ""),
    "forgotten": (make_forgotten, "confirm"),
    "pending": (make_pending, ""),
}


def kind(letters: list[Letter]) -> str:
    if not letters:
        return ""
    return "confirm" if "/confirm/" in letters[-1].text else "known"


@pytest.mark.parametrize(("life", "expected"), LIVES.values(), ids=LIVES)
def test_the_answer_does_not_tell_whether_the_address_is_known(
    site: Site, life: Callable[[Site], None], expected: str
) -> None:
    life(site)
    site.letters()
    site.mailbox.letters.clear()
    stranger = site.send("somebody@else.example")
    told = site.send(ANN)
    assert (told.status_code, told.text) == (stranger.status_code, stranger.text)
    assert told.headers == stranger.headers
    assert kind([one for one in site.letters() if one.to == ANN]) == expected


def test_who_left_comes_back_by_confirming_anew(site: Site) -> None:
    subscribe(site)
    who = site.person()
    assert who is not None
    old = site.link()
    site.clock.go_on(minutes=61)
    store.unsubscribe(site.engine, who.id, source="one click", now=site.clock())
    assert site.client.post(old).status_code == 410
    assert site.standing() == "unsubscribed"
    site.clock.go_on(minutes=1)
    subscribe(site)
    assert site.standing() == "active"


def test_who_was_forgotten_comes_back_by_their_own_will_alone(site: Site) -> None:
    make_forgotten(site)
    site.send(ANN)
    [told] = store.would_admit(site.engine, [newcomer()])
    assert told.reason.startswith("its owner asked to be forgotten")
    assert site.client.post(site.link()).status_code == 200
    assert site.standing() == "active"
    assert store.suppressed(site.engine, ANN) is None


def test_who_never_confirms_is_deleted(site: Site) -> None:
    site.send(ANN)
    link = site.link()
    site.clock.now += LASTS + timedelta(seconds=10)
    site.postman.go_round()
    assert site.standing() == "nobody"
    assert site.client.post(link).status_code == 410


def test_who_signed_up_again_is_kept_as_long_as_the_newer_link(site: Site) -> None:
    site.send(ANN)
    site.letters()
    site.clock.go_on(hours=40)
    site.send(ANN)
    link = site.link()
    site.clock.go_on(hours=40)
    site.postman.go_round()
    assert site.client.post(link).status_code == 200
    assert site.standing() == "active"


def bad_links(site: Site) -> list[str]:
    good = site.link().removeprefix("/confirm/")
    who = site.person()
    assert who is not None
    foreign = sign_now(Keys.load("another-key-" * 3), Purpose.CONFIRM, who.id, now=site.clock())
    swapped = sign(site.keys, Purpose.UNSUBSCRIBE, who.id, 1)
    ahead = sign_now(site.keys, Purpose.CONFIRM, who.id, now=site.clock() + timedelta(days=1))
    form = sign_now(site.keys, Purpose.FORM, who.id, now=site.clock())
    return [good[:-1], good + "A", good[::-1], foreign, swapped, ahead, form, "x", "%00", "é"]


def test_a_bad_link_confirms_nobody(site: Site) -> None:
    site.send(ANN)
    for token in bad_links(site):
        for method in ("GET", "POST"):
            assert site.client.request(method, f"/confirm/{token}").status_code == 410
    assert site.standing() == "pending"


def test_a_link_to_confirm_unsubscribes_nobody_and_pauses_nobody(site: Site) -> None:
    subscribe(site)
    token = site.link().removeprefix("/confirm/")
    for path in ("u", "preferences"):
        assert site.client.post(f"/{path}/{token}", data={"choice": "pause"}).status_code == 404
    assert site.standing() == "active"


def test_a_new_key_signs_and_the_old_one_still_verifies(site: Site) -> None:
    site.send(ANN)
    link, form = site.link(), site.form()
    site.keys = Keys.load("a-new-key-for-tests-only" * 2 + "\n" + KEY)
    site.rebuild()
    assert site.client.post(link).status_code == 200
    site.clock.go_on(seconds=5)
    sent = site.client.post("/subscribe", data={**form, "email": "bob@readers.example"})
    assert "Look into your mailbox" in sent.text
    site.keys = Keys.load("a-new-key-for-tests-only" * 2)
    site.rebuild()
    assert site.client.get(link).status_code == 410


# Abuse.


@pytest.mark.parametrize("took", [0, 3, 240, 250, 611])
def test_an_answer_leaves_at_a_whole_step_however_long_the_work_took(site: Site, took: int) -> None:
    rested: list[timedelta] = []

    async def rest(seconds: float) -> None:
        rested.append(timedelta(seconds=seconds))

    lasted = timedelta(milliseconds=took)
    site.rebuild(rest=rest, wake=lambda: site.clock.go_on(milliseconds=took))
    site.send(ANN)
    assert (lasted + rested[0]) % forms.STEP == timedelta(0)
    assert timedelta(0) <= rested[0] < forms.STEP


def test_a_robot_that_fills_in_everything_gets_the_same_page_and_nothing_else(site: Site) -> None:
    human = site.send("bob@readers.example")
    robot = site.send(ANN, website="https://spam.example")
    assert (robot.status_code, robot.text) == (human.status_code, human.text)
    assert site.standing() == "nobody"


@pytest.mark.parametrize("form", ["", "x", "forged", "other", "old"])
def test_a_form_that_was_not_ours_or_is_too_old_is_asked_for_once_more(
    site: Site, form: str
) -> None:
    other = sign_now(Keys.load("another-key-" * 3), Purpose.FORM, 0, now=site.clock())
    tokens = {"forged": other, "other": sign(site.keys, Purpose.UNSUBSCRIBE, 1, 1)}
    tokens["old"] = site.form()["form"]
    if form == "old":
        site.clock.go_on(hours=25)
    data = {"email": ANN, "form": tokens.get(form, form)}
    answer = site.client.post("/subscribe", data=data)
    assert "Please press Subscribe once more." in answer.text
    assert f'value="{ANN}"' in answer.text
    assert site.standing() == "nobody"


def test_a_form_that_is_sent_at_once_is_asked_for_once_more(site: Site) -> None:
    data = {**site.form(), "email": ANN}
    assert "once more" in site.client.post("/subscribe", data=data).text
    assert site.standing() == "nobody"


def test_ten_thousand_forged_sign_ups_make_few_mails(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(engine, tmp_path, an_hour=50, per_network=5)
    codes = site.bombard(
        (
            f"victim{number % 700}@readers.example",
            # A bot-net of its own for every fifth, and 250 networks for the rest.
            f"2001:db8:{number:x}::1" if number % 5 == 0 else f"198.51.{number % 250}.7",
        )
        for number in range(10_000)
    )
    mails = Counter(letter.to for letter in site.letters())
    assert sum(codes.values()) == 10_000
    assert set(codes) == {200, 429}
    assert max(mails.values()) == 1
    assert sum(mails.values()) <= 50 == codes[200]
    # Once each, not at every sign-up.
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert sorted(told) == sorted([forms.CROWDED, forms.CROWDED_NETWORK])
    assert store.count(engine)["active"] == 0


def test_one_address_gets_one_mail_however_often_it_is_signed_up(site: Site) -> None:
    for number in range(30):
        assert site.send(ANN, forwarded=f"198.51.{number}.7").status_code == 200
    assert len(site.letters()) == 1
    site.clock.go_on(hours=2)
    site.send(ANN)
    assert len(site.letters()) == 2
    site.clock.go_on(hours=2)
    site.send(ANN)
    assert len(site.letters()) == 2


def test_the_operator_is_told_whom_the_limits_stop(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(engine, tmp_path, an_hour=3, per_network=2)
    for number in range(4):
        # A web server that was not named: all its readers are of its network.
        site.send(f"r{number}@readers.example", forwarded="198.51.100.7")
    assert [record.message for record in caplog.records] == [forms.CROWDED_NETWORK]
    assert "trusted_proxies" in caplog.text
    for number in range(4):
        site.send(f"q{number}@readers.example", forwarded=f"198.51.{number}.7")
    assert [record.message for record in caplog.records][1:] == [forms.CROWDED]
    assert "signups_per_hour" in caplog.text
    site.clock.go_on(hours=1)
    for number in range(4):
        site.send(f"p{number}@readers.example", forwarded="198.51.100.7")
    assert [record.message for record in caplog.records][2:] == [forms.CROWDED_NETWORK]
    assert "198.51" not in caplog.text


def test_a_flood_of_sign_ups_waits_for_no_writer(engine: Engine, tmp_path: Path) -> None:
    site = Site(engine, tmp_path, an_hour=1)
    assert site.send(ANN).status_code == 200
    # As while an issue is being sent: what is put off need not wait for its turn.
    with engine.begin():
        assert site.send("bob@readers.example").status_code == 429


def test_a_network_has_its_own_limit(engine: Engine, tmp_path: Path) -> None:
    site = Site(engine, tmp_path, per_network=3)
    codes = [
        site.send(f"r{number}@readers.example", forwarded="198.51.100.7").status_code
        for number in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]
    assert site.send("x@readers.example", forwarded="198.51.100.99").status_code == 429
    assert site.send("y@readers.example", forwarded="198.51.101.7").status_code == 200
    site.clock.go_on(hours=1)
    assert site.send("z@readers.example", forwarded="198.51.100.7").status_code == 200


class Asking:
    """As much of a request as tells whose it is."""

    def __init__(self, peer: str, *forwarded: str) -> None:
        self.client = type("Peer", (), {"host": peer})()
        self.headers = Headers(raw=[(b"x-forwarded-for", one.encode()) for one in forwarded])


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.9", ("198.51.100.7",), "203.0.113.0/24"),
        ("127.0.0.1", ("198.51.100.7",), "198.51.100.0/24"),
        ("127.0.0.1", ("192.0.2.1, 198.51.100.7",), "198.51.100.0/24"),
        ("127.0.0.1", ("192.0.2.1", "198.51.100.7, 10.1.2.3"), "198.51.100.0/24"),
        ("127.0.0.1", ("198.51.100.7:50123",), "198.51.100.0/24"),
        ("127.0.0.1", ("[2001:db8:1:2:3::4]:443",), "2001:db8:1::/56"),
        ("127.0.0.1", (), "127.0.0.0/24"),
        ("127.0.0.1", ("nonsense",), "127.0.0.0/24"),
        ("::ffff:127.0.0.1", ("2001:db8:1:2:3::4",), "2001:db8:1::/56"),
        ("testclient", ("198.51.100.7",), "unknown"),
    ],
)
def test_whose_request_it_is(peer: str, forwarded: tuple[str, ...], network: str) -> None:
    asking = cast("Request", Asking(peer, *forwarded))
    assert network_of(asking, parse_networks("127.0.0.1, 10.0.0.0/8")) == network


def test_the_memory_for_networks_is_bounded(site: Site) -> None:
    limit = NetworkLimit(1, networks=3)
    assert all(limit.allows(str(number), now=site.clock()) for number in range(10))
    assert not limit.allows("9", now=site.clock())
    assert limit.allows("0", now=site.clock())


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@@x.example",
        "a" * 1_000,
        "ann\0@readers.example",
        "ann@readers.example\r\nBcc: bob@readers.example",
        "<script>@readers.example",
        "👩‍💻@readers.example",
        "ann@localhost",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_address_is_told_and_not_taken(site: Site, email: str) -> None:
    answer = site.send(email)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "<script" not in answer.text
    assert store.count(site.engine)["pending"] == 0


def test_a_megabyte_of_address_is_refused(site: Site) -> None:
    assert site.send("a" * (1 << 20)).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(1000))
    assert len(many) < guards.LARGEST_BODY
    assert site.client.post("/subscribe", content=many).status_code == 413


def test_a_likely_slip_is_asked_about_and_not_forced(site: Site) -> None:
    asked = site.send("ann@gmial.com")
    assert "Did you mean ann@gmail.com?" in asked.text
    assert site.standing("ann@gmial.com") == "nobody"
    sure = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    assert "Look into your mailbox" in site.send("ann@gmial.com", **sure).text
    assert site.standing("ann@gmial.com") == "pending"


def test_an_address_from_anywhere_is_written_to_as_dns_has_it(site: Site) -> None:
    site.send("ann@bücher.example")
    assert site.letters()[-1].to == "ann@xn--bcher-kva.example"


def test_no_stranger_has_a_word_in_the_mail(site: Site) -> None:
    site.send(ANN, name="Win https://evil.example now", subject="x")
    [letter] = site.letters()
    assert "evil" not in letter.text + letter.html + letter.subject


def test_nothing_personal_stands_in_addresses_or_logs(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.mailbox.errors.append(Refused(f"550 no such user {ANN}", status=550))
    site.send(ANN)
    site.postman.go_round()
    site.clock.go_on(minutes=2)
    link = site.link()
    site.client.post(link)
    own = [record for record in caplog.records if record.name.startswith(("flows", "subscribers"))]
    told = "\n".join(record.getMessage() for record in own)
    assert "confirmed" in told
    assert "ann@" not in told
    assert link not in told
    assert "ann" not in link


def test_the_form_may_stand_in_any_page_and_no_other_page_may(site: Site) -> None:
    for path in ("/subscribe/embed", "/news/subscribe/embed"):
        headers = site.client.get(path).headers
        assert "frame-ancestors *" in headers["content-security-policy"]
        assert "x-frame-options" not in headers
    for path in ("/subscribe", "/u/x", "/confirm/x", "/preferences/x"):
        headers = site.client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    assert (
        "frame-ancestors *"
        in site.send(ANN, path="/subscribe/embed").headers["content-security-policy"]
    )
    assert site.standing() == "pending"


def test_nobody_is_led_elsewhere(site: Site) -> None:
    for field in ("next", "redirect", "url", "return_to"):
        answer = site.send(ANN, **{field: "https://evil.example"})
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert "evil" not in answer.text


# Scanners.


def links_of(letters: list[Letter]) -> set[str]:
    texts = [
        part for letter in letters for part in (letter.text, letter.html, *letter.headers.values())
    ]
    return {url for text in texts for url in re.findall(rf'{BASE}[^\s"<>]*', text)}


def scan(site: Site, urls: set[str]) -> set[str]:
    """Open all links in every way that changes nothing, and those on their pages; return them."""
    seen: set[str] = set()
    while left := urls - seen:
        for url in left:
            site.client.head(url)
            site.client.get(f"{url}?List-Unsubscribe=One-Click&choice=pause")
            page = site.client.get(url)
            found = re.findall(r"""(?:href|action|src)=["']?([^"'\s>]+)""", unescape(page.text))
            urls |= {str(page.url.join(link)) for link in found if not link.startswith("mailto:")}
        seen |= left
        urls = {url for url in urls if url.startswith(BASE)}
    return seen


def test_a_scanner_that_opens_every_link_of_every_mail_and_page_changes_nothing(
    site: Site,
) -> None:
    token = sign(site.keys, Purpose.UNSUBSCRIBE, add(site, "reader@readers.example"), 42)
    site.send(ANN)
    site.send("reader@readers.example")
    letters = site.letters()
    assert [kind([one]) for one in letters] == ["confirm", "known"]
    start = {f"{BASE}/u/{token}", f"{BASE}/subscribe", f"{BASE}/subscribe/embed"}
    seen = scan(site, start | links_of(letters))
    assert {url.removeprefix(BASE).split("/")[1] for url in seen} >= {
        "confirm",
        "u",
        "preferences",
        "subscribe",
    }
    assert site.standing() == "pending"
    assert site.standing("reader@readers.example") == "active"
    who = site.person("reader@readers.example")
    assert who is not None
    assert who.paused_until is None
    assert len(store.records(site.engine, who.id)) == 1


# The postman.


@pytest.mark.parametrize("error", [Unavailable("not now"), Refused("no")])
def test_a_letter_that_surely_did_not_go_is_posted_later(site: Site, error: Exception) -> None:
    site.mailbox.errors.append(error)
    site.send(ANN)
    assert site.letters() == []
    site.clock.go_on(minutes=1)
    assert len(site.letters()) == 1


@pytest.mark.parametrize("meanwhile", ["bounce", "complaint", "confirmed", "forgotten"])
def test_a_letter_that_no_longer_fits_is_not_posted(site: Site, meanwhile: str) -> None:
    site.send(ANN)
    link = site.link()
    site.clock.go_on(hours=2)
    site.mailbox.errors.append(Unavailable("not now"))
    site.send(ANN)
    site.postman.go_round()
    if meanwhile == "confirmed":
        site.client.post(link)
    elif meanwhile == "forgotten":
        store.forget(site.engine, ANN, now=site.clock())
    else:
        reason = SuppressionReason(meanwhile)
        store.suppress(site.engine, ANN, reason=reason, now=site.clock())
    site.clock.go_on(minutes=5)
    assert len(site.letters()) == 1


def test_nobody_who_left_is_told_that_they_are_subscribed(site: Site) -> None:
    who = add(site)
    site.mailbox.errors.append(Unavailable("not now"))
    site.send(ANN)
    site.postman.go_round()
    store.unsubscribe(site.engine, who, source="one click", now=site.clock())
    site.clock.go_on(minutes=5)
    assert site.letters() == []


def test_a_letter_that_may_have_gone_is_not_posted_again(site: Site) -> None:
    site.mailbox.errors.append(InDoubt("no answer"))
    site.send(ANN)
    site.postman.go_round()
    site.clock.go_on(hours=10)
    assert site.letters() == []


def test_a_letter_nobody_takes_is_given_up(site: Site) -> None:
    site.send(ANN)
    site.mailbox.errors += [Unavailable("not now")] * 5
    for _ in range(10):
        site.postman.go_round()
        site.clock.go_on(hours=2)
    assert site.mailbox.errors == []
    assert site.letters() == []


def test_the_postman_works_by_himself(site: Site) -> None:
    posted = threading.Event()

    def tell(letter: Letter) -> str:
        site.mailbox.letters.append(letter)
        posted.set()
        return ""

    site.postman = replace(site.postman, post=tell)
    with site.postman.at_work():
        site.send(ANN)
        site.postman.call()
        assert posted.wait(10)


def test_without_the_form_nothing_of_it_is_served(engine: Engine, tmp_path: Path) -> None:
    app = create_app(
        engine=engine, keys=Keys.load(KEY), brand=BRAND, issues=tmp_path, clock=Clock()
    )
    client = TestClient(app)
    assert client.get("/subscribe").status_code == 404
    assert client.post("/confirm/x").status_code == 404


def test_the_settings_open_the_form_or_close_it(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write()
    settings = newsletter.settings
    with open_store(settings) as engine:
        postman = open_postman(settings, engine, clock=newsletter.clock)
        found = open_signups(settings, postman)
        assert found is not None
        assert (found.limits.an_hour, found.confirm_within) == (200, LASTS)
        signups.ask(
            engine, parse(ANN), agreement=AGREED, limits=found.limits, now=newsletter.clock()
        )
        assert postman.go_round() == 1
    [path] = newsletter.mails
    assert path.parent.name == "letters"
    assert b"/confirm/" in path.read_bytes()
    with (newsletter.folder / "newsletter.toml").open("a", encoding="utf-8") as file:
        file.write("\n[web]\nsubscribe = false\n")
    assert open_signups(newsletter.settings, postman) is None
