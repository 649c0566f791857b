"""The dashboards as a process beside the cycles.

    up = one cycle where nothing is published yet -> served -> a cycle every minute
    serve = served, in the foreground
"""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.error import URLError

from dashboards import launch
from windsock.commands import Windsock, cycle, run_every
from windsock.errors import ConfigError, WindsockError

_START_SECONDS = 60.0


@contextmanager
def served(windsock: Windsock, port: int, *, every: timedelta = timedelta(minutes=5),
           ) -> Iterator["subprocess.Popen[bytes]"]:
    """The dashboards as a process of their own; ended with the block.

    Args:
        windsock: whose snapshots.
        port: where they listen, on loopback.
        every: how often a new generation is expected; data twice as old is stale.
    """
    require_free_port(port)
    process = subprocess.Popen(launch.command(
        port, windsock.layout.root, refresh_seconds=max(60.0, every.total_seconds())))
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def require_free_port(port: int) -> None:
    """Refuse a port that another program has, before anything slow begins.

    Raises:
        ConfigError: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} is in use ({error.strerror}).",
                next_step=f"try --port {port + 1} (make up PORT={port + 1})",
            ) from error


def wait_until_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the dashboards answer.

    Raises:
        WindsockError: they stopped, or did not answer in time.
    """
    url = f"http://127.0.0.1:{port}/_stcore/health"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WindsockError(
                f"The dashboards stopped with exit code {process.returncode}.",
                next_step=f"is port {port} in use? try --port {port + 1}",
            )
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise WindsockError(
        f"The dashboards did not answer on port {port} within {_START_SECONDS:.0f} s.",
        next_step=f"try --port {port + 1}",
    )


def up(windsock: Windsock, *, port: int, every: timedelta, say: Callable[[str], None]) -> None:
    """Everything: a first cycle if nothing is published, the dashboards, then a cycle a minute."""
    require_free_port(port)
    say(f"Windsock reads {windsock.config.origin}.")
    for warning in windsock.config.warnings:
        say(f"Warning: {warning}")
    if windsock.layout.newest_snapshot() is None:
        say("First landing: newest runs first; the dashboards start when these are in.")
        cycle(windsock, history_time=timedelta(seconds=20))
    with served(windsock, port, every=every) as process:
        wait_until_healthy(process, port)
        say(f"Windsock is up: http://localhost:{port}  (Ctrl-C stops it)")
        run_every(windsock, every, stop=lambda: process.poll() is not None)
        raise WindsockError(
            f"The dashboards stopped with exit code {process.returncode}.",
            next_step="see the messages above",
        )
