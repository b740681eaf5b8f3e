"""Exports of other services: known by their headers, and who left there stays out for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from subscribers import store
from subscribers.address import parse
from subscribers.consent import agreement
from subscribers.models import ConsentAction, Fate, Limits, Newcomer
from subscribers.services import fold_tag, tags_in
from subscribers.spreadsheet import look
from subscribers.store import labels, signups
from subscribers.transfer import RowFate, import_sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    Import = Callable[..., list[RowFate]]


class Export(NamedTuple):
    """An export with ann (wants mail), and what bob, cy, … are there and here."""

    service: str
    text: str
    standings: dict[str, str]
    since: str = ""


MAILCHIMP = (
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,'
    "CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,"
    "NOTES,TAGS"
)
EXPORTS = {
    "mailchimp subscribed": Export(
        "Mailchimp",
        f'{MAILCHIMP}\nann@example.org,Ann,Lee,2,"2019-03-01 10:00:00",,"2019-03-01 10:05:00",'
        ',,,,,,,,,1,abc,,"""VIP"",""Berlin"""\n',
        {"ann": "active"},
        "Mailchimp says: confirm time 2019-03-01 10:05:00",
    ),
    "mailchimp unsubscribed": Export(
        "Mailchimp",
        "Email Address,First Name,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,"
        "UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES\n"
        'bob@example.org,Bob,,"2020-01-05 09:00:00",Weekly 3,77,NORMAL,,2,bcd,\n',
        {"bob": "unsubscribed"},
    ),
    "mailchimp cleaned": Export(
        "Mailchimp",
        "Email Address,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID\n"
        "cy@example.org,,2020-01-05,Weekly 3,77,3,cde\n",
        {"cy": "bounce"},
    ),
    "ghost": Export(
        "Ghost",
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,"
        "deleted_at,labels,tiers\n"
        "1,ann@example.org,Ann,,true,false,,2024-01-15T10:00:00.000Z,,vip,\n"
        "2,bob@example.org,,,false,false,,2024-01-15T10:00:00.000Z,,,\n"
        "3,cy@example.org,,,true,false,,2024-01-15T10:00:00.000Z,2024-02-01,,\n",
        {"ann": "active", "bob": "unsubscribed", "cy": "unsubscribed"},
        "Ghost says: created at 2024-01-15T10:00:00.000Z",
    ),
    "substack": Export(
        "Substack",
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "ann@example.org,false,,other,false,2026-07-01T00:00:00.000Z,\n"
        "bob@example.org,true,2027-07-01,yearly,true,2026-06-01T00:00:00.000Z,2026-07-15\n",
        {"ann": "active", "bob": "unsubscribed"},
        "Substack says: created at 2026-07-01T00:00:00.000Z",
    ),
    "listmonk": Export(
        "listmonk",
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'u1,ann@example.org,Ann,"{""city"": ""Graz""}",enabled,2021-05-01T00:00:00Z,\n'
        "u2,bob@example.org,Bob,{},blocklisted,2021-05-01T00:00:00Z,\n"
        "u3,cy@example.org,Cy,{},disabled,2021-05-01T00:00:00Z,\n",
        {"ann": "active", "bob": "unsubscribed", "cy": "unsubscribed"},
        "listmonk says: created at 2021-05-01T00:00:00Z",
    ),
    "buttondown": Export(
        "Buttondown",
        "email_address,type,creation_date,notes,metadata,tags,source\n"
        'ann@example.org,regular,2022-02-02,,{},"vip",\n'
        "bob@example.org,unsubscribed,2022-02-02,,{},,\n"
        "cy@example.org,undeliverable,2022-02-02,,{},,\n"
        "dee@example.org,unactivated,2022-02-02,,{},,\n"
        "eve@example.org,complained,2022-02-02,,{},,\n"
        "fay@example.org,premium,2022-02-02,,{},,\n",
        {
            "ann": "active",
            "bob": "unsubscribed",
            "cy": "bounce",
            "dee": "nobody",
            "eve": "complaint",
            "fay": "active",
        },
        "Buttondown says: creation date 2022-02-02",
    ),
}


@pytest.fixture
def bring_in(engine: Engine, tmp_path: Path, now: datetime) -> Import:
    def import_text(text: str, *, dry_run: bool = False, tag: str = "") -> list[RowFate]:
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        sheet = look(path)
        agreed = agreement("they asked for it", source=f"import ({sheet.service})")
        told = import_sheet(
            engine, sheet, agreement=agreed, now=now, dry_run=dry_run, tag=tag, batch_size=2
        )
        return list(told)

    return import_text


def standing(engine: Engine, name: str) -> str:
    key = f"{name}@example.org"
    if (held := store.suppressed(engine, key)) is not None:
        return str(held.reason)
    who = store.find(engine, key)
    return str(who.status) if who else "nobody"


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_known_and_its_standings_are_kept(
    engine: Engine, bring_in: Import, tmp_path: Path, export: Export
) -> None:
    fates = bring_in(export.text)
    assert look(tmp_path / "people.csv").service == export.service
    assert {name: standing(engine, name) for name in export.standings} == export.standings
    kept_out = [row for row in fates if row.fate is Fate.KEPT_OUT]
    assert len(kept_out) == sum(1 for one in export.standings.values() if one != "active")
    assert all(row.reason.startswith("the file says: ") for row in kept_out)


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_whoever_was_out_there_is_not_brought_in_by_another_file(
    engine: Engine, bring_in: Import, export: Export
) -> None:
    bring_in(export.text)
    everyone = "".join(f"{name}@example.org\n" for name in export.standings)
    bring_in(f"email\n{everyone}")
    # Who never confirmed there may be on a list they did agree to.
    expected = {
        name: "active" if one == "nobody" else one for name, one in export.standings.items()
    }
    assert {name: standing(engine, name) for name in export.standings} == expected


@pytest.mark.parametrize("export", [one for one in EXPORTS.values() if one.since])
def test_the_record_tells_since_when_they_were_there(
    engine: Engine, bring_in: Import, export: Export
) -> None:
    bring_in(export.text)
    who = store.find(engine, "ann@example.org")
    assert who is not None
    [record] = store.records(engine, who.id)
    assert record.text == f"they asked for it; {export.since}"


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_a_dry_run_tells_the_same_and_keeps_nothing(
    engine: Engine, bring_in: Import, export: Export
) -> None:
    dry = bring_in(export.text, dry_run=True)
    assert list(store.everyone(engine)) == []
    assert store.suppressed(engine, "cy@example.org") is None
    assert [row.fate for row in bring_in(export.text)] == [row.fate for row in dry]


def test_tags_come_along(engine: Engine, bring_in: Import) -> None:
    bring_in(EXPORTS["mailchimp subscribed"].text, tag="moved")
    who = store.find(engine, "ann@example.org")
    assert who is not None
    assert labels.tags_of(engine, who.id) == ["berlin", "moved", "vip"]


OUT = "opted-out|Unsub|Do not contact|Unsubscribed (by admin)|OPT_OUT|hard bounce|Spam complaint"


@pytest.mark.parametrize("word", OUT.split("|"))
def test_a_list_of_nobody_we_know_says_in_many_words_who_left(
    engine: Engine, bring_in: Import, word: str
) -> None:
    [row] = bring_in(f"email;status\nann@example.org;{word}\n")
    assert (row.fate, row.reason) == (Fate.KEPT_OUT, f"the file says: status {word}")
    [again] = bring_in("email\nann@example.org\n")
    assert again.fate is Fate.KEPT_OUT
    assert standing(engine, "ann") in {"unsubscribed", "bounce", "complaint"}


def test_a_word_we_do_not_know_adds_nobody(engine: Engine, bring_in: Import) -> None:
    [row] = bring_in("email,status\nann@example.org,Abgemeldet\n")
    assert row.fate is Fate.REFUSED
    assert "status Abgemeldet, which is not known here; write subscribed" in row.reason
    assert standing(engine, "ann") == "nobody"


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("unsubscribed", "true", "unsubscribed"),
        ("Unsubscribed", "2024-01-03", "unsubscribed"),
        ("unsubscribed", "false", "active"),
        ("opted_out", "1", "unsubscribed"),
        ("subscribed", "no", "unsubscribed"),
        ("subscribed", "f", "unsubscribed"),
        ("subscribed", "t", "active"),
        ("subscribed", "2024-01-03", "active"),
        ("subscribed", "nein", "nobody"),
        ("Accepts Email Marketing", "NOT_SUBSCRIBED", "nobody"),
        ("Accepts Email Marketing", "UNSUBSCRIBED", "unsubscribed"),
        ("Accepts Email Marketing", "SUBSCRIBED", "active"),
        ("Accepts Marketing", "no", "unsubscribed"),
        ("bounced", "yes", "bounce"),
        ("bounced", "", "active"),
        ("type", "customer", "active"),
        ("Subscription status", "Opted In", "active"),
    ],
)
def test_a_column_of_yes_and_no_is_heeded(
    engine: Engine, bring_in: Import, column: str, cell: str, expected: str
) -> None:
    bring_in(f"email,{column}\nann@example.org,{cell}\n")
    assert standing(engine, "ann") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nonsubscribed_segment_export_1a2b.csv", "nobody"),
        ("cleaned_segment_export_1a2b.csv", "bounce"),
        ("unsubscribed_members_export_1a2b.csv", "unsubscribed"),
        ("subscribed_segment_export_1a2b.csv", "active"),
    ],
)
def test_the_name_of_a_mailchimp_file_tells_of_all_in_it(
    engine: Engine, tmp_path: Path, now: datetime, name: str, expected: str
) -> None:
    path = tmp_path / name
    path.write_text(f"{MAILCHIMP}\nann@example.org,Ann{',' * 15}1,abc,,\n", encoding="utf-8")
    agreed = agreement("they asked for it", source="import")
    [row] = import_sheet(engine, look(path), agreement=agreed, now=now)
    assert standing(engine, "ann") == expected
    assert row.reason in {"", f"the file says: file {name[:40]}"}


def test_who_left_there_leaves_here_unless_they_said_otherwise_themselves(
    engine: Engine, bring_in: Import, now: datetime
) -> None:
    bring_in("email\nbob@example.org\ncy@example.org\n")
    cy = store.find(engine, "cy@example.org")
    assert cy is not None
    agreed = agreement("yes", source="web form")
    store.unsubscribe(engine, cy.id, source="one click", now=now)
    store.take_back(engine, cy.id, agreement=agreed, now=now)
    bring_in(EXPORTS["ghost"].text)
    assert (standing(engine, "bob"), standing(engine, "cy")) == ("unsubscribed", "active")


def test_nothing_is_kept_of_who_was_forgotten(
    engine: Engine, bring_in: Import, now: datetime
) -> None:
    store.forget(engine, "bob@example.org", now=now)
    bring_in(EXPORTS["ghost"].text)
    assert store.find(engine, "bob@example.org") is None


def test_our_own_export_comes_back_as_it_was(engine: Engine, bring_in: Import) -> None:
    bring_in(
        "email,name,status,created_at,consent,tags\n"
        "ann@example.org,Ann,active,2026-11-23T08:00:00Z,signed,team\n"
        "bob@example.org,,unsubscribed,2026-11-23T08:00:00Z,signed,\n"
        "cy@example.org,,complaint,2026-11-23T08:00:00Z,signed,\n"
        "dee@example.org,,pending,2026-11-23T08:00:00Z,,\n"
    )
    found = {name: standing(engine, name) for name in ("ann", "bob", "cy", "dee")}
    assert found == {"ann": "active", "bob": "unsubscribed", "cy": "complaint", "dee": "nobody"}


def test_an_import_confirms_nobody_who_is_yet_to_confirm(
    engine: Engine, bring_in: Import, now: datetime
) -> None:
    agreed = agreement("yes", source="web form")
    signups.ask(engine, parse("ann@example.org"), agreement=agreed, limits=Limits(), now=now)
    [row] = bring_in("email\nann@example.org\n")
    assert (row.fate, row.reason) == (Fate.ALREADY_THERE, "yet to confirm")
    assert standing(engine, "ann") == "pending"


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('"VIP","Berlin"', ("vip", "berlin")),
        ("a; b;a", ("a", "b")),
        ("Ünïcode Group", ("n-code-group",)),
        (" ,!,", ()),
        ("x" * 100, ("x" * 32,)),
    ],
)
def test_tags_have_one_spelling(cell: str, tags: tuple[str, ...]) -> None:
    assert tags_in(cell) == tags
    assert all(fold_tag(tag) == tag for tag in tags)


def test_whoever_is_added_by_hand_keeps_what_they_agreed_to(engine: Engine, now: datetime) -> None:
    who = Newcomer(email="a@example.org", key="a@example.org")
    agreed = agreement("said so", source="fair")
    store.admit(engine, [who], agreement=agreed, action=ConsentAction.ADDED, now=now)
    [found] = store.everyone(engine)
    assert store.records(engine, found.id)[0].text == "said so"
