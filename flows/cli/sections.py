"""`newsletter sections`: what past issues teach about headings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show_json
from flows.errors import NewsletterError
from flows.wording import counted

if TYPE_CHECKING:
    from flows.pipeline.teaching import Taught


@click.group()
def sections() -> None:
    """Let past issues teach which story goes under which heading."""


@sections.command("train")
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|DIR]...")
@json_option
@config_option
def train(*, sources: tuple[Path, ...], as_json: bool, config: Path | None) -> None:
    """Learn headings from your sent issues, and from past ones in files.

    FILE is Markdown with headings, or JSON lines with title, url, section and blurb. A draft then
    asks what was learned where neither the feed nor a rule names a heading, and follows it only
    where it is sure. How good it is, is measured on later issues than those learned from.

    Needs scikit-learn: pip install "newsletter[classifier]". Drafting does not.
    """
    from flows.pipeline.teaching import teach

    settings = load_settings(config)
    try:
        taught = teach(settings, sources)
    except ImportError as error:
        raise NewsletterError(
            f'{error.name or "scikit-learn"} is missing: pip install "newsletter[classifier]"'
        ) from error
    _tell(taught)
    if as_json:
        show_json(_as_json(taught))


def _tell(taught: Taught) -> None:
    trained = taught.trained
    for path, why in taught.unread:
        narrate(f"{path}: {why}.")
    narrate(
        f"{counted(trained.examples, 'entry')} of {counted(taught.files, 'file')} under "
        f"{', '.join(trained.headings) or 'no heading'}"
    )
    measured = trained.measured
    if measured:
        narrate(
            f"On later issues than those learned from: accuracy {measured.accuracy:.3f}, "
            f"macro F1 {measured.macro_f1:.3f}"
        )
    if taught.kept is None:
        narrate(f"Nothing was kept: {trained.problem}.")
        return
    if measured:
        narrate(
            f"Sure of {measured.share:.0%} of them, and right in {measured.precision:.0%} of "
            "those; drafts follow it there"
        )
    narrate(f"Wrote {taught.kept}")


def _as_json(taught: Taught) -> dict[str, Any]:
    trained, measured = taught.trained, taught.trained.measured
    return {
        "file": taught.kept,
        "problem": trained.problem,
        "examples": trained.examples,
        "headings": trained.headings,
        "accuracy": measured and round(measured.accuracy, 4),
        "macro_f1": measured and round(measured.macro_f1, 4),
        "sure": measured and round(measured.share, 4),
        "precision": measured and round(measured.precision, 4),
        "unread": [{"file": path, "reason": why} for path, why in taught.unread],
    }
