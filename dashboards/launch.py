"""The command line that serves the pages; `windsock serve` runs it.

    python -m streamlit run dashboards/server.py <options> -- --warehouse PATH

Health: GET http://<address>:<port>/_stcore/health
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from dashboards import theme
from dashboards.settings import DEFAULT_REFRESH_SECONDS

HEALTH_PATH = "/_stcore/health"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1")

_OPTIONS = {
    "browser.gatherUsageStats": "false",
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",
    "runner.magicEnabled": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",      # messages may quote what a DAG author wrote
    "client.showErrorLinks": "false",
}


def command(port: int, warehouse: Path, headless: bool = True, *,
            address: str = "127.0.0.1", hosts: Sequence[str] = LOOPBACK_HOSTS,
            refresh_seconds: float = DEFAULT_REFRESH_SECONDS) -> list[str]:
    """The command that serves the pages of a warehouse.

    Args:
        port: where it listens.
        warehouse: folder with `snapshots/` and `current`.
        headless: do not open a browser.
        address: interface to listen on.
        hosts: names a browser may call it by (against DNS rebinding); behind a proxy, its names;
            empty: any.
        refresh_seconds: how often a new generation is expected; twice that is stale.
    """
    options = {**_OPTIONS, "server.headless": str(headless).lower(), "server.port": str(port),
               "server.address": address, **theme.streamlit_options()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={host}" for host in hosts]
    app = Path(__file__).with_name("server.py")
    return [sys.executable, "-m", "streamlit", "run", str(app), *flags,
            "--", "--warehouse", str(warehouse), "--refresh-seconds", str(refresh_seconds)]
