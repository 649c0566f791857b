"""Read-only, consistent, typed streams out of an Airflow metadata database.

    with open_reader(metadata_url, scratch=folder) as reader:
        for batch in reader.stream("select dag_id, state from dag_run", schema):
            ...

SQLite is read from a private copy; PostgreSQL and MySQL or MariaDB inside one read-only
transaction of one snapshot. The drivers are imported by the first reader that needs them.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ingest.sources.airflow_db.readers.address import parse_address
from ingest.sources.airflow_db.readers.interface import Reader, ReadLimits, Row
from windsock import clock

__all__ = ["ReadLimits", "Reader", "Row", "open_reader"]


def open_reader(
    metadata_url: str,
    *,
    limits: ReadLimits | None = None,
    scratch: Path,
    now: Callable[[], datetime] = clock.now,
) -> Reader:
    """Connect to a metadata database and begin one consistent read of it.

    Args:
        metadata_url: as SQLAlchemy and Airflow's configuration write it.
        limits: how long to wait for what.
        scratch: a private folder for a SQLite file's copy; it may contain secrets.
        now: the machine's clock, which is the only one that a SQLite file has.

    Raises:
        ConfigError: the URL cannot be read.
        SourceError: the database cannot; one class per reason, never with a password.
    """
    address = parse_address(metadata_url)
    limits = limits or ReadLimits()
    if address.dialect == "sqlite":
        from ingest.sources.airflow_db.readers.sqlite import SqliteReader

        return SqliteReader(address, limits, scratch, now)
    if address.dialect == "postgresql":
        from ingest.sources.airflow_db.readers.postgresql import PostgresReader

        return PostgresReader(address, limits)
    from ingest.sources.airflow_db.readers.mysql import MysqlReader

    return MysqlReader(address, limits)
