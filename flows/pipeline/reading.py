"""The file of an issue, as its editor has it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.issue_file import misnumbered, read_bytes
from flows.errors import IssueError, NewsletterError
from flows.pipeline.files import IssueFiles

if TYPE_CHECKING:
    from flows.models import Issue
    from flows.settings import Settings


def files_of(settings: Settings, number: int) -> IssueFiles:
    """Return where the files of an issue lie."""
    return IssueFiles(issues=settings.paths.issues, number=number)


def read_draft(files: IssueFiles) -> bytes:
    """Return what stands in the issue's file; raises IssueError if that cannot be read."""
    try:
        return files.draft.read_bytes()
    except FileNotFoundError as error:
        raise IssueError(
            f"{files.draft}: there is no such issue; newsletter draft writes the next one",
            path=files.draft,
        ) from error
    except OSError as error:
        raise IssueError(
            f"{files.draft}: cannot be read: {error.strerror or error}; check what stands there, "
            "and its permissions",
            path=files.draft,
        ) from error


def unknown(files: IssueFiles) -> NewsletterError:
    """Return the error for an issue that the database does not know, perhaps a file by hand."""
    told = f"issue {files.number}: there is none"
    if files.draft.exists():
        told = f"issue {files.number}: nobody drafted it, though {files.draft} is there"
    return NewsletterError(f"{told}; newsletter draft writes the next one, for you to edit")


def read_issue(files: IssueFiles) -> Issue:
    """Return what the issue's file says; raises IssueError with the line that is wrong."""
    return issue_in(read_draft(files), files)


def issue_in(data: bytes, files: IssueFiles) -> Issue:
    """Return what these bytes of the issue's file say; raises IssueError with the wrong line."""
    issue = read_bytes(data, path=files.draft)
    if issue.number != files.number:
        raise misnumbered(data, issue.number, path=files.draft, wanted=files.number)
    return issue


def drafted_as(files: IssueFiles) -> Issue | None:
    """Return the issue as we wrote it last, None if that is not known any more."""
    try:
        return read_bytes(files.wrote.read_bytes(), path=files.wrote)
    except (OSError, IssueError):
        # Without it every line may be an editor's.
        return None


def wrote_last(files: IssueFiles, standing: Issue, data: bytes) -> Issue | None:
    """Return the issue as we wrote it last, None if that is not known any more.

    That is the one that stands, if nobody touched its bytes.
    """
    try:
        written = files.wrote.read_bytes()
        return standing if written == data else read_bytes(written, path=files.wrote)
    except (OSError, IssueError):
        # Without it every line may be an editor's.
        return None
