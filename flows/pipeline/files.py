"""The files of an issue: the draft the editor owns, and the frozen mail that is sent."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import IssueError, NewsletterError
from flows.models import Mail
from flows.render.digest import digest as hashed

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERED = re.compile(r"(\d{3,})\.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFiles:
    """Where the files of an issue lie: `issues/042.md` and the folder `issues/042/`."""

    issues: Path
    number: int

    @property
    def draft(self) -> Path:
        """The file the editor owns."""
        return self.issues / f"{self.number:03}.md"

    @property
    def wrote(self) -> Path:
        """The draft as we wrote it last: what differs in the editor's file is their edit."""
        return self.folder / "drafted.md"

    @property
    def folder(self) -> Path:
        """The folder of what was rendered and sent."""
        return self.issues / f"{self.number:03}"

    @property
    def html(self) -> Path:
        """The HTML part as it was sent, merge tags and all."""
        return self.folder / "mail.html"

    @property
    def text(self) -> Path:
        """The text part as it was sent."""
        return self.folder / "mail.txt"

    @property
    def frozen(self) -> Path:
        """The whole mail as it was approved: what a resumed run goes on with."""
        return self.folder / "mail.json"

    @property
    def receipt(self) -> Path:
        """What became of the issue, under our seal."""
        return self.folder / "receipt"

    @property
    def page(self) -> Path:
        """The archive's page."""
        return self.folder / "page.html"


def write_new(path: Path, text: str) -> bool:
    """Write a file that must not exist yet, whole or not at all; False if it exists.

    Raises NewsletterError if the folder cannot be written.
    """
    with _writing(path), _temporary(path, text) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; raises NewsletterError if the folder cannot be written.

    A link stays one to the file it leads to, and a file stays writable for whom it was.
    """
    with _writing(path):
        target = path.resolve()
        with _temporary(target, text) as temporary:
            with contextlib.suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise NewsletterError(
            f"{path}: cannot be written: {error.strerror or error}; check the folder's permissions "
            "and the space on its disk"
        ) from error


@contextlib.contextmanager
def _temporary(path: Path, text: str) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for the owner only; these are the editor's, like any other file.
        temporary.chmod(0o644)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def freeze(files: IssueFiles, mail: Mail, page: str) -> None:
    """Keep the mail as it is sent: a resumed run sends these bytes, whatever is edited since."""
    write(files.html, mail.html)
    write(files.text, mail.text)
    write(files.page, page)
    write(files.frozen, json.dumps(asdict(mail), ensure_ascii=False, indent=1))


def thaw(files: IssueFiles, digest: str) -> Mail:
    """Return the mail that was approved; raises IssueError if it is gone or was changed."""
    try:
        values = json.loads(files.frozen.read_text(encoding="utf-8"))
        values["headers"] = tuple((name, value) for name, value in values["headers"])
        mail = Mail(**values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IssueError(
            f"{files.frozen}: the mail that was approved cannot be read: {error}; put the file "
            "back from a backup, nothing more is sent without it",
            path=files.frozen,
        ) from error
    if not digest == mail.digest == hashed(mail):
        raise IssueError(
            f"{files.frozen}: this is not the mail that was approved; put the file back from a "
            "backup, nothing more is sent without it",
            path=files.frozen,
        )
    return mail


def read_file(path: Path) -> bytes:
    """Return what is in a file; raises OSError if it is none, such as a link that leads nowhere."""
    if not path.is_file():
        path.stat()
        # To read a pipe waits for somebody who writes into it.
        raise OSError(errno.EINVAL, "it is no regular file")
    return path.read_bytes()


def numbers(issues: Path) -> list[int]:
    """Return the numbers of the issue files in the folder, the highest first."""
    try:
        names = [path.name for path in issues.iterdir()]
    except OSError:
        return []
    found = (NUMBERED.fullmatch(name) for name in names)
    return sorted((int(match[1]) for match in found if match), reverse=True)


def highest_number(issues: Path) -> int:
    """Return the highest number of an issue file in the folder, 0 if there is none."""
    return next(iter(numbers(issues)), 0)
