"""Figure `serving`: many open pages before one worker and before two.

    python -m bench.serving FOLDER [PAGE]      FOLDER: a published warehouse, such as `var/`

Each session is a websocket of a browser of its own that reads a page, thinks, and reads it again:
Streamlit's work without the drawing, which is done on the viewers' machines. The sessions and the
workers share this machine, so more cores would give better figures.
"""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import Figure, figure
from dashboards.launch import Site
from tests.served_pages import Drawn, opened, processes, served

SESSIONS = (1, 10, 30)
WORKERS = (1, 2)
ROUNDS = 3
THINK_SECONDS = 5.0


def measure(warehouse: Path, page: str) -> Iterator[Figure]:
    """First page, page times by sessions and workers, memory of a worker."""
    for workers in WORKERS:
        with served(Site(0, warehouse, workers=workers)) as address:
            [first] = asyncio.run(_visit(address, page, 1, rounds=1))
            yield _figure(f"first page, {workers} workers", first.seconds, 1)
            for sessions in SESSIONS:
                times = sorted(d.seconds for d in asyncio.run(_visit(address, page, sessions)))
                name = f"page {page}, {workers} workers, {sessions} sessions"
                yield _figure(f"{name}, p50", statistics.median(times), len(times))
                yield _figure(f"{name}, p95", times[int(0.95 * (len(times) - 1))], len(times))
            for process in processes(warehouse, "server.py"):
                size = _own_memory(process) / 1024 / 1024
                yield figure(f"memory of one of {workers} workers", size, "MiB", "-")


def _figure(name: str, seconds: float, count: int) -> Figure:
    return figure(name, seconds, "s", "p95 < 0.5 s in one session", count)


async def _visit(address: str, page: str, sessions: int, *, rounds: int = ROUNDS) -> list[Drawn]:
    """All pages that so many sessions read, whose turns are spread evenly over the thinking."""
    async def one(number: int) -> list[Drawn]:
        async with opened(address) as session:
            drawn = []
            await asyncio.sleep(THINK_SECONDS * number / sessions)
            for _ in range(rounds):
                drawn.append(await session.draw(page))
                await asyncio.sleep(THINK_SECONDS if rounds > 1 else 0)
            return drawn
    found = await asyncio.gather(*(one(n) for n in range(sessions)))
    return [drawn for some in found for drawn in some]


def _own_memory(process: int) -> int:
    """Bytes of a process, what it shares with others divided among them (PSS)."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    [line] = [one for one in text.splitlines() if one.startswith("Pss:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0]}))  # noqa: T201
    for found in measure(Path(sys.argv[1]), *(sys.argv[2:] or ["runs"])):
        print(json.dumps(found), flush=True)  # noqa: T201
