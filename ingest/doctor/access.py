"""What a role may do at the source: too little, or more than it needs.

    an open reader  ->  columns hidden from the role, secrets that it can read, tables it can write

Alone: `windsock doctor`.
"""

from collections.abc import Iterator

from ingest.doctor.check import Check, Subject
from ingest.grants import read_columns
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.readers import Reader
from ingest.sources.airflow_db.recognise import RELEASES_OF_HEAD
from ingest.sources.airflow_db.source import Columns

# Never landed, and worth stealing.
SECRET_TABLES = ("connection", "variable", "xcom", "rendered_task_instance_fields", "ab_user",
                 "session", "dag_pickle")
_SHOWN = 5
# What every release of a family has: where a server hides what is not granted, only these tell.
_LANDMARKS: dict[str, tuple[str, ...]] = {
    "1": ("dag_run.execution_date", "log.id"),
    "2": ("dag_run.run_type", "serialized_dag.data", "log.id", "import_error.filename"),
    "3": ("dag_run.logical_date", "dag_run.run_after", "task_instance.id", "dag_version.id",
          "dag_bundle.name", "asset.id", "serialized_dag.dag_version_id", "log.id"),
}
_ALL_OF_POSTGRESQL = """
    select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
        and c.relnamespace = quote_ident(current_schema())::regnamespace
"""
_WRITABLE: dict[str, str] = {
    "postgresql": """
        select c.relname::text from pg_class c
        where c.relkind in ('r', 'p')
            and c.relnamespace = quote_ident(current_schema())::regnamespace
            and (has_table_privilege(c.oid, 'insert, update, delete, truncate')
                or has_any_column_privilege(c.oid, 'insert, update'))
        order by 1
    """,
    "mysql": """
        select distinct table_name from information_schema.columns
        where table_schema = database()
            and (privileges like '%insert%' or privileges like '%update%')
        order by 1
    """,
}


def grants(reader: Reader, subject: Subject, options: Options) -> Iterator[Check]:
    """Whether the role may read all that this release has and landing wants."""
    if reader.dialect == "sqlite":
        return
    visible = reader.columns()
    hidden = (_hidden_by_postgresql(reader, visible, options) if reader.dialect == "postgresql"
              else _missing_landmarks(reader, visible))
    if hidden:
        more = f" and {len(hidden) - _SHOWN} more" if len(hidden) > _SHOWN else ""
        yield subject.warn(
            "grants", f"the role may not read {', '.join(hidden[:_SHOWN])}{more}: not landed",
            f"run what `windsock grants --cluster {subject.name}` prints as an administrator "
            "(again after each upgrade of Airflow)")
    else:
        count = sum(map(len, read_columns(visible, options, reader.dialect).values()))
        yield subject.ok("grants", f"all {count} columns that are landed may be read")


def _hidden_by_postgresql(reader: Reader, visible: Columns, options: Options) -> list[str]:
    present: Columns = {}
    for table, column, kind in reader.rows(_ALL_OF_POSTGRESQL):
        present.setdefault(table, {})[column] = kind
    wanted = read_columns(present, options)
    return _names({t: [c for c in columns if c not in visible.get(t, {})]
                   for t, columns in wanted.items()}, visible)


def _missing_landmarks(reader: Reader, visible: Columns) -> list[str]:
    """What the release in `alembic_version` must have; MySQL tells no more of what it hides."""
    if "alembic_version" not in visible:
        return ["alembic_version"] if "dag_run" in visible else []
    heads = reader.rows("select version_num from alembic_version")
    release = RELEASES_OF_HEAD.get(str(heads[0][0]) if heads else "", "")
    missing: dict[str, list[str]] = {}
    for name in _LANDMARKS.get(release.partition(".")[0], ()):
        table, column = name.split(".")
        if column not in visible.get(table, {}):
            missing.setdefault(table, []).append(column)
    return _names(missing, visible)


def _names(hidden: dict[str, list[str]], visible: Columns) -> list[str]:
    """`table` where all of it is hidden, else `table.column`."""
    return [name for table, columns in hidden.items() if columns
            for name in ([f"{table}.{c}" for c in columns] if table in visible else [table])]


def secrets(reader: Reader, subject: Subject) -> Iterator[Check]:
    """Whether the role can read what is never landed."""
    if reader.dialect == "sqlite":
        yield subject.ok("secrets", "who reads a SQLite file can read all of it; Windsock copies "
                         "allow-listed columns only")
        return
    visible = reader.columns()
    found = [table for table in SECRET_TABLES if table in visible]
    if found:
        yield subject.warn(
            "secrets", f"the role can read {', '.join(found)}; Windsock never does",
            f"use the role of `windsock grants --cluster {subject.name}`, which cannot")
    else:
        yield subject.ok("secrets", "connections, variables and XCom are closed to the role")


def writes(reader: Reader, subject: Subject) -> Iterator[Check]:
    """Whether the role could write; Windsock reads in read-only transactions."""
    sql = _WRITABLE.get(reader.dialect)
    if sql is None:
        return
    found = [str(row[0]) for row in reader.rows(sql)]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield subject.warn(
            "read-only", f"the role can write to {', '.join(found[:_SHOWN])}{more}",
            f"use the role of `windsock grants --cluster {subject.name}`, which only reads")
    else:
        yield subject.ok("read-only", "the role cannot write")
