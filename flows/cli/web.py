"""`newsletter web`: the pages that readers reach, in one process."""

from __future__ import annotations

import contextlib
import signal
import socket
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, load_settings, narrate
from flows.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp
    from uvicorn import Server

    from flows.settings import Settings
    from flows.web.connection import Connection

# More readers than this at the same moment are told to come back (503), not kept waiting.
MOST_AT_ONCE = 500
SECONDS_TO_END = 10
BACKLOG = 1024


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@config_option
def web(*, host: str, port: int, config: Path | None) -> None:
    """Serve the sign-up form, unsubscribe links, the pages of sent issues, and /healthz.

    Put a web server with HTTPS before it that passes the requests for [newsletter] base_url on to
    this port. Requests are not logged: their addresses are readers' links. Ctrl-C ends it.
    """
    with stoppable(), opened(load_settings(config), host, port) as (server, listener):
        narrate("Ctrl-C ends it.")
        server.run(sockets=[listener])
    narrate("Stopped.")


@contextlib.contextmanager
def opened(settings: Settings, host: str, port: int) -> Iterator[tuple[Server, socket.socket]]:
    """Yield the server of the pages and the socket it is to answer on; raises NewsletterError."""
    # Neither the web server nor the database is for `--help`.
    from flows.pipeline.stores import open_store
    from flows.web.app import create_app
    from flows.web.events import open_hook
    from flows.web.opening import open_postman, open_signups

    keys = settings.keys()
    with open_store(settings) as engine, listen(host, port) as listener:
        postman = open_postman(settings, engine)
        app = create_app(
            engine=engine,
            keys=keys,
            brand=settings.brand(),
            issues=settings.paths.issues,
            signups=open_signups(settings, postman),
            hook=open_hook(settings),
        )
        narrate(
            f"Serving the pages of {settings.newsletter.title} on {address(listener)}, for "
            f"{settings.newsletter.base_url}."
        )
        if settings.web.subscribe and settings.sending.transport == "outbox":
            narrate("The mails that ask to confirm a sign-up are only written to outbox/letters/.")
        with postman.at_work():
            yield make_server(app), listener


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Take Ctrl-C and SIGTERM as the regular way to end; both end the block in peace."""
    before = {
        # uvicorn raises the signal once more when it has ended; that must not kill the process.
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the address; raises NewsletterError."""
    try:
        family, kind, protocol, _name, target = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise NewsletterError(f"web: {host} is no address of this machine: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        # From here on a client waits for the server's start; it is not turned away.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise NewsletterError(
            f"web: cannot listen on {host} port {port}: {error.strerror}; choose another with "
            "--host and --port"
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    """Return the URL that reaches the socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: ASGIApp, *, connection: type[Connection] | None = None) -> Server:
    """Return the server; its `run` answers requests until a signal, those in flight to the end."""
    import uvicorn

    from flows.web.connection import LARGEST_HEAD, Connection

    config = uvicorn.Config(
        app,
        # Named, for the server would take any other that is installed, and with it other bounds.
        http=connection or Connection,
        ws="none",
        # Access lines would hold tokens, and so who left.
        access_log=False,
        # Whose word on a reader's address is taken is a setting of ours ([web] trusted_proxies).
        proxy_headers=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    return uvicorn.Server(config)
