"""Runs Prefect's API and UI as a child of the command that needs them."""

from __future__ import annotations

import os
import socket
import threading

import uvicorn


def run_server(descriptor: int, *, ui: bool) -> None:
    """Run Prefect's API (and UI) on the parent's socket until standard input closes."""
    os.environ["PREFECT_SERVER_UI_ENABLED"] = str(ui).lower()
    # On any port but 4200 the UI would call the wrong address.
    os.environ["PREFECT_SERVER_UI_API_URL"] = "/api"
    server = uvicorn.Server(
        uvicorn.Config(
            "prefect.server.api.server:create_app",
            factory=True,
            log_level="warning",
            # A browser's open event stream must not hold up the end.
            timeout_graceful_shutdown=2,
        )
    )

    def end_with_parent() -> None:
        # Not sys.stdin: a thread that waits in its buffer cannot be ended.
        while os.read(0, 1024):
            pass
        server.should_exit = True

    threading.Thread(target=end_with_parent, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])
