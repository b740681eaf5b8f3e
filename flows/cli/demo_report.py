"""What the demo did, told to somebody who sees it for the first time."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.edit.left_over import count_left_over
from flows.models import Outcome
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.stores import open_store
from flows.store.feeds import load_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flows.models import Entry, FeedState, Issue, Verdict
    from flows.settings import Settings

# More of a kind would hide the rest; the draft has them all.
MOST_LINES = 6
ALSO = "also in "
LEFT_OUT = "left out: "


def report(settings: Settings, verdict: Verdict) -> str:
    """Return what happened, where the issue's files are, and what to type next."""
    if verdict.verdict is not Outcome.SENT or verdict.issue is None:
        return "\n".join(_told_again(settings, verdict))
    issue = read_issue(files_of(settings, verdict.issue))
    parts = (
        ["What happened", *_feeds(settings), *_stories(verdict, issue), *_mails(verdict)],
        ["Look at", *_places(settings, issue)],
        ["Type next", *_steps(settings, issue.number)],
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _told_again(settings: Settings, verdict: Verdict) -> list[str]:
    lines = [f"The demo ended: {verdict.reason}."]
    if verdict.verdict is Outcome.SKIPPED and verdict.issue is not None:
        lines.append("What was sent is never sent again, however often a run is started.")
    return [
        *lines,
        "",
        "Type next",
        *_steps(settings, verdict.issue or 1),
        f"Remove {_short(settings.folder)} and type newsletter demo to begin afresh.",
    ]


def _feeds(settings: Settings) -> list[str]:
    feeds = settings.feed_list()
    with open_store(settings) as engine:
        states = load_states(engine, [feed.url for feed in feeds])
    failed = [(feed, states[feed.url]) for feed in feeds if _failed(states.get(feed.url))]
    good = len(feeds) - len(failed)
    return [
        _line("feeds", f"{len(feeds)} asked, {good} with news, {len(failed)} failed"),
        *_sample(f"{feed.name}: {state.error}" for feed, state in failed),
    ]


def _failed(state: FeedState | None) -> bool:
    return state is not None and bool(state.error)


def _stories(verdict: Verdict, issue: Issue) -> list[str]:
    merged = verdict.items - verdict.stories
    told_twice = [entry for entry in (*issue.entries, *issue.left_over) if _also(entry)]
    sections = ", ".join(f"{len(part.entries)} {part.name}" for part in issue.sections)
    return [
        _line("items", f"{verdict.items} of the last days, of all that was gathered"),
        _line("stories", f"{verdict.stories}; {merged} items tell a story that another tells too"),
        *_sample(f"{entry.title}: {ALSO}{_also(entry)}" for entry in told_twice),
        _line("entries", f"{verdict.entries}: {sections}"),
        _line("left out", f"{count_left_over(issue)}, each with its reason"),
        *_sample(_left_out(issue)),
    ]


def _also(entry: Entry) -> str:
    for note in entry.notes:
        _before, found, after = note.partition(ALSO)
        if found:
            return after.partition(";")[0]
    return ""


def _left_out(issue: Issue) -> Iterator[str]:
    """Yield each reason once: with the title if it is one entry's, with their number if many's."""
    titles: dict[str, list[str]] = {}
    for entry in issue.left_over:
        if reason := _reason(entry):
            titles.setdefault(reason, []).append(entry.title)
    for reason, told in titles.items():
        yield f"{told[0]}: {reason}" if len(told) == 1 else f"{len(told)} entries: {reason}"


def _reason(entry: Entry) -> str:
    for note in entry.notes:
        if note.startswith(LEFT_OUT):
            return note.removeprefix(LEFT_OUT)
    return ""


def _mails(verdict: Verdict) -> list[str]:
    return [_line("mails", f"{verdict.accepted} of {verdict.intended} put into the outbox")]


def _places(settings: Settings, issue: Issue) -> list[str]:
    files = files_of(settings, issue.number)
    outbox = settings.paths.outbox / f"{issue.number:03}"
    places = [
        (files.draft, "the draft, with the reason beside every entry"),
        (files.html, "the mail, for a browser"),
        (files.text, "its text twin"),
        (outbox, f"{len(list(outbox.glob('*.eml')))} mails (.eml), one a reader"),
        (settings.path, "the settings"),
    ]
    return _columns((_short(path), reason) for path, reason in places)


def _steps(settings: Settings, number: int) -> list[str]:
    draft = files_of(settings, number).draft.relative_to(settings.folder)
    steps = (
        *_activation(),
        (f"cd {_short(settings.folder)}", "the commands look for newsletter.toml where you are"),
        (f"newsletter preview {number}", "see the issue as a mail"),
        (f"edit {draft}", "an issue is a file: change a line, and preview it again"),
        ("newsletter run", "once more: it is already sent, nobody is mailed twice"),
        ("newsletter subscribers list", "the sample readers"),
        ("newsletter init my-newsletter", "settings for a newsletter of your own"),
    )
    return _columns(steps)


def _activation() -> Iterator[tuple[str, str]]:
    """Yield how the shell finds `newsletter`, if it was started by its path."""
    activate = Path(sys.prefix) / "bin" / "activate"
    if shutil.which("newsletter") is None and activate.exists():
        yield f". {_short(activate)}", "so that the shell finds newsletter"


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    listed = list(rows)
    width = max(len(first) for first, _second in listed)
    return [f"  {first.ljust(width)}  {second}" for first, second in listed]


def _line(word: str, text: str) -> str:
    return f"  {word:<9} {text}"


def _sample(lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    shown = [f"            {line}" for line in listed[:MOST_LINES]]
    rest = len(listed) - len(shown)
    return [*shown, f"            and {rest} more"] if rest else shown


def _short(path: Path) -> str:
    """Return the path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
