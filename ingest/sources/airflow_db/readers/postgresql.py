"""Read PostgreSQL through ADBC's binary COPY stream, in one repeatable-read transaction.

    BEGIN … READ ONLY ─► SET LOCAL … ─► per stream: SAVEPOINT ─► COPY (…) TO STDOUT ─► Arrow

Every setting is local to the transaction, so a pooler in transaction mode may sit in between.
"""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal, Self

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions

from ingest.sources.airflow_db.readers.address import Address
from ingest.sources.airflow_db.readers.batches import batch_of, regroup
from ingest.sources.airflow_db.readers.interface import ReadLimits, Row
from ingest.sources.airflow_db.readers.postgresql_failures import postgres_failure, table_rewritten
from ingest.sources.airflow_db.readers.postgresql_types import Column, plan_column
from ingest.sources.airflow_db.readers.postgresql_url import conninfo
from windsock.errors import SourceAccessError, SourceError

BATCH_BYTES_HINT = 4 * 1024 * 1024
SCHEMA = "quote_ident(current_schema())::regnamespace"
ORDINARY = f"c.relkind in ('r', 'p') and c.relnamespace = {SCHEMA}"
COLUMNS = f"""
    select c.relname::text, a.attname::text, lower(format_type(a.atttypid, a.atttypmod))
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where {ORDINARY} and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(c.oid, a.attnum, 'select')
    order by c.relname, a.attnum
"""
ROW_ESTIMATE = f"""
    with recursive parts as (
        select c.oid, c.reltuples from pg_class c where {ORDINARY} and c.relname = '<table>'
        union all
        select c.oid, c.reltuples from pg_inherits i
        join parts p on p.oid = i.inhparent join pg_class c on c.oid = i.inhrelid
    )
    select max(reltuples)::float8, sum(greatest(reltuples, 0))::float8 from parts
"""
FILENODES = f"""
    select c.oid::bigint, pg_relation_filenode(c.oid)::bigint from pg_class c
    where {ORDINARY} order by 1
"""
FAILURES = (adbc_driver_manager.Error, pa.ArrowException, OSError)


class PostgresReader:
    """A reader of one PostgreSQL database over one connection; see `interface.Reader`."""

    dialect: Literal["sqlite", "postgresql", "mysql"] = "postgresql"

    def __init__(self, address: Address, limits: ReadLimits) -> None:
        self._address = address
        self._streaming = False
        self._connection: Any = None
        try:
            self._connection = adbc.connect(conninfo(address, limits), autocommit=True)
            self._begin(limits)
        except FAILURES as error:
            self.close()
            raise postgres_failure(error, address) from None
        except BaseException:
            self.close()
            raise

    def _begin(self, limits: ReadLimits) -> None:
        self._run("begin isolation level repeatable read read only")
        settings = {
            "timezone": "UTC",
            "statement_timeout": f"{limits.statement_seconds:.3f}s",
            "lock_timeout": f"{limits.busy_seconds:.3f}s",
            "idle_in_transaction_session_timeout": f"{limits.idle_seconds:.3f}s",
        }
        for name, value in settings.items():
            self._run(f"set local {name} = '{value}'")
        now, encoding = self._fetch("select now(), current_setting('server_encoding')")[0]
        self._clock: datetime = now.astimezone(UTC)
        self._unchecked_text = encoding == "SQL_ASCII"
        if self._unchecked_text:  # or the server refuses every byte that is not UTF-8
            self._run("set local client_encoding = 'SQL_ASCII'")
        self._filenodes = self._read_filenodes()

    def clock(self) -> datetime:
        """The server's clock at the BEGIN; the snapshot is a moment younger."""
        return self._clock

    def replication_lag_seconds(self) -> float | None:
        """0 when all that was received is replayed; None on a primary."""
        sql = (
            "select case when not pg_is_in_recovery() then null"
            " when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0"
            " else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())"
            " end::double precision"
        )
        try:
            lag = self.rows(sql)[0][0]
        except SourceError:
            return None  # a fork without these functions does not tell
        return None if lag is None else max(float(lag), 0.0)

    def columns(self) -> dict[str, dict[str, str]]:
        """Table → column → type as PostgreSQL formats it, such as `character varying(250)`.

        Columns that the role may not select are left out, as MySQL's own catalog does.
        """
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self.rows(COLUMNS):
            found.setdefault(table, {})[column] = kind
        if not found:
            self._refuse_no_grants()
        return found

    def _refuse_no_grants(self) -> None:
        """Tell a role that may read nothing from a database that is empty."""
        count = self.rows(f"select count(*) from pg_class c where {ORDINARY}")[0][0]
        if count:
            raise SourceAccessError(
                f"{self._address.label}: the role may not read any of {count} tables.",
                expected="select on what Windsock reads",
                next_step="run what `windsock grants` prints as the database's administrator",
            )

    def quote(self, identifier: str) -> str:
        """The identifier in double quotes."""
        return '"' + identifier.replace('"', '""') + '"'

    def rows(self, sql: str) -> list[Row]:
        """The rows of a small result; instants are aware UTC, numerics are `Decimal`."""
        try:
            with self._savepoint():
                return self._fetch(sql)
        except FAILURES as error:
            raise postgres_failure(error, self._address) from None

    def stream(
        self, sql: str, schema: pa.Schema, *, batch_rows: int = 65_536
    ) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a select as typed batches; see `interface.Reader.stream`."""
        pieces = self._pieces(sql, schema)
        with closing(pieces):
            yield from regroup(pieces, batch_rows)

    def _pieces(self, sql: str, schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        try:
            with self._savepoint():
                self._streaming = True
                plan = self._plan(sql, schema)
                select = ", ".join(column.sql for column in plan)
                yield from self._copy(f"select {select} from ({sql}) as q", plan, schema)
                if self._read_filenodes() != self._filenodes:
                    raise table_rewritten(self._address)
        except FAILURES as error:
            raise postgres_failure(error, self._address) from None
        finally:
            self._streaming = False

    def _plan(self, sql: str, schema: pa.Schema) -> list[Column]:
        with closing(self._open().cursor()) as cursor:
            found = cursor.adbc_execute_schema(f"select q.* from ({sql}) as q")
        return [plan_column(field, found, self.quote, self._unchecked_text) for field in schema]

    def _copy(
        self, sql: str, plan: list[Column], schema: pa.Schema
    ) -> Generator[pa.RecordBatch, None, None]:
        with closing(self._open().cursor()) as cursor:
            hint = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES_HINT)}
            cursor.adbc_statement.set_options(**hint)
            cursor.execute(sql)
            done = False
            with closing(cursor.fetch_record_batch()) as reader:
                try:
                    for batch in reader:
                        if batch.num_rows:
                            arrays = [
                                c.convert(a) for c, a in zip(plan, batch.columns, strict=True)
                            ]
                            yield batch_of(arrays, schema)
                    done = True
                finally:
                    if not done:  # or closing would read the rest of the result
                        with suppress(adbc_driver_manager.Error):
                            self._connection.adbc_cancel()

    def database_size_bytes(self) -> int | None:
        """What `pg_database_size` says."""
        try:
            return int(self.rows("select pg_database_size(current_database())")[0][0])
        except SourceError:
            return None  # the role may not connect, or a fork has no such function

    def row_estimate(self, table: str) -> int | None:
        """The count of the last VACUUM or ANALYZE; of a partitioned table its partitions' sum."""
        sql = ROW_ESTIMATE.replace("<table>", table.replace("'", "''"))
        largest, total = self.rows(sql)[0]
        return None if largest is None or largest < 0 else int(total)

    def close(self) -> None:
        """End the transaction and the connection; can be repeated."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(adbc_driver_manager.Error, OSError):
                connection.close()

    def _read_filenodes(self) -> list[Row]:
        # The function sees what is committed now, the snapshot does not: a table that was
        # rewritten or truncated after the snapshot would otherwise read as empty, in silence.
        return self._fetch(FILENODES)

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        """Keep the transaction, and with it the snapshot, when a statement in it fails."""
        if self._streaming:
            raise SourceError(
                "A stream of this reader is still open.", next_step="finish or close it first"
            )
        self._run("savepoint windsock")
        try:
            yield
        except BaseException:
            with suppress(*FAILURES):
                self._run("rollback to savepoint windsock")
            raise
        self._run("release savepoint windsock")

    def _run(self, sql: str) -> None:
        with closing(self._open().cursor()) as cursor:
            cursor.execute(sql)

    def _fetch(self, sql: str) -> list[Row]:
        with closing(self._open().cursor()) as cursor:
            # Without COPY, which only takes plain queries and would refuse SHOW.
            cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
        columns = [_values(table.column(i), table.field(i)) for i in range(table.num_columns)]
        return list(zip(*columns, strict=True))

    def _open(self) -> Any:
        if self._connection is None:
            raise SourceError("The reader is closed.", next_step="open it again")
        return self._connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _values(column: pa.ChunkedArray, field: pa.Field) -> list[Any]:
    if pa.types.is_timestamp(field.type):
        column = column.cast(pa.timestamp("us", tz="UTC"))
    values: list[Any] = column.to_pylist()
    if (field.metadata or {}).get(b"ADBC:postgresql:typname") == b"numeric":
        return [None if value is None else Decimal(value) for value in values]
    return values
