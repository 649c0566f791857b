"""The twin's input read back from a built warehouse: for runs of which no other truth is known.

    recorded_runs(con, cluster)  ->  {run: Run}

Instances, tries and structures are what the build made of the source; stamps, gates, the walk and
the tiles are the twin's own. Whether the tries are right, generated histories test.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import duckdb

from tests.histories_warehouse import Row, RunKey, rows
from windsock.critical_path import Attempt, Instance, PreviousRun, Run, Task, microseconds

_INSTANCES = """
select i.*, f.has_missing_tries,
    i.state = 'skipped' and (not i.was_picked_up or exists (
        from landing.airflow_db__task_instance_history as h
        where h.cluster = i.cluster and h.dag_id = i.dag_id and h.run_id = i.run_id
            and h.task_id = i.task_id and h.map_index = i.map_index
            and h.try_number = i.recorded_try_number)) as is_verdict
from intermediate.int_attempts__instances as i
join marts.fct_task_instances as f using (cluster, dag_id, run_id, task_id, map_index)
where i.cluster = $cluster
"""
_TASKS = """
select v.structure_number, v.has_catchup, t.*
from intermediate.int_structures__versions as v
join landing.airflow_db__dag_structure_task as t
    on t.cluster = v.cluster and t.dag_id = v.dag_id
    and coalesce(nullif(t.dag_version_id, ''), t.dag_hash) = v.version_key
where v.cluster = $cluster
"""


def recorded_runs(con: duckdb.DuckDBPyConnection, cluster: str) -> dict[RunKey, Run]:
    """The twin's input of every run of a cluster."""
    def of(sql: str) -> list[Row]:
        return rows(con, sql.replace("$cluster", f"'{cluster}'"))

    tries: dict[Any, list[Attempt]] = defaultdict(list)
    for row in of("from marts.fct_task_attempts where cluster = $cluster"):
        tries[_instance_key(row)].append(_attempt(row))
    instances: dict[RunKey, list[Instance]] = defaultdict(list)
    for row in of(_INSTANCES):
        instances[_run_key(row)].append(_instance(row, tries[_instance_key(row)]))
    structures, catchups = _structures(of(_TASKS))
    runs = of("from marts.fct_dag_runs where cluster = $cluster")
    [now] = of("select max(observed_at) as at from landing.loads where cluster = $cluster")
    return {_run_key(row): _run(row, runs, instances, structures, catchups, _at(now["at"]) or 0)
            for row in runs}


def _run(row: Row, runs: list[Row], instances: dict[RunKey, list[Instance]],
         structures: dict[str, dict[str, Task]], catchups: dict[str, bool], now: int) -> Run:
    mine = instances[_run_key(row)]
    known = {x.version: structures[x.version] for x in mine if x.version in structures}
    has_catchup = any(catchups[v] for v in known)
    before = _previous(row, runs, has_catchup=has_catchup)
    previous = None if before is None else PreviousRun(
        before["run_id"], tuple(instances[_run_key(before)]))
    return Run(row["state"], _at(row["started_at"]), _at(row["ended_at"]), now, tuple(mine),
               {} if row["structure_basis"] == "inferred" else known, previous)


def _previous(row: Row, runs: Iterable[Row], *, has_catchup: bool) -> Row | None:
    if row["logical_at"] is None:
        return None
    earlier = [r for r in runs if r["dag_id"] == row["dag_id"] and r["logical_at"] is not None
               and r["logical_at"] < row["logical_at"]
               and not (has_catchup and r["run_kind"] == "manual")]
    return max(earlier, key=lambda r: r["logical_at"], default=None)


def _structures(tasks: list[Row]) -> tuple[dict[str, dict[str, Task]], dict[str, bool]]:
    structures: dict[str, dict[str, Task]] = defaultdict(dict)
    catchups: dict[str, bool] = {}
    for row in tasks:
        version = str(row["structure_number"])
        catchups[version] = bool(row["has_catchup"])
        structures[version][row["task_id"]] = Task(
            row["task_id"], tuple(row["upstream_task_ids"]), row["trigger_rule"],
            row["depth_index"] or 0, row["mapped_task_group_id"], bool(row["depends_on_past"]),
            bool(row["wait_for_downstream"]))
    return structures, catchups


def _instance(row: Row, attempts: list[Attempt]) -> Instance:
    return Instance(
        row["task_id"], row["map_index"], row["state"], _at(row["ended_at"]), tuple(attempts),
        version=str(row["structure_number"]), is_external=row["is_sensor"],
        is_scheduler_run=not row["was_picked_up"] and row["queued_at"] is None,
        was_skipped_by_scheduler=row["is_verdict"] is True,
        has_missing_tries=row["has_missing_tries"])


def _attempt(row: Row) -> Attempt:
    away = [p for p in row["pauses"] or () if p["pause_kind"] == "deferred"]
    stretches = tuple((_at(p["from_at"]) or 0, _at(p["until_at"])) for p in away)
    ended_at = _at(row["ended_at"])
    return Attempt(_at(row["started_at"]) or 0, ended_at, row["state"], stretches,
                   queued_at=_at(row["queued_at"]), scheduled_at=_at(row["scheduled_at"]),
                   last_seen_at=ended_at if row["was_lost"] else None)


def _run_key(row: Row) -> RunKey:
    return row["cluster"], row["dag_id"], row["run_id"]


def _instance_key(row: Row) -> tuple[Any, ...]:
    return *_run_key(row), row["task_id"], row["map_index"]


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)
