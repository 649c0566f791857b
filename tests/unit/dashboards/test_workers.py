"""Keepers of workers, with processes that are not Streamlit."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dashboards.relay import open_session
from dashboards.upstreams import Upstream
from dashboards.workers import Keeper, Pace

# Answers health checks; writes its number down, and ends or hangs as its second argument says.
WORKER = """
import http.server, os, pathlib, sys, time
port, way, notes = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
with notes.open("a") as file:
    file.write(f"{os.getpid()}\\n")
if way == "ends":
    sys.exit(1)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if way == "hangs" and len(notes.read_text().split()) == 1:
            time.sleep(60)
        self.send_response(200 if self.path == "/x/_stcore/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *given):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""
PACE = Pace(check_seconds=0.05, answer_seconds=0.5, hung_seconds=1.5, pause_seconds=0.1,
            longest_pause_seconds=0.4)


@asynccontextmanager
async def kept(way: str, notes: Path) -> AsyncIterator[Upstream]:
    upstream = Upstream("0")
    async with open_session() as session:
        keeper = Keeper(upstream, lambda port: [sys.executable, "-c", WORKER, str(port), way,
                                                str(notes)], session, "/x", PACE)
        task = asyncio.create_task(keeper.keep())
        try:
            yield upstream
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def started(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split()] if notes.exists() else []


async def until_healthy(upstream: Upstream, *, is_healthy: bool = True) -> None:
    async with asyncio.timeout(10):
        while upstream.is_healthy is not is_healthy:
            await asyncio.sleep(0.01)


def test_a_killed_worker_is_started_again_and_ended_at_the_end(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    async def run() -> None:
        async with kept("lives", notes) as upstream:
            await until_healthy(upstream)
            os.kill(started(notes)[0], signal.SIGKILL)
            await until_healthy(upstream, is_healthy=False)
            await until_healthy(upstream)
    asyncio.run(run())
    first, second = started(notes)
    for process in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_silent_worker_is_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with kept("hangs", tmp_path / "notes") as upstream:
            await until_healthy(upstream)
    asyncio.run(run())
    assert len(started(tmp_path / "notes")) == 2


def test_one_that_ends_at_once_is_started_ever_less_often(tmp_path: Path) -> None:
    async def run() -> None:
        async with kept("ends", tmp_path / "notes") as upstream:
            await asyncio.sleep(2.5)
            assert not upstream.is_healthy
    asyncio.run(run())
    assert 3 <= len(started(tmp_path / "notes")) <= 8      # 0.1 + 0.2 + 0.4 + 0.4 + ...
