"""One warehouse of what eleven real databases hold, landed and built once for all tests.

    bundled sample (2.11.0, 3.3.2) + tests/fixtures/airflow  ->  land_clusters  ->  Builder.build

A test module imports the fixture and opens the build file for reading:

    from tests.corpus_warehouse import corpus_warehouse, reading

    def test_something(corpus_warehouse: Path) -> None:
        with reading(corpus_warehouse) as con: ...

The clusters, and the instant of each copy, are in `CLUSTERS`. With pytest-xdist the first worker
makes the warehouse and the others wait for its lock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from ingest import sample
from ingest.archive import Archive
from ingest.landing import Cluster, land_clusters, prepare
from tests.databases import postgresql
from tests.fixture_databases import NOW, fixture, load_postgresql, unpack
from windsock.build import Builder
from windsock.warehouse import Layout, open_build

# 1.10.15's copy: just after the last heartbeat of its scheduler, as for the sample.
AS_OF_1 = datetime.fromisoformat("2026-11-22T07:01:06+00:00")
SAMPLE = {sample.CLUSTER_2: sample.AS_OF_2, sample.CLUSTER_3: sample.AS_OF_3}
SQLITE = {
    "airflow-1-10": ("1.10.15/airflow.db", AS_OF_1),
    "airflow-2-0": ("2.0.2/airflow.db", NOW),
    "airflow-2-2": ("2.2.5/airflow.db", NOW),
    "airflow-2-4": ("2.4.3/airflow.db", NOW),
    "airflow-2-10": ("2.10.5/airflow.db", NOW),
    "airflow-3-0": ("3.0.6/airflow.db", NOW),
    "airflow-3-1": ("3.1.8/airflow.db", NOW),
    "upgraded-sqlite": ("upgraded-2.10.5-to-3.1.8/after.db", NOW),
}
POSTGRESQL = {"upgraded": ("upgraded-2.10.5-to-3.1.8/after.sql", NOW)}
CLUSTERS: dict[str, datetime] = SAMPLE | {
    name: as_of for name, (_, as_of) in (SQLITE | POSTGRESQL).items()
}


@pytest.fixture(scope="session")
def corpus_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build file of a warehouse that holds `CLUSTERS`, every model made."""
    # Under xdist a worker's folder lies in the folder that all workers share.
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return made_once(shared / "corpus-warehouse")


def made_once(root: Path) -> Path:
    """Make the warehouse in a folder, or wait until another process has made it."""
    layout = Layout(root)
    root.mkdir(exist_ok=True)
    with (root / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, failed = root / "done", root / "failed"
        assert not failed.exists(), f"another process could not make it: {failed.read_text()}"
        if not done.exists():
            try:
                land(layout)
                build(layout)
            except BaseException as error:
                failed.write_text(repr(error))
                raise
            done.touch()
    return layout.build_file


def land(layout: Layout) -> None:
    """Land every cluster into an empty warehouse."""
    archive = Archive(str(layout.root / "archive"))
    sample.unpack_archive(archive)
    sources = layout.root / "sources"
    clusters = [
        Cluster(name, f"sqlite:///{unpack(fixture(path), sources / name)}", as_of)
        for name, (path, as_of) in SQLITE.items()
    ]
    con = open_build(layout)
    prepare(con)
    with ExitStack() as stack:
        stack.callback(con.close)
        server = stack.enter_context(postgresql())
        clusters += [
            Cluster(name, server.url(load_postgresql(server, fixture(path))), as_of)
            for name, (path, as_of) in POSTGRESQL.items()
        ]
        # The sample's 3.3.2 comes from its archive, its 2.11.0 from its database.
        for some in (stack.enter_context(sample.clusters(con)), clusters):
            for outcome in land_clusters(con, archive, layout, some):
                if outcome.error is not None:
                    raise outcome.error


def build(layout: Layout) -> None:
    """Make every model."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WINDSOCK_BUILD_FILE", "WINDSOCK_MEMORY_LIMIT"):
            patch.setenv(name, "")      # the builder sets them: put back what was there
        Builder(layout, memory_limit="1GB").build()


@contextmanager
def reading(build_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for reading; any number of processes may do so at once."""
    con = duckdb.connect(str(build_file), read_only=True)
    try:
        con.execute("set timezone = 'UTC'; set search_path = 'marts'")
        yield con
    finally:
        con.close()
