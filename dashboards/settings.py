"""What the launcher tells the pages: the only place that reads the script's arguments.

    streamlit run dashboards/server.py -- --warehouse PATH [--refresh-seconds N]

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
    found = parser.parse_args(arguments)
    return Settings(Layout(found.warehouse), timedelta(seconds=found.refresh_seconds))
