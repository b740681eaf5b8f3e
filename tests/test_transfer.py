"""Imports and exports: every row has its fate, nobody is brought back, nothing runs in a cell."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from subscribers import store, transfer
from subscribers.consent import agreement
from subscribers.models import Fate, SuppressionReason
from subscribers.spreadsheet import look
from subscribers.store import labels
from subscribers.transfer import RowFate, import_sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    Import = Callable[..., list[RowFate]]

AGREED = agreement("signed the sheet", source="import people.csv")


@pytest.fixture
def bring_in(engine: Engine, tmp_path: Path, now: datetime) -> Import:
    def import_text(text: str, *, dry_run: bool = False) -> list[RowFate]:
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        # Small batches: a double may stand in a later one.
        told = import_sheet(
            engine, look(path), agreement=AGREED, now=now, dry_run=dry_run, batch_size=2
        )
        return list(told)

    return import_text


def leave(engine: Engine, key: str, now: datetime) -> None:
    who = store.find(engine, key)
    assert who is not None
    store.unsubscribe(engine, who.id, source="one click", now=now)


def test_every_row_has_its_fate(engine: Engine, bring_in: Import, now: datetime) -> None:
    bring_in("email\ngone@example.org\nthere@example.org\n")
    leave(engine, "gone@example.org", now)
    store.suppress(engine, "full@example.org", reason=SuppressionReason.BOUNCE, now=now)
    told = bring_in(
        "email,name,status\nnew@example.org,New,\nthere@example.org,,\ngone@example.org,,\n"
        "full@example.org,,\nbad@@example.org,,\n,Nobody,\nout@example.org,,unsubscribed\n"
    )
    assert [(row.line, row.fate) for row in told] == [
        (2, Fate.ADDED),
        (3, Fate.ALREADY_THERE),
        (4, Fate.KEPT_OUT),
        (5, Fate.KEPT_OUT),
        (6, Fate.REFUSED),
        (7, Fate.REFUSED),
        (8, Fate.KEPT_OUT),
    ]
    assert [row.reason for row in told[1:4]] == [
        "since 2026-11-23",
        "unsubscribed on 2026-11-23",
        "mail to it bounced, on 2026-11-23",
    ]
    assert "bad@@example.org" in told[4].reason
    assert told[5].reason == "there is no address in this row"
    assert told[6].reason == "the file says: status unsubscribed"


def test_a_second_import_adds_nobody(engine: Engine, bring_in: Import) -> None:
    bring_in("email\na@example.org\nb@example.org\n")
    assert {row.fate for row in bring_in("email\na@example.org\nb@example.org\n")} == {
        Fate.ALREADY_THERE
    }
    assert store.count(engine)["active"] == 2


def test_a_dry_run_tells_the_same_and_adds_nobody(engine: Engine, bring_in: Import) -> None:
    rows = "email\na@example.org\nb@example.org\nA@example.org\nbad\nc@example.org\nb@example.org\n"
    dry = bring_in(rows, dry_run=True)
    assert store.count(engine)["active"] == 0
    wet = bring_in(rows)
    assert [row.fate for row in dry] == [row.fate for row in wet]
    assert store.count(engine)["active"] == 3


def test_a_name_cannot_break_a_header(engine: Engine, bring_in: Import) -> None:
    bring_in("email,name\na@example.org,Ann\u2028Bcc: b@example.org\n")
    [found] = store.everyone(engine)
    assert found.name == "Ann Bcc: b@example.org"


def test_a_thousand_bad_rows_stop_nothing(engine: Engine, bring_in: Import) -> None:
    rows = "".join(f"bad{number}\nok{number}@example.org\n" for number in range(1000))
    fates = Counter(row.fate for row in bring_in(f"email\n{rows}"))
    assert fates == {Fate.REFUSED: 1000, Fate.ADDED: 1000}
    assert store.count(engine)["active"] == 1000


def exported(engine: Engine) -> str:
    file = io.StringIO(newline="")
    transfer.export(engine, file)
    return file.getvalue()


def test_an_export_tells_who_and_why(engine: Engine, bring_in: Import, now: datetime) -> None:
    bring_in("email,name\nann@example.org,Ann\nbob@example.org,\nfull@example.org,\n")
    leave(engine, "bob@example.org", now)
    store.suppress(engine, "full@example.org", reason=SuppressionReason.BOUNCE, now=now)
    labels.tag_people(engine, ["ann@example.org"], "team")
    agreed = "imported 2026-11-23 (import people.csv): signed the sheet"
    assert list(csv.reader(io.StringIO(exported(engine)))) == [
        ["email", "name", "status", "created_at", "consent", "tags"],
        ["ann@example.org", "Ann", "active", "2026-11-23T08:00:00Z", agreed, "team"],
        ["bob@example.org", "", "unsubscribed", "2026-11-23T08:00:00Z", agreed, ""],
        ["full@example.org", "", "bounce", "2026-11-23T08:00:00Z", agreed, ""],
    ]


def test_an_exported_cell_runs_nothing(engine: Engine, bring_in: Import) -> None:
    bring_in('email,name\n=cmd@example.org,"=HYPERLINK(""http://x.example"")"\n-a@b.example,@x\n')
    _header, *rows = csv.reader(io.StringIO(exported(engine)))
    assert [cell[0] for row in rows for cell in row[:2]] == ["'"] * 4


def test_an_export_comes_back_as_it_was(engine: Engine, bring_in: Import, now: datetime) -> None:
    bring_in("email,name\n=a@example.org,-Ann\nbob@example.org,Bob\n+c@example.org,'Cy\n")
    before = [(who.email, who.name) for who in store.everyone(engine)]
    leave(engine, "bob@example.org", now)
    backup = exported(engine)
    for email, _name in before:
        store.forget(engine, email, now=now)
    fates = [row.fate for row in bring_in(backup)]
    assert fates == [Fate.KEPT_OUT] * 3
    assert list(store.everyone(engine)) == []


def test_a_report_can_be_read_by_a_person_and_a_spreadsheet() -> None:
    file = io.StringIO(newline="")
    bad = RowFate(line=7, email="=1+1", fate=Fate.REFUSED, reason="'=1+1' is no e-mail address")
    transfer.Report(file).add(bad)
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [
        ["line", "email", "fate", "reason"],
        ["7", "'=1+1", "refused", "''=1+1' is no e-mail address"],
    ]
