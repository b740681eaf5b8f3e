"""Past issues of a newsletter that moves here become history, so that it does not repeat itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.edit.dedupe import UNNUMBERED, remembered
from flows.edit.past import SUFFIXES, Past, number_from_name, read_past
from flows.errors import NewsletterError
from flows.pipeline.files import read_file
from flows.pipeline.stores import open_store
from flows.store import issues
from flows.store.history import ran_by_issue, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.models import IssueRecord, Remembered
    from flows.settings import Settings

# So many items are written in one transaction.
TOGETHER = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What one file gave: its issue (None: it names none), its links, and what is odd about it."""

    path: Path
    issue: int | None = None
    links: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What an import gave: a line a file, and how many items history did not have before."""

    files: tuple[Imported, ...]
    new: int
    passed_over: int = 0

    @property
    def links(self) -> int:
        """How many links the files have together."""
        return sum(file.links for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIssue:
    """An issue that history knows; `record` is None where it was imported."""

    issue: int
    items: int
    record: IssueRecord | None


def import_history(
    settings: Settings,
    source: Path,
    *,
    issue_from_name: bool,
    progress: Callable[[int, int], None],
) -> Moved:
    """Keep the links of a past issue's file, or of all in a folder, as what ran.

    Doing it again changes nothing. `progress` is told how many files of how many are done.
    Raises NewsletterError if there is no such file, or nothing in the folder to read.
    """
    paths, passed_over = past_files(source)
    read: list[Imported] = []
    with open_store(settings) as engine:
        before = sum(ran_by_issue(engine).values())
        waiting: list[Remembered] = []
        for done, path in enumerate(paths, start=1):
            past, imported = _read(path, issue_from_name=issue_from_name)
            imported = _not_ours(settings, engine, imported)
            read.append(imported)
            issue = UNNUMBERED if imported.issue is None else imported.issue
            waiting += [remembered(item, issue=issue) for item in past.items]
            if len(waiting) >= TOGETHER:
                remember(engine, waiting)
                waiting = []
            progress(done, len(paths))
        remember(engine, waiting)
        new = sum(ran_by_issue(engine).values()) - before
    return Moved(files=tuple(read), new=new, passed_over=passed_over)


def past_issues(settings: Settings) -> list[PastIssue]:
    """Return the issues that history knows, the newest first."""
    with open_store(settings) as engine:
        return [
            PastIssue(issue=issue, items=count, record=issues.find(engine, issue))
            for issue, count in ran_by_issue(engine).items()
        ]


def past_files(
    source: Path, *, suffixes: Collection[str] = SUFFIXES, kinds: str = "Markdown, HTML or text"
) -> tuple[list[Path], int]:
    """Return the files to read, in their order, and how many others lie beside them.

    Raises NewsletterError if there is no such file, or none with one of the suffixes.
    """
    if source.is_file():
        return [source], 0
    if not source.is_dir():
        raise NewsletterError(f"{source}: there is no such file or folder; name past issues")
    found = sorted(_below(source))
    paths = [path for path in found if path.suffix.lower() in suffixes]
    if not paths:
        raise NewsletterError(
            f"{source}: there is no {kinds} file in it; name the folder of the past issues"
        )
    return paths, len(found) - len(paths)


def _below(folder: Path) -> Iterator[Path]:
    """Yield what lies below a folder; what was rendered from an issue's file is not read again."""
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            yield path
        elif not path.is_symlink() and not path.with_suffix(".md").is_file():
            yield from _below(path)


def _read(path: Path, *, issue_from_name: bool) -> tuple[Past, Imported]:
    try:
        past = read_past(read_file(path), path=path)
    except OSError as error:
        past = Past(note=f"it cannot be read: {error.strerror or error}")
    named = number_from_name(path) if issue_from_name else None
    number = named or past.number
    return past, Imported(path=path, issue=number, links=len(past.items), note=past.note)


def _not_ours(settings: Settings, engine: Engine, imported: Imported) -> Imported:
    """Return the file without its number if an issue was made here under it."""
    number = imported.issue
    if number is None or imported.path.resolve().parent == settings.paths.issues.resolve():
        return imported
    if issues.find(engine, number) is None:
        return imported
    note = f"#{number} is an issue of this newsletter already, so its links are kept unnumbered"
    return replace(imported, issue=None, note="; ".join(filter(None, (imported.note, note))))
