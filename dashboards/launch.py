"""The command lines that serve the pages; `windsock serve` runs one of them.

    one worker      python -m streamlit run dashboards/server.py <options> -- --warehouse PATH ...
    more of them    python -m dashboards.balancer --workers N --warehouse PATH ...

Health: GET http://<address>:<port><prefix>/_stcore/health
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards import theme
from dashboards.settings import DEFAULT_REFRESH_SECONDS

HEALTH_PATH = "/_stcore/health"
LOOPBACK = "127.0.0.1"
LOOPBACK_HOSTS = ("localhost", LOOPBACK)
# What a page sends at most (megabytes): the largest tables and charts stay below a tenth of it.
MESSAGE_MEGABYTES = 50

# Not there: a secrets.toml in the folder of the start, or at home, would switch its sign-in on.
_NO_SECRETS = str(Path(__file__).with_name("assets") / "no-secrets.toml")
# Said even where it is Streamlit's default: a .streamlit/config.toml in the folder of the start, or
# at home, says otherwise for whatever is not said here.
_OPTIONS = {
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": "localhost",   # unset, a server on the internet is asked for it
    "client.allowedOrigins": "https://none.invalid",    # who may steer a page from around it
    "client.showErrorDetails": "none",      # messages may quote what a DAG author wrote
    "client.showErrorLinks": "false",
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": "false",
    "secrets.files": _NO_SECRETS,
    "server.enableAgentApi": "false",
    "server.enableCORS": "true",            # refuses other origins; off, it would allow them all
    "server.enableStaticServing": "false",
    "server.enableWebsocketCompression": "false",
    "server.enableXsrfProtection": "true",
    "server.fileWatcherType": "none",
    "server.maxMessageSize": str(MESSAGE_MEGABYTES),
    "server.maxUploadSize": "1",            # no page takes files
    "server.runOnSave": "false",
    "server.showEmailPrompt": "false",
    "server.websocketPingInterval": "30",   # proxies close what is silent for a minute
}


@dataclass(frozen=True)
class Site:
    """What is served, and where.

    Attributes:
        port: where it listens.
        warehouse: folder with `snapshots/` and `current`.
        address: interface to listen on.
        hosts: names a browser may call it by (against DNS rebinding); behind a proxy, its names;
            empty: any.
        prefix: path that all pages lie under, such as `/windsock`; empty: none.
        refresh_seconds: how often a new generation is expected; twice that is stale.
        workers: how many processes serve the pages.
    """

    port: int
    warehouse: Path
    address: str = LOOPBACK
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    prefix: str = ""
    refresh_seconds: float = DEFAULT_REFRESH_SECONDS
    workers: int = 1


def command(port: int, warehouse: Path, headless: bool = True, *,
            address: str = LOOPBACK, hosts: Sequence[str] = LOOPBACK_HOSTS,
            refresh_seconds: float = DEFAULT_REFRESH_SECONDS) -> list[str]:
    """The command of one process that serves the pages of a warehouse.

    Args:
        port: where it listens.
        warehouse: folder with `snapshots/` and `current`.
        headless: do not open a browser.
        address: interface to listen on.
        hosts: names a browser may call it by; empty: any.
        refresh_seconds: how often a new generation is expected; twice that is stale.
    """
    return streamlit(Site(port, warehouse, address, tuple(hosts), "", refresh_seconds),
                     headless=headless)


def watched(site: Site) -> list[str]:
    """The command that serves a site; the process ends when its standard input is closed."""
    if site.workers == 1:
        return streamlit(site, ends_with_stdin=True)
    # -P: a folder `dashboards` where the user happens to be is not ours.
    return [sys.executable, "-P", "-m", "dashboards.balancer",
            "--port", str(site.port), "--warehouse", str(site.warehouse),
            "--address", site.address, "--prefix", site.prefix,
            "--refresh-seconds", str(site.refresh_seconds), "--workers", str(site.workers),
            "--hosts", *site.hosts]


def streamlit(site: Site, *, headless: bool = True, ends_with_stdin: bool = False) -> list[str]:
    """The command of one worker of a site."""
    options = {**_OPTIONS, "server.headless": str(headless).lower(),
               "server.port": str(site.port), "server.address": site.address,
               "server.baseUrlPath": site.prefix, **theme.streamlit_options()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={host}" for host in site.hosts]
    app = Path(__file__).with_name("server.py")
    return [sys.executable, "-P", "-m", "streamlit", "run", str(app), *flags,
            "--", "--warehouse", str(site.warehouse),
            "--refresh-seconds", str(site.refresh_seconds), "--processes", str(site.workers),
            *(["--ends-with-stdin"] if ends_with_stdin else [])]


def parse(arguments: Sequence[str]) -> Site:
    """The site that `watched` told the balancer."""
    parser = argparse.ArgumentParser(prog="dashboards.balancer")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--address", default=LOOPBACK)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--refresh-seconds", type=float, default=DEFAULT_REFRESH_SECONDS)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--hosts", nargs="*", default=LOOPBACK_HOSTS)
    found = parser.parse_args(arguments)
    return Site(found.port, found.warehouse, found.address, tuple(found.hosts), found.prefix,
                found.refresh_seconds, found.workers)
