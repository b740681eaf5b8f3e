"""Past issues teach headings: what is read, what is learned, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.edit import classifier
from flows.edit.past_sections import SUFFIXES, read_sections
from flows.pipeline.files import numbers, read_file, write
from flows.pipeline.moving import past_files
from flows.pipeline.reading import files_of
from flows.pipeline.stores import open_store
from flows.store import issues

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.edit.classifier import Example
    from flows.edit.training import Trained
    from flows.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What was learned from how many files, and where it is kept (None: nowhere).

    `unread` says of each file that taught nothing why.
    """

    trained: Trained
    files: int
    unread: tuple[tuple[Path, str], ...] = ()
    kept: Path | None = None


def teach(settings: Settings, sources: Sequence[Path]) -> Taught:
    """Learn headings from past issues and keep the model for the drafts to come.

    `sources` are files and folders of issues sent before these; the newsletter's own come last.
    What was learned before stays if this is too little. Raises NewsletterError if a source is
    missing, ImportError without scikit-learn.
    """
    from flows.edit.training import train  # noqa: PLC0415 - scikit-learn is an extra

    paths = [*_given(sources), *_own(settings)]
    examples: list[Example] = []
    unread: list[tuple[Path, str]] = []
    for path in paths:
        found, why = _read(path)
        examples += found
        unread += [(path, why)] if why else []
    trained = train(examples)
    taught = Taught(trained=trained, files=len(paths) - len(unread), unread=tuple(unread))
    if trained.model is None:
        return taught
    write(settings.paths.model, classifier.dumps(trained.model))
    return replace(taught, kept=settings.paths.model)


def _given(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        paths, _others = past_files(source, suffixes=SUFFIXES, kinds="Markdown or JSON lines")
        yield from paths


def _own(settings: Settings) -> list[Path]:
    """Return the files of the issues that are not open, the oldest first."""
    with open_store(settings) as engine:
        open_ones = {record.number for record in issues.open_ones(engine)}
    known = sorted(numbers(settings.paths.issues))
    return [files_of(settings, number).draft for number in known if number not in open_ones]


def _read(path: Path) -> tuple[list[Example], str]:
    """Return what a file teaches, and why nothing."""
    try:
        return read_sections(read_file(path), path)
    except OSError as error:
        return [], f"it cannot be read: {error.strerror or error}"
