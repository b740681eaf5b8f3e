"""How a run ended, in the forms people and scripts read it."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.errors import IssueError
from flows.models import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.errors import NewsletterError

EXIT_CODES = {Outcome.SENT: 0, Outcome.SKIPPED: 0, Outcome.FAILED: 1, Outcome.HELD: 3}
IN_DOUBT = 4


def failed(error: NewsletterError) -> Verdict:
    """Return the verdict of what could not be done, and the one thing to do about it."""
    if isinstance(error, IssueError) and error.path:
        number = int(error.path.stem) if error.path.stem.isdigit() else None
        advice = f"mend {error.path}, then newsletter run"
        return Verdict(verdict=Outcome.FAILED, issue=number, reason=str(error), next=advice)
    return Verdict(verdict=Outcome.FAILED, reason=str(error), next="newsletter doctor")


def exit_code(verdict: Verdict) -> int:
    """Return the exit code of a verdict; deliveries in doubt outweigh a good end."""
    code = EXIT_CODES[verdict.verdict]
    return IN_DOUBT if verdict.in_doubt and code == 0 else code


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as `--json` prints it; times are RFC 3339 in UTC or null."""
    values = asdict(verdict)
    values["verdict"] = verdict.verdict.value
    values["slot"] = _rfc3339(verdict.slot)
    order = ("issue", "slot", "verdict", "reason", "next", "items", "stories", "entries")
    return {key: values.pop(key) for key in order} | values


def from_json(values: Mapping[str, Any]) -> Verdict:
    """Return the verdict that `as_json` spelt."""
    known = {field.name for field in fields(Verdict)}
    told = {name: value for name, value in values.items() if name in known}
    slot = told.get("slot")
    return Verdict(
        **{
            **told,
            "verdict": Outcome(told["verdict"]),
            "slot": datetime.fromisoformat(slot) if slot else None,
        }
    )


def as_markdown(verdict: Verdict) -> str:
    """Return the verdict as a page of Prefect's UI shows it."""
    lines = [f"# {headline(verdict)}", "", verdict.reason]
    if verdict.next:
        lines += ["", f"Next: `{verdict.next}`"]
    rows = [(key, value) for key, value in as_json(verdict).items() if isinstance(value, int)]
    lines += ["", "| | |", "|---|---:|", *(f"| {key} | {value} |" for key, value in rows)]
    return "\n".join(lines)


def as_text(verdict: Verdict) -> str:
    """Return the verdict as the terminal shows it: what happened, why, and what to type."""
    lines = [f"{headline(verdict)}: {verdict.reason}"]
    # A dry run has intended much and done nothing.
    if verdict.accepted + verdict.refused + verdict.suppressed + verdict.in_doubt:
        counts = f"{verdict.accepted} of {verdict.intended} accepted"
        others = (
            (verdict.refused, "refused"),
            (verdict.suppressed, "suppressed"),
            (verdict.in_doubt, "in doubt"),
        )
        lines.append(", ".join([counts, *(f"{count} {word}" for count, word in others if count)]))
    if verdict.next:
        lines.append(f"Next: {verdict.next}")
    return "\n".join(lines)


def headline(verdict: Verdict) -> str:
    """Return the verdict in three words, such as "Issue 42 sent"; in one if there is no issue."""
    if verdict.issue is None:
        return verdict.verdict.value.capitalize()
    return f"Issue {verdict.issue} {verdict.verdict.value}"


def _rfc3339(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
