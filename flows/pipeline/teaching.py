"""Past issues teach headings: what is read, what is learned, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flows.edit import classifier
from flows.edit.past_sections import JSON_LINES, MARKDOWN, read_sections
from flows.errors import NewsletterError
from flows.pipeline.files import numbers, write
from flows.pipeline.reading import files_of
from flows.pipeline.stores import open_store
from flows.store import issues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from flows.edit.classifier import Example
    from flows.edit.rules import Place
    from flows.edit.training import Trained
    from flows.models import Item
    from flows.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What was learned from how many files, and where it is kept (None: nowhere)."""

    trained: Trained
    files: int
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
    for path in paths:
        examples += read_sections(_bytes(path), path)
    trained = train(examples)
    if trained.model is None:
        return Taught(trained=trained, files=len(paths))
    write(settings.paths.model, classifier.dumps(trained.model))
    return Taught(trained=trained, files=len(paths), kept=settings.paths.model)


def learned(settings: Settings) -> Callable[[Item], Place | None] | None:
    """Return what guesses headings as past issues teach, None where nothing was learned."""
    if not settings.edit.classifier:
        return None
    try:
        text = settings.paths.model.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    model = classifier.loads(text)
    return None if model is None else partial(classifier.guess, model)


def _given(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            found = sorted(source.rglob("*"))
            yield from (path for path in found if path.suffix.lower() in MARKDOWN | JSON_LINES)
        elif source.is_file():
            yield source
        else:
            raise NewsletterError(f"{source}: there is no such file; name past issues")


def _own(settings: Settings) -> list[Path]:
    """Return the files of the issues that are not open, the oldest first."""
    with open_store(settings) as engine:
        open_ones = {record.number for record in issues.open_ones(engine)}
    known = sorted(numbers(settings.paths.issues))
    return [files_of(settings, number).draft for number in known if number not in open_ones]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NewsletterError(f"{path}: it cannot be read: {error.strerror}") from error
