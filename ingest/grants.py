"""The least-privilege role for a source database, as SQL that an administrator runs.

    statements of queries.py  ->  columns that they name (`read_columns`)  ->  grants (`grants_sql`)

The columns are taken out of the statements themselves, so that a new query brings its own grants.
Alone: `python -c "from ingest.grants import grants_sql; print(grants_sql('mysql'))"`.
"""

import re
from collections.abc import Iterable, Iterator

from ingest.contracts import Table
from ingest.sources.airflow_db import queries, transform
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.source import Columns, Source
from ingest.sources.airflow_db.tables import TABLES

PASSWORD = "<set a password>"  # noqa: S105 - what the administrator replaces
CONNECTIONS = 5                # a landing has one, ending a statement of MySQL a second
TIMEOUT = "15min"              # a safety net: every read sets its own, shorter one

_NAMED = re.compile(r"""\b(t|dr|ti)\.[`"]?(\w+)[`"]?""")
# What joins and bodies need beyond the allow-list, in any release; queries.py decides what is used.
_BESIDE: Columns = {
    "serialized_dag": {"data": "json", "data_compressed": "bytea"},
    "dag_code": {"id": "text", "source_code_hash": "text"},
}
_JOINS = ("ti_id", "dagrun_id", "dag_run_id")
_OLD_JOINS = ("dag_id", "run_id", "execution_date")


def read_columns(present: Columns, options: Options | None = None,
                 dialect: str = "postgresql") -> dict[str, tuple[str, ...]]:
    """The columns that landing reads from a database, by table, in alphabetical order.

    Args:
        present: tables and columns that the database has, as `Reader.columns` gives them.
        options: what the company lands beside the default.
        dialect: of the database; the answer is the same for each.
    """
    source = Source(dialect, present, lambda name: f'"{name}"')
    wanted = options or Options()
    found: dict[str, set[str]] = {}
    tables = [t for t in TABLES.values() if t.name in present
              and (wanted.notes or not t.name.endswith("_note"))]
    for sql, alias in _statements(source, tables, wanted):
        for short, column in _NAMED.findall(sql):
            table = {"dr": "dag_run", "ti": "task_instance"}.get(short, alias)
            found.setdefault(table, set()).add(column)
    if "alembic_version" in present:
        found["alembic_version"] = {"version_num"}
    return {table: tuple(sorted(found[table])) for table in sorted(found)}


def every_column(options: Options | None = None) -> dict[str, tuple[str, ...]]:
    """The columns that landing reads from some release of Airflow."""
    found: dict[str, set[str]] = {}
    for present in _imagined_schemas():
        for table, columns in read_columns(present, options).items():
            found.setdefault(table, set()).update(columns)
    return {table: tuple(sorted(found[table])) for table in sorted(found)}


def _statements(source: Source, tables: list[Table],
                options: Options) -> Iterator[tuple[str, str]]:
    """Every statement of a landing, with the table that `t` stands for in it."""
    for table in tables:
        yield queries.select_rows(source, table), table.name
        if table.strategy == "run" and source.dialect != "sqlite":
            yield queries.digests(source, table, queries.runs_in([0])), table.name
    if source.has("serialized_dag", "data"):
        yield transform.select_bodies(source, "t.dag_hash = ''"
                                      if source.has("serialized_dag", "dag_hash") else "1 = 1"), \
            "serialized_dag"
    if options.source_code and source.has("dag_code", "source_code"):
        yield "select t.source_code, t.last_updated from dag_code t", "dag_code"    # `read_code`
    names = {table.name for table in tables}
    if {"dag_run", "task_instance"} <= names:
        since = queries.run_dates(source)
        yield f"{queries.unfinished_runs(source)} {since}", "task_instance"


def _imagined_schemas() -> Iterator[Columns]:
    """Schemas that together have every column of every release and every way to join a run."""
    for join in (None, "execution_date", *_JOINS):
        schema: Columns = {"alembic_version": {"version_num": "text"}}
        for table in TABLES.values():
            columns = {name: "json" if name == "conf" else kind
                       for name, kind in table.columns.items()} | _BESIDE.get(table.name, {})
            is_child = table.strategy == "run" and table.name != "dag_run"
            if is_child and join is not None:
                dropped = ("run_id",) if join == "execution_date" else _OLD_JOINS
                columns = {n: k for n, k in columns.items() if n not in dropped or n == join}
                columns |= {join: "text"}
            schema[table.name] = columns
        yield schema


def grants_sql(dialect: str, *, tables_present: Columns | None = None, role: str = "windsock",
               database: str = "airflow", schema: str = "public",
               options: Options | None = None) -> str:
    """SQL that makes the role and grants it what landing reads, and nothing else.

    Args:
        dialect: postgresql, mysql or sqlite.
        tables_present: what an administrator's or an older role's `Reader.columns` found; None:
            SQL for every release, which looks for itself at what the database has.
        role: name of the role or user.
        database: name of Airflow's database; for SQLite the path of the file.
        schema: PostgreSQL's schema that holds Airflow's tables.
        options: what the company lands beside the default (notes, source code).
    """
    if dialect == "sqlite":
        return _sqlite(_plain(role), _plain(database))
    columns = (every_column(options) if tables_present is None
               else read_columns(tables_present, options, dialect))
    anywhere = tables_present is None
    lines = _head(columns, options or Options(), anywhere=anywhere)
    lines += (_postgresql(columns, role, database, schema, anywhere=anywhere)
              if dialect == "postgresql" else _mysql(columns, role, database, anywhere=anywhere))
    return "\n".join(lines) + "\n"


def _head(columns: dict[str, tuple[str, ...]], options: Options, *, anywhere: bool) -> list[str]:
    count = sum(map(len, columns.values()))
    release = "any release of Airflow from 1.10 on" if anywhere else "the release that is there"
    left_out = ["trigger arguments", *(() if options.notes else ("notes",)),
                *(() if options.source_code else ("source code",))]
    return [
        f"-- What Windsock reads of Airflow's database: {count} columns of {len(columns)} tables,",
        f"-- for {release}.",
        "-- Not among them: connections, variables, users, sessions, XCom, rendered fields,",
        f"-- executor_config, {', '.join(left_out)}, and dag_run.conf before 3.x.",
        "-- serialized_dag.data is reduced to its structure and log.extra to a few harmless keys",
        "-- before anything is written; leave a column out and it is not landed.",
        "-- Run it as an administrator; after an upgrade of Airflow print it and run it again",
        "-- (a complaint that the role exists is harmless then: its password stays).",
    ]


# --- PostgreSQL --------------------------------------------------------------------------------

def _postgresql(columns: dict[str, tuple[str, ...]], role: str, database: str, schema: str, *,
                anywhere: bool) -> list[str]:
    who, where = _double(role), _double(schema)
    lines = [
        "", f"create role {who} login password '{PASSWORD}' connection limit {CONNECTIONS};", "",
        f"alter role {who} set default_transaction_read_only = on;",
        f"alter role {who} set statement_timeout = '{TIMEOUT}';",
        f"alter role {who} set idle_in_transaction_session_timeout = '{TIMEOUT}';",
        f"grant connect on database {_double(database)} to {who};",
        "", f"-- in the database {_plain(database)}",
    ]
    if schema != "public":
        lines += [f"alter role {who} in database {_double(database)} set search_path = {where};"]
    lines += [f"grant usage on schema {where} to {who};",
              f"revoke all on all tables in schema {where} from {who};"]
    if anywhere:
        return [*lines, *_postgresql_block(columns, role, schema)]
    return lines + [
        f"grant select ({', '.join(map(_double, names))})\n"
        f"    on {where}.{_double(table)} to {who};" for table, names in columns.items()]


def _postgresql_block(columns: dict[str, tuple[str, ...]], role: str, schema: str) -> list[str]:
    """A block that grants what exists: a `grant` of a column that is missing would fail."""
    tag = _tag(role + schema)
    return [f"""do {tag}
declare
    found record;
begin
    for found in
        select c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attname) as names
        from pg_class c
        inner join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = {_single(_double(schema))}::regnamespace and c.relkind in ('r', 'p')
            and (c.relname, a.attname) in (
{_pairs(columns)}
            )
            -- before 3.x a pickle
            and not (c.relname = 'dag_run' and a.attname = 'conf' and a.atttypid = 'bytea'::regtype)
        group by c.relname
    loop
        execute format('grant select (%s) on %I.%I to %I',
            found.names, {_single(schema)}, found.relname, {_single(role)});
    end loop;
end
{tag};"""]


def _tag(text: str) -> str:
    """A dollar quote that does not end inside this text."""
    tag = "windsock"
    while tag in text:
        tag += "_"
    return f"${tag}$"


# --- MySQL and MariaDB -------------------------------------------------------------------------

def _mysql(columns: dict[str, tuple[str, ...]], role: str, database: str, *,
           anywhere: bool) -> list[str]:
    who = f"{_single(role, backslash=True)}@'%'"
    lines = [
        "", "-- '%' is any host: write Windsock's own instead where it is known.",
        f"create user {who} identified by '{PASSWORD}' with max_user_connections {CONNECTIONS};",
        f"revoke all privileges, grant option from {who};", "",
    ]
    if anywhere:
        lines += _mysql_generator(columns, who, database)
    else:
        lines += [f"grant select ({', '.join(map(_back, names))})\n"
                  f"    on {_back(database)}.{_back(table)} to {who};"
                  for table, names in columns.items()]
    lines += [
        "", "-- Only on a replica, so that its lag can be told: one of",
        f"-- grant replica monitor on *.* to {_plain(who)};        -- MariaDB 10.5 and newer",
        f"-- grant replication client on *.* to {_plain(who)};     -- MySQL",
    ]
    return lines


def _mysql_generator(columns: dict[str, tuple[str, ...]], who: str, database: str) -> list[str]:
    """A query that writes the grants: MySQL has no blocks, and refuses a column that is missing."""
    head = _single(f") on {_back(database)}.`", backslash=True)
    return [
        "-- This prints the grants for the tables and columns that are there: run them, too.",
        "set session group_concat_max_len = 100000;",
        "select concat('grant select (', group_concat(concat('`', column_name, '`')",
        f"        order by column_name separator ', '), {head}, table_name,",
        f"    {_single(f'` to {who};', backslash=True)}) as `grants`",
        "from information_schema.columns",
        f"where table_schema = {_single(database, backslash=True)}"
        " and (table_name, column_name) in (",
        _pairs(columns),
        "    )",
        "    -- before 3.x a pickle",
        "    and not (table_name = 'dag_run' and column_name = 'conf' and data_type like '%blob')",
        "group by table_name;",
    ]


# --- SQLite ------------------------------------------------------------------------------------

def _sqlite(group: str, file: str) -> str:
    return f"""\
-- SQLite has no roles: who may read the file may read all of it, connections and variables too.
-- Windsock opens it read-only, copies it to a private scratch file, and lands allow-listed columns.
-- The permissions that it needs, for a group `{group}` of which Windsock's user is a member:
--
--   chgrp {group} <folder> {file} {file}-wal {file}-shm      (those that exist)
--   chmod 640 {file}      its companions follow the file's mode when SQLite makes them
--   chmod 2750 <folder>   r-x to find the companions; the 2 hands the group on to new files
--
-- In WAL mode {file}-wal holds the newest rows and -shm says which of them count: both must be
-- readable, or the landing is refused or old. Write permission is needed on none of them, nor on
-- the folder. A file on a network share may not be in WAL mode: land a copy from there
-- (`sqlite3 {file} ".backup copy.db"`).
-- To keep connections from Windsock altogether, move Airflow to PostgreSQL or MySQL.
"""


# --- words -------------------------------------------------------------------------------------

def _pairs(columns: dict[str, tuple[str, ...]]) -> str:
    return ",\n".join(_wrapped(f"('{table}', '{name}')" for name in names)
                      for table, names in columns.items())


def _wrapped(words: Iterable[str]) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 90:
            lines.append("")
        lines[-1] += f"{word}, "
    return "\n".join(f"        {line.rstrip()}" for line in lines).rstrip(",")


def _plain(text: str) -> str:
    """A name inside a comment, which must not end it."""
    return "".join(c if c.isprintable() else " " for c in text)


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _back(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _single(text: str, *, backslash: bool = False) -> str:
    escaped = text.replace("\\", "\\\\") if backslash else text
    return "'" + escaped.replace("'", "''") + "'"
