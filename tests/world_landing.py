"""Lands databases of a made-up company and says what arrived.

    landed(root, {cluster: url}, now)  ->  table -> rows of the source's own columns
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingest import landing
from ingest.archive import Archive, Manifest
from windsock.warehouse import Layout, open_build

Before = Callable[[duckdb.DuckDBPyConnection, Archive, Layout], None]


class Warehouse:
    """A build file and its archive, for as long as the block lasts."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.archive = Archive(str(root / "archive"))
        self.con = open_build(self.layout)
        landing.prepare(self.con)

    def __enter__(self) -> "Warehouse":
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def land(self, urls: dict[str, str], now: datetime, *,
             reconcile: str | None = None) -> list[Manifest]:
        """Land each cluster once; nothing is set aside."""
        clusters = [landing.Cluster(name, url, now) for name, url in urls.items()]
        outcomes = landing.land_clusters(self.con, self.archive, self.layout, clusters,
                                         landing.Settings(reconcile=reconcile))
        loads = [load for outcome in outcomes for load in outcome.loads]
        assert [o.error for o in outcomes] == [None] * len(outcomes)
        assert not any(load.quarantined for load in loads)
        return loads

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every landed row: the source's own columns, flags, and whether it is gone."""
        found = {}
        for table in landing.ALL_TABLES.values():
            names = ", ".join(f'"{n}"' for n in (
                "cluster", *table.columns, "_row_flags", "_deleted_at", "_delete_reason"))
            found[table.name] = self.con.execute(
                f"select {names} from landing.airflow_db__{table.name} order by all").fetchall()
        return found
