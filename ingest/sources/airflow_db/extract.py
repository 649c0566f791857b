"""Reads what a plan asks for, out of one consistent view of an Airflow database.

    Session (reader + what it is)  ->  read_runs / read_whole / read_appended / …  ->  Arrow tables

Everything that leaves has the columns of the contract, instants in UTC without a zone, and has
been masked. A column that could not be converted stays a string: the gate sees it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ingest.contracts import ARROW_TYPES, Table
from ingest.sources.airflow_db import queries, transform
from ingest.sources.airflow_db.readers import Reader
from ingest.sources.airflow_db.recognise import Recognised, recognise
from ingest.sources.airflow_db.source import Source
from ingest.sources.airflow_db.tables import TABLES
from windsock.masking import mask_text

_HASH = re.compile(r"[0-9a-fA-F]{1,64}")
_BODIES_AT_ONCE = 200
MISSING_RUN = "missing_dag_run__"


@dataclass(frozen=True)
class Options:
    """What a company has chosen about copying.

    Attributes:
        secret_names: key names masked in `conf` beside the built-in ones.
        notes: land the notes that people wrote.
        source_code: land the source code of DAG files.
    """

    secret_names: tuple[str, ...] = ()
    notes: bool = False
    source_code: bool = False


@dataclass
class Session:
    """One consistent view of one cluster's database, and what it turned out to be."""

    reader: Reader
    source: Source
    recognised: Recognised
    clock: datetime                 # naive UTC, the source's own
    options: Options = field(default_factory=Options)
    facts: dict[str, Any] = field(default_factory=dict)

    def tables(self, *strategies: str) -> list[Table]:
        """The allow-listed tables of these strategies that this database has."""
        return [t for t in TABLES.values()
                if t.strategy in strategies and queries.can_be_read(self.source, t)
                and (self.options.notes or not t.name.endswith("_note"))]


def open_session(reader: Reader, options: Options, *, as_of: datetime | None = None,
                 facts: dict[str, Any] | None = None) -> Session:
    """Recognise the database behind an open reader.

    Args:
        reader: inside its consistent read.
        options: see `Options`.
        as_of: "now" of a frozen copy, instead of the source's clock.
        facts: what the configuration says of the cluster; landed with every load.

    Raises:
        NotAirflowError, SourceMigratingError: see `recognise`.
    """
    columns = reader.columns()
    heads: list[str] = []
    if "alembic_version" in columns:
        heads = [str(row[0]) for row in reader.rows("select version_num from alembic_version")]
    recognised = recognise(columns, heads)
    clock = (as_of or reader.clock()).astimezone(UTC).replace(tzinfo=None)
    source = Source(reader.dialect, columns, reader.quote)
    skipped = [t.name for t in TABLES.values()
               if t.name in columns and not queries.can_be_read(source, t)]
    if skipped:
        warning = f"Without the columns of their key, so not landed: {', '.join(skipped)}."
        recognised = replace(recognised, warnings=(*recognised.warnings, warning))
    return Session(reader, source, recognised, clock, options, facts or {})


def read(session: Session, table: Table, where: str = "") -> pa.Table:
    """All rows of a table that satisfy a condition, in the contract's columns.

    Args:
        session: where to read.
        table: an allow-listed table that exists there.
        where: condition on `t`, and on `dr` for tables read with their runs.
    """
    present = queries.present_columns(session.source, table)
    schema = pa.schema([(name, _wire_type(kind)) for name, kind in present.items()])
    sql = queries.select_rows(session.source, table, where=where)
    return _finish(session, table, list(session.reader.stream(sql, schema)), schema)


def read_runs(session: Session, where: str) -> dict[str, pa.Table]:
    """Runs and everything that belongs to them.

    Args:
        session: where to read.
        where: condition on `dr`, from `queries.runs_in` or `queries.runs_between`.

    Returns:
        Table name -> its rows for exactly these runs.
    """
    return {table.name: read(session, table, where) for table in session.tables("run")}


def read_orphans(session: Session) -> pa.Table | None:
    """Instances without a DAG run (before 2.2 a command could make them); None where impossible.

    They get a run id of their own, `missing_dag_run__<execution_date>`, and a row flag.
    """
    if session.source.has("task_instance", "run_id"):
        return None
    table = TABLES["task_instance"]
    present = queries.present_columns(session.source, table)
    schema = pa.schema([(name, _wire_type(kind)) for name, kind in present.items()])
    names = ", ".join(
        "t.dag_id" if n == "dag_id" else "null as run_id" if n == "run_id"
        else "-1 as map_index" if n == "map_index" else f"t.{n}" for n in present)
    sql = (f"select {names} from task_instance t left join dag_run dr "
           "on dr.dag_id = t.dag_id and dr.execution_date = t.execution_date "
           "where dr.id is null")
    rows = _finish(session, table, list(session.reader.stream(sql, schema)), schema)
    run_ids = [None if at is None else f"{MISSING_RUN}{at.isoformat()}+00:00"
               for at in rows["execution_date"].to_pylist()]
    return rows.set_column(rows.column_names.index("run_id"), "run_id",
                           pa.array(run_ids, pa.string()))


def run_ids(session: Session, sql: str) -> list[int]:
    """Ids of DAG runs that a statement of `queries` selects, newest first."""
    return sorted({int(row[0]) for row in session.reader.rows(sql)}, reverse=True)


def read_structures(session: Session, wanted: Iterable[tuple[str, str, str]],
                    ) -> Iterator[dict[str, pa.Table]]:
    """Structure rows of serialized DAGs, some hundred bodies at a time.

    Args:
        session: where to read.
        wanted: (dag_id, dag_version_id, dag_hash) of the bodies that are not landed yet.

    Yields:
        Table name -> rows of the structure tables.
    """
    keys = set(wanted)
    hashes = sorted({h for _, _, h in keys if _HASH.fullmatch(h)})
    has_odd = any(not _HASH.fullmatch(h) for _, _, h in keys)
    conditions = [
        "t.dag_hash in (" + ", ".join(f"'{h}'" for h in hashes[i:i + _BODIES_AT_ONCE]) + ")"
        for i in range(0, len(hashes), _BODIES_AT_ONCE)
    ]
    if has_odd:
        conditions.append("1 = 1")
    for condition in conditions:
        bodies = transform.bodies_schema(session.source)
        sql = transform.select_bodies(session.source, condition)
        for batch in session.reader.stream(sql, bodies, batch_rows=_BODIES_AT_ONCE):
            yield transform.project_bodies(batch, keys)


def read_code(session: Session, since: datetime | None) -> pa.Table:
    """Texts of DAG files and their hashes, where a company has opted for it.

    Args:
        session: where to read.
        since: only files that were updated since; None: all.

    Returns:
        Columns code_key, source_hash (MD5, as Airflow 3 computes it), source_code (what looks like
        a secret masked).
    """
    table = TABLES["dag_code"]
    key = queries.select_rows(session.source, table).split(" as ", 1)[0].removeprefix("select ")
    where = f" where t.last_updated >= {session.source.instant(since)}" if since else ""
    sql = f"select {key} as code_key, t.source_code as source_code from dag_code t{where}"
    wire = pa.schema([("code_key", pa.string()), ("source_code", pa.string())])
    found: dict[str, list[str | None]] = {"code_key": [], "source_hash": [], "source_code": []}
    for batch in session.reader.stream(sql, wire, batch_rows=_BODIES_AT_ONCE):
        for name, text in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            found["code_key"].append(name)
            found["source_hash"].append(
                hashlib.md5((text or "").encode(), usedforsecurity=False).hexdigest())
            found["source_code"].append(mask_text(text or "", session.options.secret_names))
    return pa.table(found, pa.schema([(n, pa.string()) for n in found]))


def _wire_type(kind: str) -> pa.DataType:
    return pa.timestamp("us", tz="UTC") if kind == "instant" else ARROW_TYPES[kind]


def _finish(session: Session, table: Table, batches: list[pa.RecordBatch],
            schema: pa.Schema) -> pa.Table:
    """Batches as one table with the contract's columns, masked; odd columns stay strings."""
    count = sum(b.num_rows for b in batches)
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for name, kind in table.columns.items():
        if name not in schema.names:
            columns[name] = pa.nulls(count, ARROW_TYPES[kind])
            continue
        chunks = [b.column(b.schema.names.index(name)) for b in batches]
        columns[name] = _unified(chunks, _wire_type(kind), ARROW_TYPES[kind])
    rows = pa.table(columns) if columns else pa.table({})
    return transform.mask(table, rows, session.options.secret_names)


def _unified(chunks: list[pa.Array], wire: pa.DataType, landed: pa.DataType) -> pa.ChunkedArray:
    if any(chunk.type != wire for chunk in chunks):     # a value that could not be converted
        return pa.chunked_array([c.cast(pa.string()) for c in chunks], pa.string())
    return pa.chunked_array(chunks, wire).cast(landed)
