"""How a run ended, as a person, a script and Prefect's page read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.models import Outcome, Verdict
from flows.pipeline.verdicts import as_json, as_markdown, as_text, exit_code, from_json

SENT = Verdict(
    verdict=Outcome.SENT,
    issue=42,
    slot=datetime(2026, 11, 30, 8, 0, tzinfo=UTC),
    reason="handed over to sendgrid",
    items=9,
    stories=8,
    entries=7,
    intended=5,
    accepted=5,
)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (SENT, 0),
        (replace(SENT, verdict=Outcome.SKIPPED), 0),
        (replace(SENT, verdict=Outcome.FAILED), 1),
        (replace(SENT, verdict=Outcome.HELD), 3),
        (replace(SENT, in_doubt=1), 4),
        (replace(SENT, verdict=Outcome.FAILED, in_doubt=1), 1),
    ],
)
def test_each_end_has_its_exit_code(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict) == code


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (SENT, "Issue 42 sent: handed over to sendgrid\n5 of 5 accepted"),
        (
            replace(SENT, accepted=3, refused=1, in_doubt=1, next="newsletter deliveries 42"),
            (
                "Issue 42 sent: handed over to sendgrid\n3 of 5 accepted, 1 refused, 1 in doubt\n"
                "Next: newsletter deliveries 42"
            ),
        ),
        (
            replace(SENT, verdict=Outcome.SKIPPED, accepted=0, reason="dry run: 5 would get it"),
            "Issue 42 skipped: dry run: 5 would get it",
        ),
        (
            Verdict(verdict=Outcome.FAILED, reason="gathering was stopped"),
            "Failed: gathering was stopped",
        ),
    ],
    ids=["sent", "in doubt", "a dry run did nothing", "no issue"],
)
def test_a_person_reads_what_happened_and_what_to_type(verdict: Verdict, told: str) -> None:
    assert as_text(verdict) == told


@pytest.mark.parametrize("verdict", [SENT, Verdict(verdict=Outcome.HELD, reason="too late")])
def test_what_is_spelt_as_json_is_read_back(verdict: Verdict) -> None:
    assert from_json(as_json(verdict)) == verdict


def test_times_in_json_are_rfc_3339() -> None:
    assert as_json(SENT)["slot"] == "2026-11-30T08:00:00Z"


def test_the_page_has_a_row_for_each_figure() -> None:
    page = as_markdown(SENT)
    assert page.startswith("# Issue 42 sent\n")
    assert "| entries | 7 |" in page
    assert "| accepted | 5 |" in page
