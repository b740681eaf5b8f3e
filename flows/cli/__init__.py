"""The `newsletter` command: a table of commands, each loaded when it is asked for.

stdout carries data, stderr carries narration. Exit codes: 0 all is well, 1 failed, 2 the
command line or the settings are wrong, 3 held for approval, 4 deliveries in doubt remain,
130 interrupted. With `--json` what goes wrong in a command is also printed on stdout, as
{"error": "…"}, of `run` and `send` as their verdict; what is wrong with the command line is not.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import signal
import sys
import threading
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flows.errors import NewsletterError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130

# So many new objects before Python looks for unused ones, instead of its own 700: what modules
# are made of is all used, and to look took a fifth of the time to start.
OBJECTS = 20_000

# Set in the context's meta by `--json`: how an error's sentence is spelt as data.
AS_JSON = "newsletter.as_json"


class Command(NamedTuple):
    """Where a command is found, and what `newsletter --help` says of it."""

    target: str
    summary: str


# In the order of the work.
COMMANDS = {
    "init": Command("flows.cli.init:init", "Write newsletter.toml and the signing keys."),
    "demo": Command("flows.cli.demo:demo", "Try everything on sample feeds; nobody is mailed."),
    "gather": Command("flows.cli.issues:gather", "Fetch what is new in the feeds."),
    "feeds": Command("flows.cli.feeds:feeds", "Add, check, move and look after the feeds."),
    "draft": Command("flows.cli.issues:draft", "Write the next issue's file, issues/NNN.md."),
    "sections": Command("flows.cli.sections:sections", "Let past issues teach the headings."),
    "preview": Command("flows.cli.preview:preview", "See the issue as a mail."),
    "check": Command("flows.cli.check:check", "Check the mail against the rules it must pass."),
    "test": Command("flows.cli.trial:test", "Mail an issue to yourself; it counts for nothing."),
    "approve": Command("flows.cli.issues:approve", "Approve the issue as it is now."),
    "run": Command("flows.cli.run:run", "Do the whole week now: gather, draft, check, send."),
    "send": Command("flows.cli.issues:send", "Send the drafted issue, or carry on sending it."),
    "deliveries": Command("flows.cli.deliveries:deliveries", "Show how the deliveries stand."),
    "stop": Command("flows.cli.deliveries:stop", "Stop an issue; take back what has not left."),
    "verify": Command("flows.cli.verify:verify", "Check an issue's receipt against the ledger."),
    "suppressions": Command(
        "flows.cli.suppressions:suppressions", "Take over whom SendGrid will mail no more."
    ),
    "archive": Command("flows.cli.archive:archive", "Write the sent issues as a static site."),
    "why": Command("flows.cli.why:why", "Say what is known of an item, and why it is where it is."),
    "history": Command("flows.cli.history:history", "Import past issues; list what ran."),
    "backtest": Command("flows.cli.backtest:backtest", "Hold past issues against the feeds."),
    "subscribers": Command("flows.cli.subscribers:subscribers", "Add, import, list people."),
    "web": Command("flows.cli.web:web", "Serve sign-up, leaving and the archive."),
    "serve": Command("flows.cli.serve:serve", "Run the schedule: an issue a week by itself."),
    "status": Command("flows.cli.status:status", "Tell what ran last and what comes next."),
    "doctor": Command("flows.cli.doctor:doctor", "Find out what is wrong with this set-up."),
    "database": Command("flows.cli.database:database", "Upgrade, back up or move the database."),
}


class Commands(click.Group):
    """The group of all commands; it imports the one that runs and turns errors into sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the work."""
        return [*COMMANDS]

    def get_command(
        self,
        ctx: click.Context,
        cmd_name: str,
    ) -> click.Command | None:
        """Return the command, imported now; None or a usage error if there is none."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            _suggest(ctx, cmd_name)
            return None
        module, name = found.target.split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands from the table: help must not import them."""
        with formatter.section("Commands, in the order of the work"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what can be told in a sentence is, all else shows its traceback."""
        try:
            with _heeding_sigterm():
                return super().invoke(ctx)
        except SettingsError as error:
            code = _tell(ctx, str(error), WRONG_USE)
        except NewsletterError as error:
            code = _tell(ctx, str(error), FAILED)
        except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            if error.filename is None:
                raise
            advice = "name another place"
            if isinstance(error, PermissionError):
                advice += ", or give yourself the right to this one"
            code = _tell(ctx, f"{error.filename}: {error.strerror}; {advice}", FAILED)
        except (KeyboardInterrupt, click.Abort):
            code = _tell(ctx, "interrupted", INTERRUPTED)
        return ctx.exit(code)


@contextlib.contextmanager
def _heeding_sigterm() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken: what is open is closed, and the end is told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _suggest(ctx: click.Context, name: str) -> None:
    # Only for who mistyped: `--help` does not pay for it.
    from difflib import get_close_matches

    for known in get_close_matches(name, COMMANDS, n=1):
        ctx.fail(f"there is no command {name!r}; did you mean {known!r}?")


def _tell(ctx: click.Context, sentence: str, code: int) -> int:
    spelt: Callable[[str], dict[str, Any]] | None = ctx.meta.get(AS_JSON)
    if spelt is not None:
        click.echo(json.dumps(spelt(sentence), ensure_ascii=False, indent=2))
    click.echo(f"newsletter: {sentence}", err=True)
    return code


def _show_version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        click.echo(f"newsletter {metadata.version('newsletter')}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="newsletter COMMAND --help tells more. Every command takes --config FILE.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def newsletter() -> None:
    """Turn feeds into one good mail a week, with hardly anything to do by hand.

    Feeds are gathered all week, stories told twice become one, the issue is drafted as a file
    you may edit, checked, and sent to every subscriber exactly once. Start with
    `newsletter demo`, which needs no network and mails nobody; then `newsletter init`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its exit code."""
    gc.set_threshold(OBJECTS)
    # At its end Python would look through all there is for what is unused; it all goes anyway.
    atexit.register(gc.freeze)
    try:
        newsletter.main(args=list(arguments) if arguments is not None else None)
    except SystemExit as ended:
        # Only a command that ran a flow has loaded it.
        here = sys.modules.get("flows.weekly.here")
        if here is not None:
            here.leave(ended.code)
        raise
