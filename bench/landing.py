"""Figures of the landing: rows per CPU-second, memory, an increment, the peer."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import source
from bench.measuring import Figure, cpu_seconds, figure, in_own_process, peak_bytes
from ingest import door, gate, landing
from ingest.archive import Archive
from tests.databases import mariadb, mariadb_installed, postgresql
from windsock.warehouse import Layout, open_build

ROWS = 3_000_000
SMALL_ROWS = 1_000_000  # the engines that a first landing of years is rare on
CHANGED_ROWS = 10_000
PEER_ROWS = 500_000
COLUMNS = 30  # of task_instance that 2.10.5 has and we copy; with stamps 44 are landed


def land_everything(url: str) -> Figure:
    """Land a whole database: archive, gate and landing tables included."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        archive = Archive(str(layout.root / "archive"))
        gate.warm()  # imported once a process, whatever the number of rows
        con = open_build(layout)
        loading = _time_of_loading()
        began, began_cpu = time.monotonic(), cpu_seconds()
        outcomes = landing.land_clusters(con, archive, layout, [landing.Cluster("bench", url)])
        con.execute("checkpoint")
        cpu, wall = cpu_seconds() - began_cpu, time.monotonic() - began
        con.close()
        if outcomes[0].error:
            raise outcomes[0].error
        batches = [b for m in outcomes[0].loads for b in m.batches]
        return {
            "rows": sum(b.row_count for b in batches),
            "cpu": cpu,
            "loading": loading[0],
            "wall": wall,
            "peak": peak_bytes(),
            "archive_bytes": sum(b.byte_count for b in batches),
            "warehouse_bytes": layout.build_file.stat().st_size,
        }


def _time_of_loading() -> list[float]:
    """CPU seconds spent in bringing archived batches into DuckDB, told apart from the rest."""
    spent = [0.0]
    apply_load = door.apply_load

    def timed(*arguments: Any) -> None:
        began = cpu_seconds()
        apply_load(*arguments)
        spent[0] += cpu_seconds() - began

    door.apply_load = timed
    return spent


def dlt_everything(url: str, table: str) -> Figure:
    """The peer: dlt's sql_database with the pyarrow backend, one table to Parquet files."""
    import dlt
    from dlt.sources.sql_database import sql_table

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "peer",
            pipelines_dir=folder,
            dataset_name="peer",
            destination=dlt.destinations.filesystem(f"file://{folder}/out"),
        )
        resource = sql_table(
            credentials=url,
            table=table,
            backend="pyarrow",
            chunk_size=50_000,
            included_columns=list(source.TASK_COLUMNS),
        )
        began = cpu_seconds()
        pipeline.run(resource, loader_file_format="parquet")
        cpu = cpu_seconds() - began
        rows = pipeline.last_trace.last_normalize_info.row_counts[table]
        return {"rows": rows, "cpu": cpu, "peak": peak_bytes()}


def postgres() -> Iterator[Figure]:
    """PostgreSQL: 3 million task instances, the peer in the same run, and an increment."""
    with postgresql("shared_buffers=512MB", "max_wal_size=8GB") as server:
        source.fill(server, ROWS)
        done = in_own_process(land_everything, server.url())
        yield from _figures("postgres", done, 150_000)
        yield from _increment(server.url(), lambda: source.change(server, CHANGED_ROWS, cycle=1))
    with postgresql("shared_buffers=512MB", "max_wal_size=8GB") as server:
        source.fill(server, PEER_ROWS)
        peer = in_own_process(
            dlt_everything,
            server.url().replace("postgresql:", "postgresql+psycopg2:"),
            "task_instance",
        )
        yield figure(
            "postgres_dlt_rows_per_cpu_second",
            peer["rows"] / peer["cpu"],
            "rows/s",
            "peer",
            peer["rows"],
        )
        yield figure(
            "postgres_times_dlt",
            (done["rows"] / done["cpu"]) / (peer["rows"] / peer["cpu"]),
            "x",
            ">= 5",
        )


def sqlite() -> Iterator[Figure]:
    """SQLite: a million task instances."""
    with tempfile.TemporaryDirectory() as folder:
        url = source.fill_sqlite(Path(folder) / "airflow.db", SMALL_ROWS)
        yield from _figures("sqlite", in_own_process(land_everything, url), 70_000)


def maria() -> Iterator[Figure]:
    """MariaDB: a million task instances; nothing where it is not installed."""
    if not mariadb_installed():
        yield {
            "figure": "mariadb_rows_per_cpu_second",
            "value": None,
            "reason": "mariadb-server is not installed",
        }
        return
    with mariadb("--innodb-buffer-pool-size=1G") as server:
        source.fill(server, SMALL_ROWS)
        yield from _figures("mariadb", in_own_process(land_everything, server.url()), 100_000)


def _figures(name: str, done: Figure, goal: int) -> Iterator[Figure]:
    yield figure(
        f"{name}_rows_per_cpu_second",
        done["rows"] / done["cpu"],
        "rows/s",
        f">= {goal}",
        done["rows"],
        wall_seconds=round(done["wall"], 1),
        columns=COLUMNS,
    )
    yield figure(
        f"{name}_rows_per_cpu_second_to_the_archive",
        done["rows"] / (done["cpu"] - done["loading"]),
        "rows/s",
        "read, gate and archive alone, without loading DuckDB",
        done["rows"],
    )
    yield figure(f"{name}_peak_memory", done["peak"] / 2**20, "MiB", "< 1024", done["rows"])
    yield figure(
        f"{name}_archive_size",
        done["archive_bytes"] / done["rows"],
        "bytes/row",
        "< 60",
        done["rows"],
    )


def _increment(url: str, change: Callable[[], None]) -> Iterator[Figure]:
    """10,000 changed rows on a landed history, in a warm process."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        archive = Archive(str(layout.root / "archive"))
        clusters = [landing.Cluster("bench", url)]
        gate.warm()
        con = open_build(layout)
        landing.land_clusters(con, archive, layout, clusters)
        landing.land_clusters(con, archive, layout, clusters)
        change()
        began = time.monotonic()
        outcomes = landing.land_clusters(con, archive, layout, clusters)
        seconds = time.monotonic() - began
        rows = sum(b.row_count for m in outcomes[0].loads for b in m.batches)
        con.close()
        yield figure("postgres_increment_seconds", seconds, "s", "< 3", rows)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {
    "postgres": postgres,
    "sqlite": sqlite,
    "mariadb": maria,
}
