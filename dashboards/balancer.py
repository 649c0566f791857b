"""Several workers behind one port; each browser keeps its own. `windsock serve --workers N`.

    browsers -> this port -> Relay -> workers on loopback, kept going by their Keepers

    python -m dashboards.balancer --port 8501 --workers 2 --warehouse PATH      (see launch.py)

Streamlit keeps the state of a page in the process that drew it, so a browser must come back to it:
a cookie says to which. Where that one is gone another takes over, and the URL restores the page.
Standard input must be a pipe of the starter: when it closes, everything ends.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from dashboards import launch, starter
from dashboards.relay import Relay, open_session
from dashboards.upstreams import Upstream
from dashboards.workers import Keeper
from windsock import logs


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal says to end, or the starter is gone."""
    logs.start()
    asyncio.run(serve(launch.parse(arguments)))


async def serve(site: launch.Site) -> None:
    """Serve a site with its workers; end all of them at the end."""
    stop = _told_to_end()
    upstreams = [Upstream(str(number)) for number in range(site.workers)]
    async with open_session() as session:
        relay = Relay(upstreams, session, cookie=f"windsock_worker_{site.port}",
                      prefix=site.prefix)
        runner = web.ServerRunner(web.Server(relay), handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, site.address, site.port).start()
        keepers = [asyncio.create_task(Keeper(one, lambda port: _worker(site, port), session,
                                              site.prefix).keep()) for one in upstreams]
        try:
            await stop.wait()
        finally:
            await relay.close()
            await runner.cleanup()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


def _worker(site: launch.Site, port: int) -> list[str]:
    return launch.streamlit(replace(site, port=port, address=launch.LOOPBACK),
                            ends_with_stdin=True)


def _told_to_end() -> asyncio.Event:
    """Set by a signal, or when the starter is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(one, stop.set)
    starter.when_gone(lambda: loop.call_soon_threadsafe(stop.set))
    return stop


if __name__ == "__main__":
    main(sys.argv[1:])
