"""What is rewritten at the door: secrets masked, serialized DAGs projected to their structure.

rows as read  ->  mask                                  (conf, traces, URIs, audit extras)
bodies of serialized_dag  ->  project_bodies            (structure tables; the JSON is dropped)
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.contracts import ARROW_TYPES, Kind, Table
from ingest.sources.airflow_db import structure
from ingest.sources.airflow_db.source import Source
from windsock.masking import mask_conf_json, mask_url

# Keys of audit `extra` that say what was done and hold no text of a person.
SAFE_EXTRA_KEYS = ("is_paused", "state", "new_state", "method", "only_failed", "dry_run")
_SAFE_VALUE = re.compile(r"[A-Za-z0-9_]{1,40}")

_URI_COLUMNS = {
    ("dataset", "uri"),
    ("asset", "uri"),
    ("asset_active", "uri"),
    ("dag_schedule_asset_uri_reference", "uri"),
    ("dag_owner_attributes", "link"),
    ("dag", "dataset_expression"),
    ("dag", "asset_expression"),
    ("import_error", "stacktrace"),
    ("dag_run_note", "content"),
    ("task_instance_note", "content"),
}


# SQLite writes a UUID with dashes or without, from column to column: landed in one form.
_UUID_COLUMNS = frozenset(
    {
        "dag_version_id",
        "created_dag_version_id",
        "task_instance_id",
        "ti_id",
        "deadline_alert_id",
    }
)
_UUID_TABLES = frozenset({"task_instance", "dag_version", "deadline"})  # their `id` is one
_BARE_UUID = r"^([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})$"


def with_dashes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """UUIDs in their usual form; any other text as it is."""
    done: pa.ChunkedArray = pc.replace_substring_regex(
        column, pattern=_BARE_UUID, replacement=r"\1-\2-\3-\4-\5"
    )
    return done


def mask(table: Table, rows: pa.Table, secret_names: tuple[str, ...]) -> pa.Table:
    """Rewrite the columns that may hold secrets.

    Args:
        table: whose rows these are.
        rows: in the contract's columns.
        secret_names: names of sensitive keys beside the built-in ones.
    """

    def conf(text: str) -> str | None:
        reasons: list[str] = []
        masked = mask_conf_json(text, secret_names, tell=reasons.append)
        return json.dumps({"not_kept": "; ".join(reasons)}) if masked is None else masked

    for name in rows.column_names:
        is_uuid = name in _UUID_COLUMNS or (name == "id" and table.name in _UUID_TABLES)
        if (
            is_uuid
            and pa.types.is_string(rows[name].type)
            and rows[name].null_count < rows.num_rows
        ):
            rows = rows.set_column(rows.column_names.index(name), name, with_dashes(rows[name]))
        rewrite: Callable[[str], str | None] | None = None
        if (table.name, name) in _URI_COLUMNS:
            rewrite = mask_url
        elif (table.name, name) == ("dag_run", "conf"):
            rewrite = conf
        elif (table.name, name) == ("log", "extra"):
            rewrite = safe_extra
        if rewrite is not None and rows.num_rows and pa.types.is_string(rows[name].type):
            done = _each_distinct(rows[name], rewrite)
            rows = rows.set_column(rows.column_names.index(name), name, done)
    return rows


def safe_extra(text: str) -> str | None:
    """The allow-listed keys of an audit row's `extra`, as JSON; null when it has none of them."""
    if not any(f'"{key}"' in text for key in SAFE_EXTRA_KEYS):
        return None
    try:
        extra = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(extra, dict):
        return None
    kept = {key: extra[key] for key in SAFE_EXTRA_KEYS if _is_safe(extra.get(key))}
    return json.dumps(kept, sort_keys=True) if kept else None


def _is_safe(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    return isinstance(value, str) and _SAFE_VALUE.fullmatch(value) is not None


def _each_distinct(column: pa.ChunkedArray, rewrite: Callable[[str], str | None]) -> pa.Array:
    """Rewrite each distinct text once."""
    encoded = column.combine_chunks().dictionary_encode()
    words = pa.array(
        [None if w is None else rewrite(w) for w in encoded.dictionary.to_pylist()], pa.string()
    )
    return words.take(encoded.indices)


# --- serialized DAGs ---------------------------------------------------------------------------

_VERSION_COLUMNS = ("dag_id", "dag_version_id", "dag_hash")


def _kind_of(type_: pa.DataType) -> Kind:
    if pa.types.is_list(type_):
        return "float_list" if pa.types.is_floating(type_.value_type) else "text_list"
    if pa.types.is_integer(type_):
        return "int"
    if pa.types.is_floating(type_):
        return "float"
    if pa.types.is_boolean(type_):
        return "bool"
    return "instant" if pa.types.is_timestamp(type_) else "text"


def _derived(name: str, schema: pa.Schema, *key: str, extra: tuple[str, ...] = ()) -> Table:
    columns: dict[str, Kind] = dict.fromkeys(_VERSION_COLUMNS, "text")
    for field in schema:
        columns.setdefault(field.name, _kind_of(field.type))
    columns.update(dict.fromkeys(extra, "text"))
    return Table(name, (*_VERSION_COLUMNS, *key), columns, "derived")


STRUCTURE_TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        _derived("dag_structure", structure.DAG_SCHEMA, extra=("faults",)),
        _derived("dag_structure_group", structure.GROUP_SCHEMA, "task_group_id"),
        _derived("dag_structure_task", structure.TASK_SCHEMA, "task_id"),
        _derived(
            "dag_structure_dependency",
            structure.DEPENDENCY_SCHEMA,
            "dependency_key",
            extra=("dependency_key",),
        ),
    )
}


def structure_schema(table: Table) -> pa.Schema:
    """Arrow schema of structure rows, without stamps."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in table.columns.items()])


def bodies_schema(source: Source) -> pa.Schema:
    """Columns of `select_bodies`."""
    names = [(n, pa.string()) for n in (*_VERSION_COLUMNS, "data")]
    if source.has("serialized_dag", "data_compressed"):
        names.append(("data_compressed", pa.binary()))
    return pa.schema(names)


def select_bodies(source: Source, condition: str) -> str:
    """SELECT of serialized DAGs with their bodies; these never reach a disk."""
    version = "t.dag_version_id" if source.has("serialized_dag", "dag_version_id") else "''"
    hash_ = "t.dag_hash" if source.has("serialized_dag", "dag_hash") else "''"
    compressed = ", t.data_compressed" if source.has("serialized_dag", "data_compressed") else ""
    data = "t.data" if source.has("serialized_dag", "data") else "null"
    return (
        f"select t.dag_id, {version} as dag_version_id, {hash_} as dag_hash, "
        f"{data} as data{compressed} from serialized_dag t where {condition}"
    )


def project_bodies(batch: pa.RecordBatch, wanted: set[tuple[str, str, str]]) -> dict[str, pa.Table]:
    """Structure rows of a batch of bodies.

    A body that cannot be decoded gives one `dag_structure` row that holds only its key and, in
    `faults`, why; the landing goes on.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in STRUCTURE_TABLES}
    for row in batch.to_pylist():
        version_id = with_dashes(pa.chunked_array([[row["dag_version_id"] or ""]]))[0].as_py()
        version = (row["dag_id"] or "", version_id, row["dag_hash"] or "")
        if version in wanted:
            _project_body(row, version, found)
    return {
        name: pa.Table.from_pylist(rows, structure_schema(STRUCTURE_TABLES[name]))
        for name, rows in found.items()
    }


def _project_body(
    row: dict[str, Any], version: tuple[str, str, str], found: dict[str, list[dict[str, Any]]]
) -> None:
    dag_id, dag_version_id, dag_hash = version
    stamp = {"dag_version_id": dag_version_id, "dag_hash": dag_hash}
    try:
        dags = structure.project_all(structure.decode(row["data"], row.get("data_compressed")))
    except structure.StructureError as error:
        found["dag_structure"].append({"dag_id": dag_id, **stamp, "faults": error.seen})
        return
    for dag in dags:
        faults = "; ".join(dag.faults) or None
        found["dag_structure"].append({**_naive(dag.dag), **stamp, "faults": faults})
        for name, rows in (("dag_structure_group", dag.groups), ("dag_structure_task", dag.tasks)):
            found[name].extend({**_naive(r), **stamp} for r in rows)
        keyed = {_dependency_key(r): r for r in dag.dependencies}
        found["dag_structure_dependency"].extend(
            {**r, **stamp, "dependency_key": key} for key, r in keyed.items()
        )


def _naive(row: dict[str, Any]) -> dict[str, Any]:
    """Instants in UTC without a zone, as landing tables hold them."""
    return {
        k: v.astimezone(UTC).replace(tzinfo=None) if isinstance(v, datetime) else v
        for k, v in row.items()
    }


def _dependency_key(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]
