"""The dashboards as a process beside the cycles.

    up = one cycle where nothing is published yet -> served -> a cycle every minute
    serve = served, in the foreground
    served = one process of Streamlit, or a balancer with several (see dashboards/launch.py)
"""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.error import URLError

from dashboards import launch
from windsock.commands import Windsock, cycle, run_every
from windsock.errors import ConfigError, WindsockError

_START_SECONDS = 60.0
_ANY = ("0.0.0.0", "")      # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True)
class Where:
    """Where the dashboards are served, as the command line says it.

    Attributes:
        port: where they listen.
        address: interface to listen on.
        hosts: names that browsers call them by, beside those of this machine.
        prefix: path that all pages lie under, such as `/windsock`; empty: none.
        workers: how many processes serve them.
    """

    port: int
    address: str = launch.LOOPBACK
    hosts: tuple[str, ...] = ()
    prefix: str = ""
    workers: int = 1

    @property
    def url(self) -> str:
        """What a person on this machine opens."""
        return f"http://localhost:{self.port}{self.prefix}"


@contextmanager
def served(windsock: Windsock, where: Where, *, every: timedelta = timedelta(minutes=5),
           ) -> Iterator["subprocess.Popen[bytes]"]:
    """The dashboards as a process of their own (of which others may hang); ended with the block.

    Args:
        windsock: whose snapshots.
        where: where they listen.
        every: how often a new generation is expected; data twice as old is stale.
    """
    require_free_port(where)
    site = launch.Site(where.port, windsock.layout.root.absolute(), where.address,
                       (*launch.LOOPBACK_HOSTS, *where.hosts), where.prefix,
                       max(60.0, every.total_seconds()), where.workers)
    # Its standard input closes with this process, whatever ends it: then it ends too. A session of
    # its own: Ctrl-C in a terminal comes here, and goes on as below.
    process = subprocess.Popen(launch.watched(site), stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def require_free_port(where: Where) -> None:
    """Refuse a port that another program has, before anything slow begins.

    Raises:
        ConfigError: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where.address, where.port))
        except OSError as error:
            raise ConfigError(
                f"Port {where.port} of {where.address} cannot be had ({error.strerror}).",
                next_step=f"try --port {where.port + 1} (make up PORT={where.port + 1})",
            ) from error


def wait_until_healthy(process: "subprocess.Popen[bytes]", where: Where) -> None:
    """Return when the dashboards answer.

    Raises:
        WindsockError: they stopped, or did not answer in time.
    """
    address = launch.LOOPBACK if where.address in _ANY else where.address
    url = f"http://{address}:{where.port}{where.prefix}{launch.HEALTH_PATH}"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WindsockError(
                f"The dashboards stopped with exit code {process.returncode}.",
                next_step=f"is port {where.port} in use? try --port {where.port + 1}",
            )
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise WindsockError(
        f"The dashboards did not answer on port {where.port} within {_START_SECONDS:.0f} s.",
        next_step=f"try --port {where.port + 1}",
    )


def wait_until_ended(process: "subprocess.Popen[bytes]") -> int:
    """Return the exit code of the dashboards when they end.

    Asked every so often: a signal that the system hands to another thread of this process does not
    wake a plain wait, and Ctrl-C would do nothing.
    """
    while process.poll() is None:
        time.sleep(0.5)
    return process.returncode


def up(windsock: Windsock, where: Where, *, every: timedelta, say: Callable[[str], None]) -> None:
    """Everything: a first cycle if nothing is published, the dashboards, then a cycle a minute."""
    require_free_port(where)
    say(f"Windsock reads {windsock.config.origin}.")
    for warning in windsock.config.warnings:
        say(f"Warning: {warning}")
    if windsock.layout.newest_snapshot() is None:
        say("First landing: newest runs first; the dashboards start when these are in.")
        cycle(windsock, history_time=timedelta(seconds=20))
    with served(windsock, where, every=every) as process:
        wait_until_healthy(process, where)
        say(f"Windsock is up: {where.url}  (Ctrl-C stops it)")
        run_every(windsock, every, stop=lambda: process.poll() is not None)
        raise WindsockError(
            f"The dashboards stopped with exit code {process.returncode}.",
            next_step="see the messages above",
        )
