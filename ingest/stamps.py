"""What a load writes on its rows beside the source's own columns.

    manifest  ->  stamps_of(manifest)                       of rows that arrived
    manifest  ->  tombstone_columns(table) + parameters     of landed rows that are gone
"""

from datetime import datetime
from typing import Any

from ingest.archive import Manifest
from ingest.contracts import Table


def stamps_of(manifest: Manifest) -> dict[str, Any]:
    """Stamp -> its value on every row of a load."""
    return {
        "_observed_at": datetime.fromisoformat(manifest.observed_at),
        "_loaded_at": datetime.fromisoformat(manifest.loaded_at),
        "_load_id": manifest.load_id, "_load_number": manifest.load_number,
        "_source_uri": manifest.source_uri,
    }


def tombstone_columns(table: Table) -> str:
    """Items of a select that makes tombstones of landed rows (alias `l`)."""
    columns = [f'l."{c}"' for c in ("cluster", *table.columns, "_row_flags")]
    return ", ".join([
        *columns, "$observed_at::timestamp as _deleted_at", "$reason as _delete_reason",
        "$observed_at::timestamp as _observed_at", "$loaded_at::timestamp as _loaded_at",
        "$load_id as _load_id", "$load_number::bigint as _load_number",
        "$source_uri as _source_uri",
    ])


def stamp_parameters(manifest: Manifest) -> dict[str, Any]:
    """Parameters of `tombstone_columns`, but for `reason`."""
    return {"observed_at": manifest.observed_at, "loaded_at": manifest.loaded_at,
            "load_id": manifest.load_id, "load_number": manifest.load_number,
            "source_uri": manifest.source_uri}
