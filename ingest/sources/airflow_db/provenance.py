"""Where the columns of landing tables come from, in words: the outermost end of `windsock trace`.

    contracts               ->  landing_types()                      every landing table and column
    contract, seen_in.json  ->  where_from("airflow_db__job", "id")  "Airflow job.id (1.10 to 3.3)"

`seen_in.json` says which of the releases that tests land have a column: made by `make docs` from
`tests/fixtures/airflow`, compared by a test.
"""

import json
from functools import cache
from pathlib import Path

from ingest.apply import create_landing
from ingest.rollups import ROLLUP_TABLES, ROLLUPS
from ingest.sources.airflow_db.tables import TABLES
from ingest.sources.airflow_db.transform import STRUCTURE_TABLES
from windsock.warehouse import open_memory

ROWS = "*"
_SEEN_IN = Path(__file__).with_name("seen_in.json")
_SOURCE = "airflow_db"     # as in steps.py, without what that imports: this has to be quick
_PREFIX = f"{_SOURCE}__"
_STAMPS = {
    "_row_flags": "the gate: value faults of the row, null when it has none",
    "_deleted_at": "the source's clock when the row was found to be gone",
    "_delete_reason": "the door: why the row is gone",
    "_observed_at": "the source's clock at the start of the read that brought the row",
    "_loaded_at": "our clock when the row landed",
    "_load_id": "the door: which load brought the row",
    "_load_number": "the door: which load brought the row, counted over all clusters",
    "_source_uri": "windsock.toml: metadata_url without its password",
    "_replaced_at": "the source's clock when the row was found to be another",
}
_OWN_TABLES = {
    "loads": "the door's own record of each load",
    "batches": "the door's own record of each archived batch",
    "quarantined_batches": "the door's own record of batches that failed the gate",
    "run_loads": "the door's own record of the loads that each run stands in",
    "failed_loads": "the door's own record of landings that failed",
}
# Where a release lacks the column, the landing fills it from elsewhere (queries.py).
_NOTES = {
    ("import_error", "bundle_name"): "; before empty",
    ("serialized_dag", "dag_version_id"): "; before empty",
}
# Rows that name their run, or their task instance, by its number alone.
_THROUGH = {
    "dag_id": "by the run that the row belongs to",
    "run_id": "by the run that the row belongs to",
    "task_id": "by the task instance that the row belongs to",
    "map_index": "by the task instance that the row belongs to",
    "try_number": "by the task instance that the row belongs to",
}
_SPECIAL = {
    ("dag_run", "conf"): "Airflow dag_run.conf, sensitive values masked (since 3.0; before it is "
    "a pickle and never read)",
    ("dag_warning", "message"): "Airflow dag_warning.message, only where it is a plain sentence",
    ("dag_code", "code_key"): "Airflow dag_code.id (since 3.0), before dag_code.fileloc",
    ("dag_code", "source_hash"): "Airflow dag_code.source_code_hash; where a release has none, "
    "made by the door from the text",
}


def landing_types() -> dict[str, dict[str, str]]:
    """Landing table -> column -> DuckDB type, as an empty warehouse has them."""
    with open_memory() as con:
        create_landing(con, _SOURCE, [*TABLES.values(), *STRUCTURE_TABLES.values()])
        create_landing(con, ROLLUPS, ROLLUP_TABLES.values())
        rows = con.execute(
            "select table_name, column_name, lower(data_type) from duckdb_columns() "
            "where schema_name = 'landing' order by table_name, column_index").fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def where_from(landing_table: str, column: str) -> str:
    """What a column of a landing table (`ROWS`: its rows) was at the source.

    Args:
        landing_table: such as `airflow_db__task_instance`.
        column: one of its columns.
    """
    if landing_table.startswith(f"{ROLLUPS}__"):
        name = landing_table.removeprefix(f"{ROLLUPS}__")
        return f"Windsock's own roll-up {name}, archived before its runs expired"
    if not landing_table.startswith(_PREFIX):
        return _OWN_TABLES[landing_table]
    if column == "cluster":
        return "windsock.toml: the cluster's name"
    if column in _STAMPS:
        return _STAMPS[column]
    name = landing_table.removeprefix(_PREFIX)
    table = name.removesuffix("__replaced")
    image = ", as it was before it was overwritten" if name != table else ""
    if table.startswith("dag_structure"):
        seen = _releases("serialized_dag", "data")
        return f"Airflow serialized_dag.data{seen}, by ingest/sources/airflow_db/structure"
    if column == ROWS:
        return f"rows of Airflow {table}{_releases(table, ROWS)}{image}"
    if (table, column) in _SPECIAL:
        return _SPECIAL[table, column] + image
    return f"Airflow {table}.{column}{_releases(table, column)}{image}"


def _releases(table: str, column: str) -> str:
    """Such as ` (2.2 to 3.3; before by the run's logical date)`."""
    spans = _seen_in().get(table, {})
    seen = {name: span for span, names in spans.items() for name in names.split()}
    if column not in seen:
        return f" ({_THROUGH.get(column, 'in no release that the tests land')})"
    is_later = seen[column].split()[0] != seen[ROWS].split()[0]
    note = _NOTES.get((table, column), "")
    if is_later and column == "map_index":
        note = "; before always -1"
    elif is_later and column == "run_id" and TABLES[table].strategy == "run":
        note = "; before by the run's logical date"
    if column in _THROUGH and seen[column].split()[-1] != seen[ROWS].split()[-1]:
        note += f"; since {_THROUGH[column]}"
    return f" ({seen[column]}{note})"


@cache
def _seen_in() -> dict[str, dict[str, str]]:
    """Table -> releases -> names of columns, blank-separated; `*` for the table itself."""
    found: dict[str, dict[str, str]] = json.loads(_SEEN_IN.read_text())
    return found
