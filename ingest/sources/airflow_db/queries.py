"""SQL that asks Airflow's database, for every release and engine. Only SELECT, only allow-listed.

Identifiers come from the allow-list; values in the text are integers, instants that we formatted,
or hexadecimal hashes: nothing that a DAG author wrote is ever spliced into a statement.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from ingest.contracts import Kind, Table
from ingest.sources.airflow_db.hashes import concatenated, hashed, number_of
from ingest.sources.airflow_db.source import Source
from ingest.sources.airflow_db.tables import FINAL_INSTANCE_STATES, FINAL_RUN_STATES

# Per-task noise of 1.10 and 2.x (one row per execution on the worker); everything else is landed.
SKIPPED_LOG_EVENTS = ("cli_run", "cli_task_run")
# Only this warning's text is a plain sentence; others quote the DAG's source code.
PLAIN_WARNING = "non-existent pool"

# Never compared by hash: rewritten at the door, or not ours to compare.
_NOT_HASHED = {"conf", "content", "id"}


def present_columns(source: Source, table: Table) -> dict[str, Kind]:
    """The columns that `select_rows` can fill from this database, with their kinds."""
    return {
        name: kind
        for name, kind in table.columns.items()
        if _expression(source, table, name) is not None
    }


def can_be_read(source: Source, table: Table) -> bool:
    """Whether this database has the table, with what is needed to key and to join its rows."""
    if table.name not in source.columns or not set(table.key) <= set(
        present_columns(source, table)
    ):
        return False
    if table.strategy != "run" or table.name == "dag_run":
        return True
    if _through_instance(source, table):
        return source.has("task_instance", "id")
    return (
        source.has(table.name, "dag_id", "run_id")
        or source.has(table.name, "dag_id", "execution_date")
        or source.has(table.name, "dagrun_id")
        or source.has(table.name, "dag_run_id")
    )


def select_rows(source: Source, table: Table, *, where: str = "") -> str:
    """SELECT of every present column of a table under its own name.

    Args:
        source: the database.
        table: an allow-listed table that exists.
        where: condition on aliases `t` (the table) and, for tables read with their runs, `dr`.
    """
    items = ", ".join(
        f"{_expression(source, table, name)} as {source.quote(name)}"
        for name in present_columns(source, table)
    )
    condition = " and ".join(f"({c})" for c in (where, _standing_filter(source, table)) if c)
    tail = f" where {condition}" if condition else ""
    return f"select {items} from {_from(source, table)}{tail}"


def count_by(source: Source, table: Table, group: str, where: str) -> str:
    """How many rows a table has per value of an expression on `t`."""
    condition = " and ".join(f"({c})" for c in (where, _standing_filter(source, table)) if c)
    return (
        f"select {group}, count(*) from {_from(source, table)} where {condition} group by {group}"
    )


def runs_in(ids: Iterable[int]) -> str:
    """Condition: these DAG runs."""
    return f"dr.id in ({', '.join(str(int(i)) for i in ids)})"


def runs_between(low: int, high: int) -> str:
    """Condition: runs with low <= id < high."""
    return f"dr.id >= {int(low)} and dr.id < {int(high)}"


def unfinished_runs(source: Source) -> str:
    """Ids of the runs that are not in a final state, or hold an instance that is not."""
    join = _run_join(source, "task_instance")
    return (
        "select dr.id as id from dag_run dr "
        f"where {_not_among('dr.state', FINAL_RUN_STATES)} union "
        f"select dr.id from task_instance t inner join dag_run dr on {join} "
        f"where {_not_among('t.state', FINAL_INSTANCE_STATES)}"
    )


def _not_among(column: str, states: Iterable[str]) -> str:
    """`column is null or column not in (…)`, as ranges: an index on states serves these."""
    ordered = sorted(states)
    ranges = [f"{column} is null", f"{column} < '{ordered[0]}'"]
    ranges += [f"({column} > '{low}' and {column} < '{high}')"
               for low, high in pairwise(ordered)]
    return " or ".join([*ranges, f"{column} > '{ordered[-1]}'"])


def touched_runs(source: Source, since: datetime) -> str:
    """Ids of the runs whose own row moved since an instant."""
    return (
        f"select dr.id as id from dag_run dr "
        f"where {_moved(source, 'dag_run', 'dr')} >= {source.instant(since)}"
    )


def runs_of_touched_instances(source: Source, since: datetime) -> str:
    """Ids of the runs that hold an instance that moved since: a scan where nothing is indexed."""
    join = _run_join(source, "task_instance")
    return (
        f"select distinct dr.id as id from task_instance t "
        f"inner join dag_run dr on {join} "
        f"where {_moved(source, 'task_instance', 't')} >= {source.instant(since)}"
    )


def run_dates(source: Source) -> str:
    """Expression on `dr`: when the run was (start, else queued, else its logical time)."""
    names = [
        n
        for n in ("start_date", "queued_at", "run_after", "execution_date", "logical_date")
        if source.has("dag_run", n)
    ]
    return _coalesce([f"dr.{n}" for n in names])


def digests(source: Source, table: Table, where: str) -> str:
    """Per run: how many rows of a table it has, and a sum of row hashes.

    Columns: id, row_count, digest. `landing_digests` says the same of the landed rows.
    """
    parts = [
        hashed(source.dialect, _expression(source, table, name) or "null", kind)
        for name, kind in hashed_columns(source, table).items()
    ]
    row = concatenated(source.dialect, parts)
    return (
        f"select dr.id as id, count(*) as row_count, "
        f"sum({number_of(source.dialect, row)}) as digest "
        f"from {_from(source, table)} where {where} group by dr.id"
    )


def landing_digests(source: Source, table: Table, landing: str) -> str:
    """DuckDB: per run the same two figures over a landing table (parameter $1: cluster)."""
    parts = [
        hashed("duckdb", f'"{name}"', kind) for name, kind in hashed_columns(source, table).items()
    ]
    return (
        f"select dag_id, run_id, count(*) as row_count, "
        f"sum({number_of('duckdb', concatenated('duckdb', parts))})::hugeint as digest "
        f'from landing."{landing}" '
        "where cluster = $1 and _deleted_at is null group by dag_id, run_id"
    )


def hashed_columns(source: Source, table: Table) -> dict[str, Kind]:
    """The columns that reconciliation compares."""
    return {
        name: kind
        for name, kind in present_columns(source, table).items()
        if name not in table.volatile and name not in _NOT_HASHED
    }


# --- expressions -------------------------------------------------------------------------------


def _expression(source: Source, table: Table, name: str) -> str | None:
    special = _special(source, table, name)
    if special is not None:
        return special or None
    alias = "dr" if table.name == "dag_run" else "t"
    if source.has(table.name, name):
        return f"{alias}.{source.quote(name)}"
    if table.strategy == "run" and name in ("dag_id", "run_id"):
        return f"dr.{name}"
    if (
        _through_instance(source, table)
        and name in ("task_id", "map_index", "try_number")
        and source.has("task_instance", name)
    ):
        return f"ti.{name}"
    if name == "map_index":
        return "-1"
    return None


def _special(source: Source, table: Table, name: str) -> str | None:
    """An expression; "" for "not copied"; None for "nothing special"."""
    declared = source.columns.get(table.name, {}).get(name, "")
    match table.name, name:
        case "dag_run", "conf":  # before 3.x a pickle; MariaDB declares JSON as longtext
            is_pickle = not source.has("dag_run", "logical_date") or "blob" in declared
            return "" if is_pickle or declared in ("", "bytea") else "dr.conf"
        case "import_error", "bundle_name":
            return "coalesce(t.bundle_name, '')" if declared else "''"
        case "serialized_dag", "dag_version_id":
            return None if declared else "''"
        case "serialized_dag", "dag_hash":
            return "coalesce(t.dag_hash, '')" if declared else "''"
        case "dag_warning", "message":
            if not source.has("dag_warning", "warning_type", "message"):
                return ""
            return f"case when t.warning_type = '{PLAIN_WARNING}' then t.message end"
        case "dag_code", "code_key":
            return "t.id" if source.has("dag_code", "id") else "t.fileloc"
        case "dag_code", "source_hash":
            return "t.source_code_hash" if source.has("dag_code", "source_code_hash") else ""
        case "dag_code", "source_code":
            return ""  # by opt-in only, and only for what changed
        case "task_instance_history", "id":
            return "" if "int" not in declared else None
        case _:
            return None


def _from(source: Source, table: Table) -> str:
    if table.strategy != "run":
        return f"{source.quote(table.name)} t"
    if table.name == "dag_run":
        return "dag_run dr"
    if _through_instance(source, table):
        return (
            f"dag_run dr inner join task_instance ti on {_run_join(source, 'task_instance', 'ti')} "
            f"inner join {source.quote(table.name)} t on t.ti_id = ti.id"
        )
    return f"dag_run dr inner join {source.quote(table.name)} t on {_run_join(source, table.name)}"


def _through_instance(source: Source, table: Table) -> bool:
    return (
        table.strategy == "run"
        and source.has(table.name, "ti_id")
        and not source.has(table.name, "dag_id")
    )


def _run_join(source: Source, table: str, alias: str = "t") -> str:
    if source.has(table, "dag_id", "run_id"):
        return f"{alias}.dag_id = dr.dag_id and {alias}.run_id = dr.run_id"
    if source.has(table, "dag_id", "execution_date"):
        return f"{alias}.dag_id = dr.dag_id and {alias}.execution_date = dr.execution_date"
    name = "dagrun_id" if source.has(table, "dagrun_id") else "dag_run_id"
    return f"{alias}.{name} = dr.id"


def _standing_filter(source: Source, table: Table) -> str:
    if table.name == "log" and source.has("log", "event"):
        return f"(t.event is null or t.event not in ({_literals(SKIPPED_LOG_EVENTS)}))"
    return ""


def _moved(source: Source, table: str, alias: str) -> str:
    order = (
        ("updated_at", "end_date", "start_date", "queued_at", "run_after", "execution_date")
        if table == "dag_run"
        else ("updated_at", "end_date", "start_date", "queued_dttm")
    )
    return _coalesce([f"{alias}.{n}" for n in order if source.has(table, n)])


def _coalesce(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _literals(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
