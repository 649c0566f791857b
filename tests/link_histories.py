"""Two Airflows whose DAGs wait for one another, and what truly held up whom.

    company(random.Random(1), chains=40)  ->  Company: runs, waits and causes as they happened
    company.write(folder, at=...)         ->  {cluster: SQLite URL}, as far as it had happened
    chain(run)                            ->  its chain, by docs/links.md in plain Python

    ingest (3.1.8)    raw:      extract >> load >> audit
    bi (2.10.5)       model:    prepare >> wait_raw >> build >> publish;  side
                      report:   wait_model (ExternalTaskSensor) >> render
                      feed:     read                   a dataset that model.build updates
                      starter:  wait_all (the whole run of model) >> fire >> after
                      target:   work                   run by starter.fire
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.histories import RELEASES
from tests.histories_database import Tables, fill

START = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = 1_000_000
CLUSTERS = {"ingest": "3.1.8", "bi": "2.10.5"}
SEED = ("cluster,dag_id,task_id,upstream_cluster,upstream_dag_id,upstream_task_id,"
        "logical_delta_seconds\nbi,model,wait_raw,ingest,raw,load,\n")
# DAG -> task -> (operator, upstream tasks, other fields)
Spec = dict[str, tuple[str, tuple[str, ...], dict[str, Any]]]
DAGS: dict[str, dict[str, Spec]] = {
    "ingest": {"raw": {"extract": ("PythonOperator", (), {}),
                       "load": ("PythonOperator", ("extract",), {}),
                       "audit": ("PythonOperator", ("load",), {})}},
    "bi": {
        "model": {"prepare": ("PythonOperator", (), {}),
                  "wait_raw": ("PythonSensor", ("prepare",), {}),
                  "build": ("PythonOperator", ("wait_raw",), {}),
                  "publish": ("PythonOperator", ("build",), {}),
                  "side": ("PythonOperator", (), {})},
        "report": {"wait_model": ("ExternalTaskSensor", (), {
                       "external_dag_id": "model", "external_task_ids": ["publish"]}),
                   "render": ("PythonOperator", ("wait_model",), {})},
        "feed": {"read": ("PythonOperator", (), {})},
        "starter": {"wait_all": ("ExternalTaskSensor", (), {"external_dag_id": "model"}),
                    "fire": ("TriggerDagRunOperator", ("wait_all",), {"trigger_dag_id": "target"}),
                    "after": ("PythonOperator", ("fire",), {})},
        "target": {"work": ("PythonOperator", (), {})},
    },
}


@dataclass
class Done:
    """An instance: from when it ran, and until when."""

    started: int
    ended: int


@dataclass
class Cause:
    """Another run that a run waited for, or that made it.

    Attributes:
        kind: sensor, completion, asset or trigger.
        other: the other run.
        task: its awaited task; None: the run.
        external: when that had ended.
        waiter: the task that waited; None: the run was made.
    """

    kind: str
    other: "Happening"
    task: str | None
    external: int
    waiter: str | None = None
    since: int | None = None


@dataclass
class Happening:
    """A run as it happened."""

    cluster: str
    dag_id: str
    number: int
    kind: str
    created: int
    logical: int
    tasks: dict[str, Done] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return f"{self.kind}__{self.number:04d}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.cluster, self.dag_id, self.run_id

    @property
    def ended(self) -> int:
        return max(t.ended for t in self.tasks.values()) + SECOND

    def add(self, task: str, started: int, ended: int) -> int:
        self.tasks[task] = Done(started, ended)
        return ended

    def comes_after(self, task: str, before: str) -> bool:
        """Whether a task is another or comes after it."""
        upstream = DAGS[self.cluster][self.dag_id][task][1]
        return task == before or any(self.comes_after(u, before) for u in upstream)


# --- the oracle --------------------------------------------------------------------------------

Link = tuple[tuple[str, str, str], str | None, str | None, int, int]


def chain(run: Happening) -> list[Link]:
    """(run, its awaited task, how the next run hangs on it, from, until), in the order of time."""
    found: list[tuple[Happening, str | None, str | None, int]] = []
    at: tuple[Happening, str | None, str | None, int] | None = (run, None, None, run.ended)
    while at is not None:
        found.append(at)
        here, entry, _, until = at
        cause = _decisive(here, entry, until)
        at = None if cause is None else (
            cause.other, cause.task, cause.kind, min(cause.external, until))
    froms = [until for *_, until in found[1:]] + [found[-1][0].created]
    links = [(r.key, task, kind, since, until)
             for (r, task, kind, until), since in zip(found, froms, strict=True)]
    return links[::-1] if len(links) > 1 else []


def _decisive(run: Happening, entry: str | None, until: int) -> Cause | None:
    last = entry or max(run.tasks, key=lambda t: run.tasks[t].ended)
    waits = [c for c in run.causes if c.waiter and c.since is not None
             and run.comes_after(last, c.waiter) and c.since < min(c.external, until)]
    if waits:
        return max(waits, key=lambda c: run.tasks[str(c.waiter)].ended)
    return next((c for c in run.causes if c.waiter is None), None)


# --- what happens ------------------------------------------------------------------------------

@dataclass
class Company:
    """All runs of both Airflows."""

    runs: list[Happening]

    def write(self, folder: Path, at: int) -> dict[str, str]:
        """The databases as they were at an instant."""
        return {cluster: _write(cluster, [r for r in self.runs if r.cluster == cluster],
                                folder / f"{cluster}.db", at) for cluster in CLUSTERS}


def company(rng: random.Random, chains: int) -> Company:
    """So many days, on each of which every DAG runs once."""
    runs: list[Happening] = []
    for number in range(chains):
        runs += _day(rng, number)
    return Company(runs)


def _day(rng: random.Random, number: int) -> list[Happening]:
    logical = number * 86_400 * SECOND
    midnight = logical + 86_400 * SECOND

    def took(low: float, high: float) -> int:
        return int(rng.uniform(low, high) * SECOND)

    def run(cluster: str, dag_id: str, created: int, kind: str = "scheduled") -> Happening:
        made = Happening(cluster, dag_id, number, kind, created,
                         logical if kind == "scheduled" else created)
        runs.append(made)
        return made

    def sensor(of: Happening, task: str, begins: int, other: Happening, awaited: str | None) -> int:
        over = other.ended if awaited is None else other.tasks[awaited].ended
        ended = max(over, begins) + took(0.1, 30)
        of.causes.append(Cause("sensor", other, awaited, over, task, begins))
        return of.add(task, begins, ended)

    runs: list[Happening] = []
    raw = run("ingest", "raw", midnight + took(0, 9000))
    at = raw.add("extract", raw.created + took(1, 5), raw.created + took(6, 3000))
    at = raw.add("load", at + took(1, 5), at + took(6, 3000))
    raw.add("audit", at + took(1, 5), at + took(6, 6000))

    model = run("bi", "model", midnight + took(0, 9000))
    at = model.add("prepare", model.created + took(1, 5), model.created + took(6, 3000))
    at = sensor(model, "wait_raw", at + took(1, 5), raw, "load")
    build = at = model.add("build", at + took(1, 5), at + took(6, 900))
    at = model.add("publish", at + took(1, 5), at + took(6, 300))
    model.add("side", model.created + took(1, 5),
              at + took(-30, 30) if rng.random() < 0.5 else model.created + took(6, 60))

    report = run("bi", "report", midnight + took(0, 14_000))
    at = sensor(report, "wait_model", report.created + took(1, 5), model, "publish")
    report.add("render", at + took(1, 5), at + took(6, 900))

    feed = run("bi", "feed", build + took(1, 20), "dataset_triggered")
    feed.causes.append(Cause("asset", model, "build", build))
    feed.add("read", feed.created + took(1, 5), feed.created + took(6, 60))

    starter = run("bi", "starter", midnight + took(0, 14_000))
    at = sensor(starter, "wait_all", starter.created + took(1, 5), model, None)
    fires = at + took(1, 5)
    target = run("bi", "target", fires + took(0.5, 2), "manual")
    target.causes.append(Cause("trigger", starter, "fire", target.created))
    target.add("work", target.created + took(3, 9), target.created + took(10, 2000))
    if rng.random() < 0.5:
        at = starter.add("fire", fires, target.ended + took(0.1, 60))
        starter.causes.append(
            Cause("completion", target, None, target.ended, "fire", target.created))
    else:
        at = starter.add("fire", fires, target.created + took(0.5, 2))
    starter.add("after", at + took(1, 5), at + took(6, 100))
    return runs


# --- as Airflow writes it ----------------------------------------------------------------------

def _write(cluster: str, runs: list[Happening], path: Path, at: int) -> str:
    release = RELEASES[CLUSTERS[cluster]]
    tables, is_new = Tables(release), release.form == "3"
    base = int(START.timestamp()) * SECOND
    for place, (dag_id, spec) in enumerate(DAGS[cluster].items()):
        key, made = f"{place + 1:032x}", base - 86_400 * SECOND
        tables.rows["dag"].append({"dag_id": dag_id, "is_active": True, "is_paused": False,
                                   "max_active_tasks": 16, "bundle_name": "dags"})
        tables.rows["serialized_dag"].append({
            "id": f"{tables.next_id():032x}", "dag_id": dag_id, "dag_version_id": key,
            "dag_hash": key, "fileloc": f"{dag_id}.py", "created_at": made, "last_updated": made,
            "data": json.dumps(_serialized(dag_id, spec, is_new=is_new))})
        if is_new:
            tables.rows["dag_version"].append(
                {"id": key, "dag_id": dag_id, "version_number": 1, "created_at": made})
    for number, run in enumerate(runs, start=1):
        if run.created <= at:
            _add(tables, run, number, at, base)
    if cluster == "bi":
        tables.rows["dataset"].append({"id": 1, "uri": "s3://lake/model", "created_at": base,
                                       "updated_at": base, "is_orphaned": False})
    return fill(tables, path, now=base + at)


def _add(tables: Tables, run: Happening, number: int, at: int, base: int) -> None:
    key = f"{list(DAGS[run.cluster]).index(run.dag_id) + 1:032x}"
    ids = {"dag_id": run.dag_id, "run_id": run.run_id}
    is_over, logical = run.ended <= at, base + run.logical
    moments = [run.created, run.ended, *(m for t in run.tasks.values()
                                         for m in (t.started, t.ended))]
    changed = base + max(m for m in moments if m <= at)
    tables.rows["dag_run"].append({
        **ids, "id": number, "queued_at": base + run.created, "start_date": base + run.created,
        "end_date": base + run.ended if is_over else None, "updated_at": changed,
        "state": "success" if is_over else "running", "run_type": run.kind,
        "execution_date": logical, "logical_date": logical, "run_after": base + run.created,
        "external_trigger": run.kind == "manual", "clear_number": 0, "dag_hash": key,
        "created_dag_version_id": key})
    for place, (task, done) in enumerate(run.tasks.items()):
        has_begun, has_ended = done.started <= at, done.ended <= at
        begun = {"start_date": base + done.started, "queued_dttm": base + done.started,
                 "scheduled_dttm": base + done.started, "pid": 1, "hostname": "worker"}
        tables.rows["task_instance"].append({
            **ids, "id": f"{number * 100 + place:032x}", "task_id": task, "map_index": -1,
            "operator": DAGS[run.cluster][run.dag_id][task][0], "pool": "default_pool",
            "pool_slots": 1, "queue": "default", "max_tries": 0, "try_number": int(has_begun),
            "state": "success" if has_ended else "running" if has_begun else None,
            "end_date": base + done.ended if has_ended else None, "updated_at": changed,
            "hostname": "", "dag_version_id": key, **(begun if has_begun else {})})
    for cause in run.causes:
        if cause.kind == "asset":
            when = START + timedelta(microseconds=cause.external)
            tables.rows["dataset_event"].append({
                "id": number, "dataset_id": 1, "source_dag_id": cause.other.dag_id,
                "source_run_id": cause.other.run_id, "source_task_id": cause.task,
                "source_map_index": -1, "timestamp": f"{when:%Y-%m-%d %H:%M:%S.%f}"})
            tables.rows["dagrun_dataset_event"].append({"dag_run_id": number, "event_id": number})


def _serialized(dag_id: str, spec: Spec, *, is_new: bool) -> dict[str, Any]:
    tasks = [{"__type": "operator", "__var": {
        "task_id": task, "task_type" if is_new else "_task_type": operator,
        "_task_module": "airflow.operators", "pool": "default_pool",
        "downstream_task_ids": sorted(t for t, (_, ups, _) in spec.items() if task in ups),
        **fields}} for task, (operator, _, fields) in spec.items()]
    group = {"_group_id": None, "prefix_group_id": True,
             "children": {task: ["operator", task] for task in spec}}
    return {"__version": 3 if is_new else 1, "dag": {
        "dag_id" if is_new else "_dag_id": dag_id, "task_group" if is_new else "_task_group": group,
        "tasks": tasks, "timezone": "UTC", "fileloc": f"/opt/airflow/dags/{dag_id}.py",
        "edge_info": {}, "catchup": True}}
