"""What the build file says of each load: `landing.loads`, `batches`, `quarantined_batches`.

    manifest  ->  one row a load, one a batch, one a batch that failed its gate
"""

import json

import duckdb

from ingest.manifests import Manifest

DDL = """
create schema if not exists landing;
create table if not exists landing.loads (
    load_number bigint, load_id varchar, source varchar, cluster varchar, kind varchar,
    observed_at timestamp, loaded_at timestamp, source_uri varchar, facts varchar, state varchar,
    row_count bigint
);
create table if not exists landing.batches (
    load_number bigint, cluster varchar, table_name varchar, path varchar, row_count bigint,
    byte_count bigint, sha256 varchar, tombstone_count bigint, flagged_count bigint
);
create table if not exists landing.quarantined_batches (
    load_number bigint, cluster varchar, table_name varchar, path varchar, row_count bigint,
    reason varchar
);
create table if not exists landing.failed_loads (
    cluster varchar, failed_at timestamp, error_class varchar, message varchar
);
"""


def record(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Note a load, in the transaction that brings its rows."""
    con.execute(
        "insert into landing.loads values ($1, $2, $3, $4, $5, $6::timestamp, $7::timestamp, "
        "$8, $9, $10, $11)",
        [
            manifest.load_number,
            manifest.load_id,
            manifest.source,
            manifest.cluster,
            manifest.kind,
            manifest.observed_at,
            manifest.loaded_at,
            manifest.source_uri,
            json.dumps(manifest.facts, sort_keys=True),
            json.dumps(manifest.state, sort_keys=True),
            sum(b.row_count for b in manifest.batches),
        ],
    )
    for batch in manifest.batches:
        con.execute(
            "insert into landing.batches values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                manifest.load_number,
                manifest.cluster,
                batch.table,
                batch.path,
                batch.row_count,
                batch.byte_count,
                batch.sha256,
                batch.tombstone_count,
                batch.flagged_count,
            ],
        )
    for bad in manifest.quarantined:
        con.execute(
            "insert into landing.quarantined_batches values ($1, $2, $3, $4, $5, $6)",
            [
                manifest.load_number,
                manifest.cluster,
                bad.table,
                bad.path,
                bad.row_count,
                bad.reason,
            ],
        )
