"""The editor's own program that writes blurbs: asked for each entry, limited, and never relied on.

It gets a story as JSON on its standard input and prints the text. What it prints is held to the
limits of every blurb and marked as a draft; where it fails, the publisher's words stay.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flows.edit import clean, markdown
from flows.edit.blurb import HARD_STOP, LEAST_WORDS, echoes, limited
from flows.edit.characters import one_line
from flows.edit.entries import address, clean_title
from flows.edit.redraft import DRAFT_NOTE, PROGRAM_NOTE
from flows.edit.workshop import shown_source
from flows.gather.text import shortened
from flows.models import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flows.models import Entry, Issue, Item, Story
    from flows.settings import Settings

AT_ONCE = 4
# So many times the limit of one story a whole draft may take.
MOST_TIMES = 6
MOST_BYTES = 20_000
MOST_TOLD = 20_000
MOST_COMPLAINT = 120
# What a program of another's has no use for.
SECRETS = ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWSLETTER_")
# Who runs another's script: the notes name that one.
_INTERPRETER = re.compile(r"(?:python|node|ruby|perl|php|bash|sh|zsh)[\d.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command with its time limit in seconds, and the folder it is started in."""

    command: tuple[str, ...]
    seconds: float
    folder: Path

    @property
    def name(self) -> str:
        """What the notes call it: the script where an interpreter runs one."""
        first, *rest = (Path(part).name for part in self.command)
        if not _INTERPRETER.fullmatch(first) or "-c" in rest or "-e" in rest or "-m" in rest:
            return first
        return next((part for part in rest if not part.startswith("-")), first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text a program wrote, or why there is none."""

    text: str = ""
    problem: str = ""


def program(settings: Settings) -> Program | None:
    """Return the editor's program, None if there is none."""
    try:
        command = tuple(shlex.split(settings.edit.blurb_command))
    except ValueError:
        # An open quote: the shell would not start it either.
        command = (settings.edit.blurb_command,)
    if not command:
        return None
    seconds = settings.edit.blurb_timeout.total_seconds()
    return Program(command=command, seconds=seconds, folder=settings.folder)


def with_blurbs(issue: Issue, stories: Iterable[Story], writer: Program | None) -> Issue:
    """Return the issue with the program's blurbs for every story that is sent."""
    if writer is None:
        return issue
    entries = entries_with_blurbs(issue.entries, stories, writer)
    rest = iter(entries)
    sections = tuple(
        Section(name=part.name, entries=tuple(next(rest) for _ in part.entries))
        for part in issue.sections
    )
    return replace(issue, sections=sections)


def entries_with_blurbs(
    entries: Iterable[Entry], stories: Iterable[Story], writer: Program | None
) -> list[Entry]:
    """Return the entries with the program's blurbs; groups and sponsors have none."""
    if writer is None:
        return list(entries)
    items = {address(story.lead.url): story.lead for story in stories}
    end = time.monotonic() + MOST_TIMES * writer.seconds

    def written(entry: Entry) -> Entry:
        item = None if entry.sponsor or not entry.url else items.get(entry.url)
        if item is None:
            return entry
        left = min(writer.seconds, end - time.monotonic())
        answer = ask(writer, told(item, entry), seconds=left)
        return marked(entry, answer, writer)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(written, entries))


def told(item: Item, entry: Entry) -> dict[str, str]:
    """Return what the program is told of a story."""
    text = clean.text_of(clean.beginning(item.content or item.summary, most=MOST_TOLD))
    return {
        "title": clean_title(item),
        "url": entry.url,
        "source": shown_source(item),
        "author": item.author,
        "kind": item.kind.value,
        "text": text,
        "blurb": markdown.unescape(entry.blurb),
    }


def marked(entry: Entry, answer: Answer, writer: Program) -> Entry:
    """Return the entry with the program's blurb, marked, or with the reason why it has none."""
    text = limited(answer.text, title=entry.title)
    if not text:
        problem = answer.problem or _unfit(answer.text, entry.title)
        return replace(entry, notes=(*entry.notes, f"{PROGRAM_NOTE}{writer.name}: {problem}"))
    own = (f"or: {entry.blurb}",) if entry.blurb else ()
    note = f"{DRAFT_NOTE}written by {writer.name}; read it, then delete this line"
    return replace(entry, blurb=markdown.escape(text), notes=(note, *own, *entry.notes))


def _unfit(text: str, title: str) -> str:
    if not text:
        return "it printed nothing"
    if echoes(text, title):
        return "what it printed says no more than the title"
    return f"what it printed has no whole sentences of {LEAST_WORDS} to {HARD_STOP} words"


def ask(writer: Program, story: Mapping[str, str], *, seconds: float) -> Answer:
    """Return what the program prints for a story, in its time and in so many bytes."""
    if seconds <= 0:
        return Answer(problem="the time for all blurbs was over")
    # A file, because a program that does not read would block us on a pipe.
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as printed,
        tempfile.TemporaryFile() as complaints,
    ):
        given.write(json.dumps(story, ensure_ascii=False).encode())
        given.seek(0)
        try:
            started = subprocess.Popen(  # noqa: S603 - the editor's own program, without a shell
                writer.command,
                stdin=given,
                stdout=printed,
                stderr=complaints,
                cwd=writer.folder,
                env=dict(_environment()),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Answer(problem=f"it cannot be started: {reason}")
        problem = _ended(started, seconds)
        if problem:
            return Answer(problem=f"{problem}{_last_line(complaints)}")
        printed.seek(0)
        return _answer(printed.read(MOST_BYTES))


def _last_line(complaints: IO[bytes]) -> str:
    """Return what a program said last on its standard error: mostly what went wrong."""
    complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - MOST_BYTES))
    lines = complaints.read(MOST_BYTES).decode("utf-8", "replace").split("\n")
    last = next((line for line in map(one_line, reversed(lines)) if line), "")
    return f": {shortened(last, MOST_COMPLAINT)}" if last else ""


def _answer(printed: bytes) -> Answer:
    # The last letter may be cut off with what is too much; more than that is another encoding.
    text = printed.decode("utf-8", "replace").removesuffix("\ufffd")
    if "\ufffd" in text:
        return Answer(problem="what it printed is not in UTF-8")
    return Answer(text=one_line(text))


def _ended(started: subprocess.Popen[bytes], seconds: float) -> str:
    """Return "" if the program ended well in its time, else why not; none of it is left running."""
    try:
        code = started.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"it took longer than {seconds:.3g} s"
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return f"it ended with exit code {code}" if code else ""


def _environment() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if not name.upper().startswith(SECRETS):
            yield name, value
