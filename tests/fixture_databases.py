"""The databases that real Airflow releases wrote, unpacked, loaded, read plainly and landed.

    fixture (*.db.xz, *.sql.xz)  ->  plain read (sqlite3, psql, pymysql)  ->  expected rows
                                 ->  land_clusters                        ->  landed rows

`expected` says again, in its own words and over Python values, what a landing may do to a row, so
that the two can be compared.
"""

import atexit
import functools
import json
import lzma
import re
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingest.archive import Archive, Manifest
from ingest.contracts import Table
from ingest.landing import ALL_TABLES, Cluster, Outcome, Settings, land_clusters
from tests.databases import Server
from windsock.masking import mask_conf_json, mask_url
from windsock.warehouse import Layout, open_build

FIXTURES = Path(__file__).parent / "fixtures" / "airflow"
SQLITE = sorted(FIXTURES.glob("*/*.db.xz"))
MARIADB = sorted(FIXTURES.glob("*/mariadb.sql.xz"))
POSTGRESQL = sorted(set(FIXTURES.glob("*/*.sql.xz")) - set(MARIADB))
UPGRADED = FIXTURES / "upgraded-2.10.5-to-3.1.8"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # "now" of these frozen copies: after all was written
SECRETS = ("PLANTED-", "hunter2", "SUPERSECRETPW", "VALSECRET", "s3cr3t-pa55w0rd")
MISSING_RUN = "missing_dag_run__"

Row = dict[str, Any]
Plain = dict[str, list[Row]]


# --- fixtures ----------------------------------------------------------------------------------

def name_of(path: Path) -> str:
    """`2.10.5/postgres.sql`, as a test's id."""
    return f"{path.parent.name}/{path.name.removesuffix('.xz')}"


def fixture(name: str) -> Path:
    """The file of a name such as `2.10.5/airflow.db`."""
    return FIXTURES / f"{name}.xz"


def head_of(path: Path) -> str:
    """The Alembic head, as `counts.json` tells it."""
    counts = json.loads((path.parent / "counts.json").read_text())[path.name.removesuffix(".xz")]
    return str(next(iter(counts["alembic"].values())))


@functools.cache
def content(path: Path) -> bytes:
    """What the fixture holds, unpacked."""
    return lzma.decompress(path.read_bytes())


def unpack(path: Path, folder: Path, *changes: str) -> Path:
    """A SQLite fixture as a file of its own, with some SQL run on it."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "airflow.db"
    database.write_bytes(content(path))
    edit(database, *changes)
    return database


def edit(database: Path, *changes: str) -> None:
    """Run SQL on a SQLite file, unchecked: as a sloppy migration or a person would."""
    if changes:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("pragma writable_schema = on")
            for sql in changes:
                connection.execute(sql)


def ask(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a SQLite file."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def load_postgresql(server: Server, path: Path) -> str:
    """Load a dump into a database of its own, once a server; its name."""
    database = "d" + re.sub(r"\W", "_", name_of(path))
    if database in server.execute("select datname from pg_database", "postgres").split():
        return database
    server.execute(f"create database {database}", "postgres")
    server.execute(
        "do $$ begin if not exists (select from pg_roles where rolname = 'airflow') then "
        "create role airflow; end if; end $$", "postgres")
    # Only `db migrate` of 2.x to 3.x needs the extension; no column of the result does.
    dump = re.sub(r"^(CREATE|COMMENT ON) EXTENSION .*$", "", content(path).decode(), flags=re.M)
    server.execute(dump, database)
    return database


# --- plain reads -------------------------------------------------------------------------------

def plain_sqlite(database: Path) -> Plain:
    """Every row of every allow-listed table, through sqlite3 alone."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        names = [r[0] for r in connection.execute(
            "select name from sqlite_master where type = 'table'")]
        return {name: [dict(r) for r in connection.execute(f'select * from "{name}"')]
                for name in names if name in ALL_TABLES}


def plain_postgresql(server: Server, database: str) -> Plain:
    """Every row of every allow-listed table, as the server's own JSON through psql."""
    names = server.execute(
        "select tablename from pg_tables where schemaname = 'public' order by 1",
        database).split()
    found: Plain = {}
    for name in names:
        if name in ALL_TABLES:
            text = server.execute(
                f'set timezone = \'UTC\'; select row_to_json(t) from "{name}" t', database)
            found[name] = [json.loads(line) for line in text.splitlines()]
    return found


# --- what a landing may do to a row ------------------------------------------------------------

SKIPPED_EVENTS = {"cli_run", "cli_task_run"}
SAFE_EXTRAS = ("is_paused", "state", "new_state", "method", "only_failed", "dry_run")
NOTES = {"dag_run_note", "task_instance_note"}
MASKED_URLS = {
    ("dataset", "uri"), ("asset", "uri"), ("asset_active", "uri"),
    ("dag_schedule_asset_uri_reference", "uri"), ("dag_owner_attributes", "link"),
    ("dag", "dataset_expression"), ("dag", "asset_expression"), ("import_error", "stacktrace"),
}
UUIDS = {"dag_version_id", "created_dag_version_id", "task_instance_id", "ti_id",
         "deadline_alert_id"}
THROUGH_RUN_ID = ("dag_run_id", "dagrun_id")


def expected(plain: Plain, name: str) -> list[Row]:
    """The rows of one table as they must be landed; instants in UTC without a zone."""
    table = ALL_TABLES[name]
    rows = [_with_ids(plain, table, row) for row in plain[name]]
    is_three = "logical_date" in next(iter(plain["dag_run"]), {})
    return [{column: _value(table, column, kind, row, is_three=is_three)
             for column, kind in table.columns.items()}
            for row in rows if row is not None and _is_copied(name, row)]


def _with_ids(plain: Plain, table: Table, row: Row) -> Row | None:
    """A row of a run with the ids that another table holds; None: it belongs to no run."""
    if table.strategy != "run":
        return row
    row = dict(row)
    if "ti_id" in row and "dag_id" not in row:
        instance = _index(plain, "task_instance", ("id",)).get((_uuid(row["ti_id"]),))
        if instance is None:
            return None
        row |= {k: instance[k] for k in ("dag_id", "run_id", "task_id", "map_index")}
        if "try_number" in table.columns:
            row["try_number"] = instance["try_number"]
    if "map_index" in table.columns:
        row.setdefault("map_index", -1)
    if table.name == "dag_run":
        return row
    if "run_id" in row:
        run = _index(plain, "dag_run", ("dag_id", "run_id")).get((row["dag_id"], row["run_id"]))
    elif "execution_date" in row:
        run = _index(plain, "dag_run", ("dag_id", "execution_date")).get(
            (row["dag_id"], row["execution_date"]))
        if run is None and table.name == "task_instance":
            at = _instant(row["execution_date"])
            return row | {"run_id": f"{MISSING_RUN}{at.isoformat()}+00:00"}
    else:
        number = next(row[c] for c in THROUGH_RUN_ID if c in row)
        run = _index(plain, "dag_run", ("id",)).get((number,))
    return None if run is None else row | {"dag_id": run["dag_id"], "run_id": run["run_id"]}


def _index(plain: Plain, name: str, key: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    return {tuple(_uuid(r[c]) for c in key): r for r in plain[name]}


def _is_copied(name: str, row: Row) -> bool:
    if name == "log":
        return row["event"] not in SKIPPED_EVENTS
    if name == "job":
        return row["job_type"] != "LocalTaskJob" or row["state"] != "success"
    return name not in NOTES


def _value(table: Table, column: str, kind: str, row: Row, *, is_three: bool) -> Any:
    special = _special(table.name, column, row, is_three=is_three)
    if special is not _ORDINARY:
        return special
    value = row.get(column)
    if value is None:
        # Before 2.3 nothing was mapped: every table that has the column now says so.
        return -1 if column == "map_index" and column not in row else None
    if (table.name, column) in MASKED_URLS:
        return mask_url(_text(value))
    if column in UUIDS or (column == "id" and kind == "text"):
        return _uuid(value) if is_three else str(value)
    converters: dict[str, Callable[[Any], Any]] = {
        "instant": _instant, "bool": bool, "int": int, "float": float, "text": _text}
    return converters[kind](value)


_ORDINARY = object()


def _special(name: str, column: str, row: Row, *, is_three: bool) -> Any:
    match name, column:
        case "dag_run", "conf":     # a pickle before 3.x
            conf = row["conf"]
            return None if not is_three or conf is None else mask_conf_json(_text(conf))
        case "log", "extra":
            return _safe_extra(row["extra"])
        case "dag_warning", "message":
            return row["message"] if row["warning_type"] == "non-existent pool" else None
        case "import_error", "bundle_name":
            return row.get("bundle_name") or ""
        case "serialized_dag", "dag_version_id":
            return _uuid(row.get("dag_version_id") or "")
        case "serialized_dag", "dag_hash":
            return row.get("dag_hash") or ""
        case "dag_code", "code_key":
            return str(row["id"]) if "id" in row else row["fileloc"]
        case "dag_code", "source_hash":
            return row.get("source_code_hash")
        case "dag_code", "source_code":
            return None
        case "task_instance_history", "id":
            return row["id"] if isinstance(row.get("id"), int) else None
        case _:
            return _ORDINARY


def _safe_extra(text: str | None) -> str | None:
    try:
        extra = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(extra, dict):
        return None
    kept = {k: extra[k] for k in SAFE_EXTRAS
            if isinstance(extra.get(k), bool)
            or (isinstance(extra.get(k), str) and re.fullmatch(r"\w{1,40}", extra[k], re.ASCII))}
    return json.dumps(kept, sort_keys=True) if kept else None


def _instant(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _uuid(value: Any) -> Any:
    """A uuid with dashes, whichever form SQLite holds; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F-]{32,36}", value):
        return str(uuid.UUID(value))
    return value


# --- landing -----------------------------------------------------------------------------------

@dataclass
class Place:
    """A warehouse of a test: its build file, its archive, its folders."""

    folder: Path
    con: duckdb.DuckDBPyConnection
    archive: Archive
    layout: Layout

    def land(self, url: str, name: str = "prod", *, now: datetime = NOW,
             settings: Settings | None = None, **options: Any) -> Outcome:
        """Land one cluster; an error is raised."""
        outcome = self.try_to_land(Cluster(name, url, as_of=now), settings=settings, **options)[0]
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def try_to_land(self, *clusters: Cluster, settings: Settings | None = None,
                    **options: Any) -> list[Outcome]:
        """Land some clusters; errors stay in the outcomes."""
        return land_clusters(self.con, self.archive, self.layout, list(clusters), settings,
                             **options)

    def rows(self, table: str, columns: str = "*", where: str = "true",
             order: str = "all") -> list[Row]:
        """Landed rows of a table of the source, as dictionaries."""
        return self.query(
            f'select {columns} from landing."airflow_db__{table}" where {where} order by {order}')

    def query(self, sql: str) -> list[Row]:
        """Rows of any select."""
        cursor = self.con.execute(sql)
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, sql: str) -> Any:
        """The one value of a select."""
        [(value,)] = self.con.execute(sql).fetchall()
        return value

    def fingerprint(self) -> dict[str, Any]:
        """Everything that a failed landing must leave as it was."""
        tables = [r["table_name"] for r in self.query(
            "select table_name from duckdb_tables() where schema_name = 'landing' "
            "and table_name <> 'failed_loads' order by 1")]
        hashes = {t: self.con.execute(
            f'select count(*), bit_xor(hash(t)) from landing."{t}" as t').fetchall()
            for t in tables}
        files = {p: len(self.archive.get(p)) for p in self.archive.paths()}
        return {"tables": hashes, "files": files, "quarantine": self.quarantined()}

    def quarantined(self) -> list[str]:
        """Files of the quarantine."""
        folder = self.layout.quarantine
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

    def reopen(self) -> None:
        """Close the build file and open it again, as the next process would."""
        self.con.close()
        self.con = open_build(self.layout)


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """An empty warehouse."""
    layout = Layout(folder / "var")
    here = Place(folder, open_build(layout), Archive(str(folder / "archive")), layout)
    try:
        yield here
    finally:
        here.con.close()


def landed_count(loads: Iterable[Manifest]) -> dict[str, int]:
    """Table -> how many rows some loads brought."""
    counts: dict[str, int] = {}
    for load in loads:
        for batch in load.batches:
            counts[batch.table] = counts.get(batch.table, 0) + batch.row_count
    return counts


@dataclass
class Landed:
    """A fixture, its plain rows, and the warehouse that it was landed in."""

    database: Path
    plain: Plain
    place: Place
    outcome: Outcome


@functools.cache
def landed(path: Path) -> Landed:
    """A SQLite fixture landed once for all the tests of this process that only look."""
    folder = Path(tempfile.mkdtemp(prefix="wsk-landed-"))
    database = unpack(path, folder)
    opened = place(folder)
    here = opened.__enter__()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(opened.__exit__, None, None, None)
    return Landed(database, plain_sqlite(database), here, here.land(f"sqlite:///{database}"))


def compare(plain: Plain, here: Place, table: str, cluster: str = "prod") -> None:
    """Assert that a table is landed exactly: row for row, value for value."""
    key = ALL_TABLES[table].key
    columns = ", ".join(f'"{c}"' for c in ALL_TABLES[table].columns)
    found = {tuple(r[k] for k in key): r for r in here.rows(
        table, columns, f"cluster = '{cluster}' and _deleted_at is null")}
    wanted = {tuple(r[k] for k in key): r for r in expected(plain, table)}
    assert set(found) == set(wanted), f"{table}: {sorted(set(found) ^ set(wanted))[:5]}"
    for identity, row in wanted.items():
        here_, there = _comparable(found[identity]), _comparable(row)
        differing = {c: (here_[c], there[c]) for c in there if here_[c] != there[c]}
        assert not differing, f"{table} {identity}: (landed, source) {differing}"
    count = here.one(f'select count(*) from landing."airflow_db__{table}" '
                     f"where cluster = '{cluster}' and _deleted_at is null")
    assert count == len(wanted), f"{table}: {count} rows for {len(wanted)} keys"


def _comparable(row: Row) -> Row:
    """JSON without regard to blanks and order of keys; the rest as it is."""
    return {k: _parsed(v) if k in ("conf", "asset_expression", "dataset_expression",
                                   "allowed_run_types") else v for k, v in row.items()}


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def quiet_settings(**values: Any) -> Settings:
    """Settings with some values changed."""
    return replace(Settings(), **values)
