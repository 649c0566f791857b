"""What a database knows of DAGs, pools, assets and itself: the tables that are not of runs.

    prepare(company, cluster)  ->  Definitions  ->  tables(instant, latest)  ->  rows by table

A DAG appears when it is first seen, a version when it is made. One whose file went away is stale,
and in 2.x its serialized form is gone with it; one that does not load any more keeps its row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from ingest.world.company import Company
from ingest.world.emit import cron, serialized
from ingest.world.emit.identity import digest, name_uuid
from ingest.world.emit.schema import HEADS, family_of

BUNDLE = "dags-folder"
HOST = "airflow-host"
_PARSED_EVERY = timedelta(seconds=30)
_BEAT_EVERY = timedelta(seconds=5)
_TEMPLATE = ("dag_id={{ ti.dag_id }}/run_id={{ ti.run_id }}/task_id={{ ti.task_id }}/"
             "{% if ti.map_index >= 0 %}map_index={{ ti.map_index }}/{% endif %}"
             "attempt={{ try_number }}.log")

Row = dict[str, Any]


@dataclass(frozen=True)
class LastRun:
    """The newest scheduled run of a DAG, and how many of its runs are unfinished."""

    run_after: datetime | None = None
    open_count: int = 0


@dataclass(frozen=True)
class Definitions:
    """The definitions of one cluster.

    Attributes:
        cluster: its row of the company's `clusters`.
        dags: rows of `dags`.
        pools: rows of `pools`.
        versions: rows of `versions` with `body`, `dag_hash` and `version_id`.
        outlets: (dag_id, task_id, uri) of what tasks update.
        assets: URI -> id.
    """

    cluster: Row
    dags: list[Row]
    pools: list[Row]
    versions: list[Row]
    outlets: list[tuple[str, str, str]]
    assets: dict[str, int]

    @property
    def is_3(self) -> bool:
        """Whether it is an Airflow 3."""
        return family_of(self.cluster["release"]) == "3.1"

    @property
    def keys(self) -> pl.DataFrame:
        """dag_id, version_number -> dag_hash, version_id, revision."""
        names = ("dag_id", "version_number", "dag_hash", "version_id", "revision")
        return pl.DataFrame([{n: v[n] for n in names} for v in self.versions],
                            schema_overrides={"version_number": pl.Int64})

    def tables(self, instant: datetime, latest: Mapping[str, LastRun]) -> dict[str, list[Row]]:
        """Rows of every table that is not of runs, as they are at an instant."""
        dags = [d for d in self.dags if d["first_seen_at"] <= instant]
        known = {d["dag_id"] for d in dags}
        gone = {d["dag_id"] for d in dags if _is_gone(d, instant)}
        versions = [v for v in self.versions
                    if v["dag_id"] in known and v["created_at"] <= instant]
        found = {
            "alembic_version": [{"version_num": HEADS[family_of(self.cluster["release"])]}],
            "dag": [self._dag(d, instant, latest.get(d["dag_id"], LastRun())) for d in dags],
            "dag_tag": [{"dag_id": d["dag_id"], "name": t}
                        for d in dags for t in sorted(set(d["tags"] or ()))],
            "slot_pool": list(self._pools()),
            "import_error": list(self._import_errors(dags, instant)),
            "job": list(self._jobs(instant)),
            "log_template": [{"id": 1, "filename": _TEMPLATE, "created_at": self._began(),
                              "elasticsearch_id": "{dag_id}-{task_id}-{run_id}-{map_index}-"
                                                  "{try_number}"}],
            **self._assets(dags, instant),
        }
        return found | (self._bodies_3(versions, instant) if self.is_3
                        else self._bodies_2(versions, gone))

    def _dag(self, dag: Row, instant: datetime, last: LastRun) -> Row:
        is_gone, is_broken = _is_gone(dag, instant), _is_broken(dag, instant)
        parsed_at = dag["last_parsed_at"] if is_gone else _floor(instant, _PARSED_EVERY)
        row = {
            "dag_id": dag["dag_id"], "is_paused": dag["is_paused"], "last_parsed_time": parsed_at,
            "fileloc": serialized.fileloc(dag), "owners": dag["owner"],
            "description": dag["description"], "max_active_tasks": dag["max_active_tasks"],
            "max_active_runs": dag["max_active_runs"], "max_consecutive_failed_dag_runs": 0,
            "has_task_concurrency_limits": False, "has_import_errors": is_broken,
            "timetable_description": _described(dag), **self._next(dag, last)}
        if self.is_3:
            return row | {
                "is_stale": is_gone, "relative_fileloc": dag["relative_fileloc"],
                "bundle_name": BUNDLE, "last_parse_duration": 0.2,
                "timetable_summary": "Asset" if dag["asset_uris"] else dag["schedule"] or "None"}
        interval = '"Dataset"' if dag["asset_uris"] else (
            f'"{dag["schedule"]}"' if dag["schedule"] else "null")
        return row | {"is_active": not is_gone, "is_subdag": False, "default_view": "grid",
                      "processor_subdir": "/opt/airflow/dags", "schedule_interval": interval}

    def _next(self, dag: Row, last: LastRun) -> Row:
        """When the next run is due: null without a clock, or behind the DAG's end."""
        if not dag["schedule"] or dag["asset_uris"]:
            return {}
        floor = (dag["start_at"] or dag["first_seen_at"]) - timedelta(microseconds=1)
        after = max(last.run_after or floor, floor)
        due = cron.next_after(dag["schedule"], after)
        logical = due if self.is_3 else last.run_after
        if logical is None:
            logical, due = due, cron.next_after(dag["schedule"], due)
        if dag["end_at"] is not None and logical > dag["end_at"]:
            return {}
        is_held = last.open_count >= (dag["max_active_runs"] or 16)
        return {"next_dagrun": logical, "next_dagrun_data_interval_start": logical,
                "next_dagrun_data_interval_end": due,
                "next_dagrun_create_after": None if is_held else due}

    def _pools(self) -> Iterator[Row]:
        pools = {"default_pool": 128} | {p["pool"]: p["slots"] for p in self.pools}
        for number, (pool, slots) in enumerate(sorted(pools.items()), start=1):
            yield {"id": number, "pool": pool, "slots": slots, "include_deferred": False,
                   "description": ""}

    def _import_errors(self, dags: list[Row], instant: datetime) -> Iterator[Row]:
        broken = {d["relative_fileloc"]: d for d in dags if _is_broken(d, instant)}
        for number, (path, dag) in enumerate(sorted(broken.items()), start=1):
            since = dag["last_parsed_at"] or dag["first_seen_at"]
            row = {"id": number, "timestamp": since, "stacktrace": dag["import_error"]}
            yield row | ({"filename": path, "bundle_name": BUNDLE} if self.is_3 else
                         {"filename": serialized.fileloc(dag),
                          "processor_subdir": "/opt/airflow/dags"})

    def _jobs(self, instant: datetime) -> Iterator[Row]:
        kinds = ["SchedulerJob", "TriggererJob", *(["DagProcessorJob"] if self.is_3 else [])]
        for number, kind in enumerate(kinds, start=1):
            yield {"id": number, "job_type": kind, "state": "running", "hostname": HOST,
                   "unixname": "airflow", "start_date": self._began(),
                   "latest_heartbeat": _floor(instant, _BEAT_EVERY)}

    def _began(self) -> datetime:
        began: datetime = min(d["first_seen_at"] for d in self.dags)
        return began

    def _bodies_2(self, versions: list[Row], gone: set[str]) -> dict[str, list[Row]]:
        """One body a DAG: the newest; the file's text is not what anyone here wrote."""
        newest = {v["dag_id"]: v for v in versions if v["dag_id"] not in gone}
        places = {d["dag_id"]: serialized.fileloc(d) for d in self.dags}
        files: dict[str, Row] = {}
        for dag_id, version in newest.items():
            path = places[dag_id]
            files[path] = {"fileloc": path, "fileloc_hash": _number(path),
                           "last_updated": version["created_at"],
                           "source_code": _code(version)}
        return {"dag_code": list(files.values()), "serialized_dag": [{
            "dag_id": dag_id, "fileloc": places[dag_id], "fileloc_hash": _number(places[dag_id]),
            "data": v["body"], "last_updated": v["created_at"], "dag_hash": v["dag_hash"],
            "processor_subdir": "/opt/airflow/dags"} for dag_id, v in newest.items()]}

    def _bodies_3(self, versions: list[Row], instant: datetime) -> dict[str, list[Row]]:
        places = {d["dag_id"]: serialized.fileloc(d) for d in self.dags}
        found: dict[str, list[Row]] = {"dag_version": [], "serialized_dag": [], "dag_code": []}
        for version in versions:
            made = {"dag_id": version["dag_id"], "created_at": version["created_at"],
                    "last_updated": version["created_at"]}
            key = version["version_id"]
            found["dag_version"].append(made | {
                "id": key, "version_number": version["version_number"], "bundle_name": BUNDLE})
            found["serialized_dag"].append(made | {
                "id": name_uuid("serialized", key), "dag_version_id": key,
                "data": version["body"], "dag_hash": version["dag_hash"]})
            found["dag_code"].append(made | {
                "id": name_uuid("code", key), "dag_version_id": key,
                "fileloc": places[version["dag_id"]], "source_code": _code(version),
                "source_code_hash": digest(_code(version))})
        return found | {"dag_bundle": [{"name": BUNDLE, "active": True, "template_params": "{}",
                                        "last_refreshed": _floor(instant, _PARSED_EVERY)}]}

    def _assets(self, dags: list[Row], instant: datetime) -> dict[str, list[Row]]:
        made = {"created_at": self._began(), "updated_at": self._began()}
        noun = "asset" if self.is_3 else "dataset"
        known = {d["dag_id"] for d in dags if not _is_gone(d, instant)}
        rows: list[Row] = [
            {"id": n, "uri": uri, "extra": "{}", "created_at": self._began(),
             "updated_at": self._began()} for uri, n in self.assets.items()]
        for row in rows:
            row |= {"name": row["uri"], "group": "asset"} if self.is_3 else {"is_orphaned": False}
        found: dict[str, list[Row]] = {
            noun: rows,
            f"dag_schedule_{noun}_reference": [
                {f"{noun}_id": self.assets[u], "dag_id": d["dag_id"], **made}
                for d in dags if d["dag_id"] in known for u in d["asset_uris"] or ()],
            f"task_outlet_{noun}_reference": [
                {f"{noun}_id": self.assets[u], "dag_id": dag_id, "task_id": task_id, **made}
                for dag_id, task_id, u in self.outlets if dag_id in known]}
        if self.is_3:
            found["asset_active"] = [{"name": u, "uri": u} for u in self.assets]
        return found


def prepare(company: Company, cluster: Row) -> Definitions:
    """The definitions of one cluster of a company."""
    name = cluster["cluster"]
    is_3 = family_of(cluster["release"]) == "3.1"

    def rows(frame: pl.DataFrame, *order: str) -> list[Row]:
        return frame.filter(pl.col("cluster") == name).sort(*order).to_dicts()

    dags = rows(company.dags, "dag_id")
    tasks: dict[tuple[str, int], list[Row]] = {}
    for task in company.tasks.filter(pl.col("cluster") == name).iter_rows(named=True):
        tasks.setdefault((task["dag_id"], task["version_number"]), []).append(task)
    by_id = {d["dag_id"]: d for d in dags}
    versions = []
    for version in rows(company.versions, "dag_id", "version_number"):
        place = (version["dag_id"], version["version_number"])
        text = serialized.body(by_id[place[0]], tasks.get(place, []), is_3=is_3)
        # the hash covers more than what is serialized here, such as an operator's own arguments
        versions.append(version | {"body": text, "dag_hash": digest(text + version["revision"]),
                                   "version_id": name_uuid(company.seed, name, *place)})
    outlets = sorted({(t["dag_id"], t["task_id"], uri) for ts in tasks.values() for t in ts
                      for uri in t["outlet_assets"] or ()})
    uris = {u for _, _, u in outlets} | {u for d in dags for u in d["asset_uris"] or ()}
    return Definitions(cluster, dags, rows(company.pools, "pool"), versions, outlets,
                       {uri: n for n, uri in enumerate(sorted(uris), start=1)})


def _is_gone(dag: Row, instant: datetime) -> bool:
    """Whether the file is not parsed any more: taken away, or broken."""
    return dag["last_parsed_at"] is not None and dag["last_parsed_at"] <= instant


def _is_broken(dag: Row, instant: datetime) -> bool:
    is_since_then = dag["last_parsed_at"] is None or dag["last_parsed_at"] <= instant
    return dag["import_error"] is not None and is_since_then


def _described(dag: Row) -> str:
    if dag["asset_uris"]:
        return "Triggered by assets"
    return (cron.described(dag["schedule"]) if dag["schedule"]
            else "Never, external triggers only")


def _code(version: Row) -> str:
    return f"# {version['dag_id']}, revision {version['revision']}: a made-up DAG file\n"


def _number(text: str) -> int:
    """A hash that fits into 56 bits, as `fileloc_hash` does."""
    return int(digest(text)[:14], 16)


def _floor(instant: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    return instant.replace(microsecond=0) - timedelta(seconds=int(instant.timestamp()) % seconds)
