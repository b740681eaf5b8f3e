"""What the commands share: the options, and the two voices, data on stdout, narration on stderr."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flows.cli import AS_JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.settings import Settings

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")


def parse_moment(text: str) -> datetime:
    """Return the aware UTC time that `text` names, a date (its midnight) or an RFC 3339 time.

    Without a zone it is UTC. Raises ValueError.
    """
    text = text.strip()
    try:
        moment = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is before the year 1 or after 9999 in UTC") from error


def config_option(command: Decorated) -> Decorated:
    """Add `--config FILE`, handed on as `config: Path | None`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The settings file; else ./newsletter.toml, else $NEWSLETTER_CONFIG.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """Add `--json`, handed on as `as_json: bool`; errors are then printed as JSON too."""
    return _json_option(_as_error, "Print the result as JSON on stdout.")(command)


def verdict_option(command: Decorated) -> Decorated:
    """Add `--json` to what ends in a verdict; whatever goes wrong is then a failed one."""
    return _json_option(_as_verdict, "Print the verdict as JSON on stdout.")(command)


def _json_option(
    spelt: Callable[[str], dict[str, Any]], text: str
) -> Callable[[Decorated], Decorated]:
    def remember(ctx: click.Context, _option: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - click's signature
        if value:
            ctx.meta[AS_JSON] = spelt
        return value

    return click.option(
        "--json", "as_json", is_flag=True, callback=remember, is_eager=True, help=text
    )


def _as_error(sentence: str) -> dict[str, Any]:
    return {"error": sentence}


def _as_verdict(sentence: str) -> dict[str, Any]:
    from flows.models import Outcome, Verdict
    from flows.pipeline import verdicts

    return verdicts.as_json(Verdict(verdict=Outcome.FAILED, reason=sentence))


def yes_option(command: Decorated) -> Decorated:
    """Add `--yes`, handed on as `yes: bool`."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)


def since_option(command: Decorated) -> Decorated:
    """Add `--since TIME`, handed on as `since: datetime | None`."""
    return click.option(
        "--since",
        callback=_moment,
        metavar="DATE",
        help="Take unsent items from this time on, such as 2024-12-19 (UTC).",
    )(command)


def as_of_option(command: Decorated) -> Decorated:
    """Add `--as-of TIME`, handed on as `as_of: datetime | None`."""
    return click.option(
        "--as-of",
        callback=_moment,
        metavar="TIME",
        help="Work as if it were this time, such as 2024-12-19T12:00Z.",
    )(command)


def only_option(command: Decorated) -> Decorated:
    """Add `--only TAG`, handed on as `only: str`."""
    return click.option(
        "--only",
        metavar="TAG",
        default="",
        help="Send it to the people with this tag alone; the others wait for `newsletter send`.",
    )(command)


def _moment(ctx: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_moment(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is no time; write 2024-12-19, or 2024-12-19T12:00Z.", ctx, option
        ) from error


def load_settings(config: Path | None) -> Settings:
    """Return the settings; raises SettingsError listing every problem."""
    # pydantic is not for `--help`.
    from flows.settings import load

    return load(config)


def narrate(text: str = "") -> None:
    """Tell a person how it goes, on stderr."""
    click.echo(text, err=True)


def show(text: str) -> None:
    """Print data on stdout."""
    click.echo(text)


def show_json(value: Any) -> None:
    """Print data on stdout as JSON; times become RFC 3339 UTC, paths and enums their text."""
    click.echo(as_json_text(value))


def as_json_text(value: Any) -> str:
    """Return data as JSON; times become RFC 3339 UTC, paths and enums their text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def rfc3339(moment: datetime | None) -> str | None:
    """Return the time as RFC 3339 in UTC, to the second; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
