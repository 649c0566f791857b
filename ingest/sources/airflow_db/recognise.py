"""Which Airflow wrote this database, told by the database itself.

tables and columns that exist + alembic head  ->  Recognised(version, gaps, warnings)
"""

from dataclasses import dataclass

from ingest.sources.airflow_db.tables import TABLES
from windsock.errors import NotAirflowError, SourceMigratingError

# Heads of released schemas (Airflow's own `_REVISION_HEADS_MAP`, 1.10 to 3.3) and the releases that
# share each: a database does not tell them apart.
RELEASES_OF_HEAD = {
    "a56c9515abdc": "1.10.10 to 1.10.12",
    "8646922c8a04": "1.10.14",
    "03afc6b6f902": "1.10.15",
    "e959f08ac86c": "2.0.0",
    "82b7c48c147f": "2.0.1",
    "2e42bb497a22": "2.0.2",
    "a13f7613ad25": "2.1.0 to 2.1.2",
    "97cdd93827b8": "2.1.3",
    "ccde3e26fe78": "2.1.4",
    "7b2661a43ba3": "2.2.0 to 2.2.2",
    "be2bfac3da23": "2.2.3",
    "587bdf053233": "2.2.4 to 2.2.5",
    "b1b348e02d07": "2.3.0",
    "1de7bc13c950": "2.3.1",
    "3c94c427fdf6": "2.3.2",
    "f5fcbda3e651": "2.3.3 to 2.3.4",
    "ecb43d2a1842": "2.4.0 to 2.4.1",
    "b0d31815b5a6": "2.4.2",
    "e07f49787c9d": "2.4.3",
    "290244fb8b83": "2.5",
    "98ae134e6fff": "2.6.0 to 2.6.1",
    "c804e5c76e3e": "2.6.2 to 2.6.3",
    "4bc4d934e2bc": "2.6.2 to 2.6.3",
    "405de8318b3a": "2.7",
    "10b52ebd31f7": "2.8.0",
    "88344c1d9134": "2.8.1 to 2.8.4",
    "1949afb29106": "2.9.0 to 2.9.1",
    "686269002441": "2.9.2 to 2.9.3",
    "22ed7efa9da2": "2.10.0 to 2.10.2",
    "5f2621c13b39": "2.10.3 to 2.11",
    "29ce7909c52b": "3.0.0 to 3.0.2",
    "fe199e1abd77": "3.0.3 to 3.0.6",
    "cc92b33c6709": "3.1.0 to 3.1.7",
    "509b94a1042d": "3.1.8",
    "1d6611b6ab7c": "3.2",
    "d2f4e1b3c5a7": "3.3",
}
NEWEST = "3.3"

# Without these a database is not Airflow's, or its schema is half changed.
REQUIRED = {
    "dag": ("dag_id", "is_paused"),
    "dag_run": ("id", "dag_id", "run_id", "state", "start_date"),
    "task_instance": ("dag_id", "task_id", "state", "start_date", "try_number"),
    "slot_pool": ("pool", "slots"),
    "job": ("id", "state", "latest_heartbeat"),
}

Columns = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Recognised:
    """An Airflow metadata database.

    Attributes:
        head: alembic revision, None when the table is empty.
        version: the releases that have this schema ("2.10.3 to 2.11"), or for an unknown head the
            family told from the columns ("3.3 or newer (unknown revision)").
        is_known: the head is one of a release that Windsock has been tested with.
        major: 1, 2 or 3.
        warnings: sentences for `doctor` and the platform page.
    """

    head: str | None
    version: str
    is_known: bool
    major: int
    warnings: tuple[str, ...] = ()


def recognise(columns: Columns, heads: list[str]) -> Recognised:
    """Tell the release from columns and alembic heads.

    Args:
        columns: table -> column -> declared type, as `Reader.columns` gives them.
        heads: rows of `alembic_version`.

    Raises:
        NotAirflowError: the tables that every Airflow has are not there.
        SourceMigratingError: some are there and some are not, or there are two heads.
    """
    _require(columns, heads)
    major = _major(columns)
    head = heads[0] if heads else None
    if head in RELEASES_OF_HEAD:
        return Recognised(head, RELEASES_OF_HEAD[head], is_known=True, major=major)
    warnings = [
        f"The schema revision {head or 'none'} is not one of Airflow 1.10 to {NEWEST}: "
        "landed as far as its columns allow."
    ]
    missing = _missing_columns(columns, major)
    if missing:
        warnings.append("Not found, so not landed: " + ", ".join(missing) + ".")
    family = {1: "1.10", 2: "2.x"}.get(major, f"{NEWEST} or newer")
    return Recognised(
        head, f"{family} (unknown revision)", is_known=False, major=major, warnings=tuple(warnings)
    )


def _require(columns: Columns, heads: list[str]) -> None:
    absent = [t for t in REQUIRED if t not in columns]
    if "dag_run" in absent or "task_instance" in absent or len(absent) > 2:
        if not columns:
            seen = "The database has no tables."
        elif "alembic_version" in columns and {"dag", "dag_run", "task_instance"} & set(columns):
            raise SourceMigratingError(
                f"Airflow tables are missing: {', '.join(sorted(absent))}.",
                expected="a whole Airflow schema",
                next_step="wait until `airflow db migrate` has ended, then land again",
            )
        else:
            some = ", ".join(sorted(columns)[:5])
            seen = f"The database has {len(columns)} tables ({some}, …) but none of Airflow's."
        raise NotAirflowError(
            seen,
            expected="an Airflow metadata database with dag_run and task_instance",
            next_step="check the database name in metadata_url; run `airflow db migrate` if new",
        )
    gaps = [
        f"{t}.{c}" for t, names in REQUIRED.items() for c in names if c not in columns.get(t, {})
    ]
    temporary = [t for t in columns if t.startswith("_alembic_tmp_")]
    if gaps or len(heads) > 1 or temporary:
        seen = (
            f"columns missing: {', '.join(gaps)}"
            if gaps
            else f"two schema revisions: {', '.join(heads)}"
            if len(heads) > 1
            else f"left-over migration table: {temporary[0]}"
        )
        raise SourceMigratingError(
            f"The schema is half migrated ({seen}).",
            expected="one whole Airflow schema",
            next_step="finish `airflow db migrate` (or restore the backup), then land again",
        )


def _major(columns: Columns) -> int:
    if "logical_date" in columns["dag_run"]:
        return 3
    if "run_type" in columns["dag_run"] or "data_compressed" in columns.get("serialized_dag", {}):
        return 2
    return 1


# Columns that 3.3 has and a newer release may drop: what a reader of the marts would miss.
_EXPECTED_OF_3 = {
    "dag_run": (
        "run_after",
        "logical_date",
        "updated_at",
        "triggered_by",
        "clear_number",
        "created_dag_version_id",
        "conf",
    ),
    "task_instance": (
        "id",
        "run_id",
        "map_index",
        "scheduled_dttm",
        "queued_dttm",
        "end_date",
        "updated_at",
        "dag_version_id",
        "pool",
        "pool_slots",
    ),
    "task_instance_history": ("task_instance_id", "try_number"),
    "serialized_dag": ("data", "dag_hash", "dag_version_id"),
    "dag": (
        "is_stale",
        "bundle_name",
        "relative_fileloc",
        "timetable_summary",
        "next_dagrun_create_after",
    ),
    "import_error": ("filename", "bundle_name", "stacktrace"),
    "log": ("id", "dttm", "event"),
}


def _missing_columns(columns: Columns, major: int) -> list[str]:
    if major < 3:
        return sorted(t for t in ("serialized_dag", "log", "import_error") if t not in columns)
    return [
        table if table not in columns else f"{table}.{name}"
        for table, names in _EXPECTED_OF_3.items()
        for name in (names if table in columns else names[:1])
        if name not in columns.get(table, {})
    ]


def landed_tables(columns: Columns) -> list[str]:
    """Names of the allow-listed tables that this database has."""
    return [name for name in TABLES if name in columns]
