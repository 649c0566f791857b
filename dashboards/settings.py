"""What the launcher tells the pages: the only place that reads the script's arguments.

    streamlit run dashboards/server.py -- --warehouse PATH [--refresh-seconds N] [--processes N]

Nobody in the pages reads the environment.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from windsock.warehouse import Layout

DEFAULT_REFRESH_SECONDS = 300
# A page is stale when its data is older than this many refreshes (pages.md: "twice").
STALE_REFRESHES = 2


@dataclass(frozen=True)
class Settings:
    """Which warehouse the pages show, and how often it should change."""

    layout: Layout
    refresh: timedelta
    processes: int = 1              # that serve the same pages and share the machine
    ends_with_stdin: bool = False   # end when whoever started this process is gone

    @property
    def stale_after(self) -> timedelta:
        """Age from which data counts as stale."""
        return self.refresh * STALE_REFRESHES


def parse(arguments: Sequence[str]) -> Settings:
    """Settings from the script's arguments, without the script's own name."""
    parser = argparse.ArgumentParser(prog="dashboards/server.py")
    parser.add_argument("--warehouse", type=Path, required=True,
                        help="folder with snapshots/ and current")
    parser.add_argument("--refresh-seconds", type=float, default=DEFAULT_REFRESH_SECONDS,
                        help="how often a new generation is expected")
    parser.add_argument("--processes", type=int, default=1,
                        help="how many processes serve the same pages and share the machine")
    parser.add_argument("--ends-with-stdin", action="store_true",
                        help="end when standard input is closed: the starter is gone")
    found = parser.parse_args(arguments)
    return Settings(Layout(found.warehouse), timedelta(seconds=found.refresh_seconds),
                    found.processes, found.ends_with_stdin)
