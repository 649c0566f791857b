"""Served pages, and a browser that only speaks Streamlit's protocol: fast, and it draws nothing.

    with served(Site(...)) as address:
        asyncio.run(...)  ->  async with opened(address) as page:  await page.draw("runs")
"""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from dashboards import launch

START_SECONDS = 60.0


@dataclass(frozen=True)
class Drawn:
    """What one run of a page's script sent."""

    html: str
    byte_count: int
    seconds: float

    @property
    def generation(self) -> str:
        """What the footer says was read."""
        return re.findall(r"generation (\w+)", self.html)[-1]


@dataclass
class Opened:
    """One open page: a websocket of a browser with cookies of its own."""

    session: ClientSession
    stream: ClientWebSocketResponse
    worker: str

    async def draw(self, name: str, query: str = "") -> Drawn:
        """Run a page's script."""
        asked = BackMsg()
        asked.rerun_script.page_name = name
        asked.rerun_script.query_string = query
        started = time.monotonic()
        await self.stream.send_bytes(asked.SerializeToString())
        html: list[str] = []
        byte_count = 0
        while True:
            data = await self.stream.receive_bytes()
            byte_count += len(data)
            said: Any = ForwardMsg()
            said.ParseFromString(data)
            if said.delta.new_element.HasField("html"):
                html.append(said.delta.new_element.html.body)
            if said.HasField("script_finished"):
                if said.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return Drawn("\n".join(html), byte_count, time.monotonic() - started)
                html.clear()        # a new generation came while it ran: it runs again


@contextmanager
def served(site: launch.Site) -> Iterator[str]:
    """A site on a free port, all of its workers ready; gives its address."""
    with socket.socket() as free:
        free.bind((launch.LOOPBACK, 0))
        site = replace(site, port=free.getsockname()[1])
    process = subprocess.Popen(launch.watched(site), stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    address = f"http://{launch.LOOPBACK}:{site.port}{site.prefix}"
    try:
        _wait(process, address, site.workers)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:       # a polite end waits for browsers to leave
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()


def _wait(process: "subprocess.Popen[bytes]", address: str, workers: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    names: set[str] = set()
    while len(names) < workers:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.1)
        try:
            with urllib.request.urlopen(address + launch.HEALTH_PATH) as answer:  # noqa: S310
                names.add(worker_of(answer.headers.get_all("Set-Cookie") or []))
        except (urllib.error.URLError, ConnectionError):
            continue


def worker_of(cookies: list[str]) -> str:
    """The name of the worker that a new browser is told to keep; empty without a balancer."""
    found = [re.match(r"windsock_worker_\d+=(\w+);", one) for one in cookies]
    return next((one[1] for one in found if one), "")


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Opened]:
    """A new browser that opens a page."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        async with session.get(address + launch.HEALTH_PATH) as answer:
            worker = worker_of(answer.headers.getall("Set-Cookie", []))
        origin = "/".join(address.split("/")[:3])
        async with session.ws_connect(address + "/_stcore/stream", protocols=("streamlit",),
                                      origin=origin, max_msg_size=0) as stream:
            yield Opened(session, stream, worker)


def processes(warehouse: Path, script: str = "") -> list[int]:
    """Processes that were told of this warehouse, and run this file."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if str(warehouse) in arguments and any(a.endswith(script) for a in arguments):
            found.append(int(folder.name))
    return sorted(found)
