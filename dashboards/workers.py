"""The workers of the balancer: processes that are started, asked how they are, and started again.

    started -> answers /_stcore/health -> browsers come -> dies, or hangs -> a pause -> started
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout

from dashboards.launch import HEALTH_PATH, LOOPBACK
from dashboards.upstreams import Upstream

LOG = logging.getLogger("windsock.balancer")

# Of a port on loopback: the command of a worker that listens there.
CommandOf = Callable[[int], list[str]]


@dataclass(frozen=True)
class Pace:
    """How patient the balancer is with workers, in seconds.

    Attributes:
        check_seconds: between two questions how a worker is.
        answer_seconds: how long a worker may take for an answer.
        hung_seconds: silent for so long, it is started again; starting counts as silence.
        pause_seconds: before the first new start; doubled for each that soon ends again.
        longest_pause_seconds: the most that it is doubled to.
        steady_seconds: who lived for so long is started again without a longer pause.
    """

    check_seconds: float = 1.0
    answer_seconds: float = 5.0
    hung_seconds: float = 90.0
    pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    steady_seconds: float = 60.0


@dataclass(frozen=True)
class Keeper:
    """Keeps one worker going.

    Attributes:
        upstream: what the balancer sees of it.
        command_of: how to start it.
        session: to ask it how it is.
        prefix: path that all pages lie under.
        pace: how patiently.
    """

    upstream: Upstream
    command_of: CommandOf
    session: ClientSession
    prefix: str = ""
    pace: Pace = Pace()

    async def keep(self) -> None:
        """Start the worker, again and again, until this is cancelled; then it is ended."""
        clock = asyncio.get_running_loop().time
        pause = self.pace.pause_seconds
        while True:
            started = clock()
            await self._live()
            lived = clock() - started
            if lived >= self.pace.steady_seconds:
                pause = self.pace.pause_seconds
            LOG.warning("event=worker_ended worker=%s lived_seconds=%.0f pause_seconds=%.1f",
                        self.upstream.name, lived, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, self.pace.longest_pause_seconds)

    async def _live(self) -> None:
        port = free_port()
        # A session of its own: Ctrl-C in a terminal reaches the balancer only, which ends it.
        process = await asyncio.create_subprocess_exec(
            *self.command_of(port), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, start_new_session=True)
        self.upstream.port = port
        LOG.info("event=worker_started worker=%s process=%d port=%d", self.upstream.name,
                 process.pid, port)
        try:
            await self._watch(process)
        finally:
            self.upstream.is_healthy = False
            await _end(process)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Return when the worker has ended, or was silent for too long."""
        clock = asyncio.get_running_loop().time
        ended = asyncio.create_task(process.wait())
        heard = clock()
        try:
            while not ended.done() and clock() - heard < self.pace.hung_seconds:
                self.upstream.is_healthy = await self._answers()
                if self.upstream.is_healthy:
                    heard = clock()
                await asyncio.wait({ended}, timeout=self.pace.check_seconds)
        finally:
            ended.cancel()

    async def _answers(self) -> bool:
        url = f"http://{LOOPBACK}:{self.upstream.port}{self.prefix}{HEALTH_PATH}"
        limit = ClientTimeout(total=self.pace.answer_seconds)
        try:
            async with self.session.get(url, timeout=limit) as answer:
                return answer.status == 200
        except (ClientError, TimeoutError):
            return False


def free_port() -> int:
    """A port on loopback that nobody has; should another be faster, the start fails and repeats."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def _end(process: asyncio.subprocess.Process, *, patience: float = 3.0) -> None:
    """End a process politely, then not; it writes nothing, so nothing is lost."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        process.kill()
        await process.wait()
