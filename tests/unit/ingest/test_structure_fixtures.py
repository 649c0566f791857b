"""The structure door against databases that real Airflow releases wrote.

tests/fixtures/airflow/<release>/*.db.xz │ airflow.sql.xz ─► serialized_dag ─► decode ─► project
"""

import functools
import json
import lzma
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.sources.airflow_db.structure import (
    DAG_SCHEMA,
    DEPENDENCY_SCHEMA,
    GROUP_SCHEMA,
    TASK_SCHEMA,
    DagStructure,
    decode,
    project_all,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "airflow"
FILES = sorted([*FIXTURES.glob("*/*.db.xz"), *FIXTURES.glob("*/airflow.sql.xz")])
PLANTED = ("hunter2", "SUPERSECRETPW", "VALSECRET", "s3cr3t", "PLANTED")
ARGUMENTS = {
    "bash_command", "env", "op_args", "op_kwargs", "conf", "doc_md", "templates_dict", "queries",
    "default", "default_args", "default_value", "on_failure_callback", "body", "subject", "url",
    "description", "_description", "html_content", "requirements", "tooltip",
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}

Row = tuple[Any, bytes | None]


def sqlite_rows(path: Path) -> Iterator[Row]:
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(lzma.decompress(path.read_bytes()))
        columns = {row[1] for row in connection.execute("pragma table_info(serialized_dag)")}
        packed = "data_compressed" if "data_compressed" in columns else "null"
        yield from connection.execute(f"select data, {packed} from serialized_dag")
    connection.close()


def postgres_rows(path: Path) -> Iterator[Row]:
    """The COPY block of a plain dump."""
    columns: list[str] = []
    for line in lzma.decompress(path.read_bytes()).decode().split("\n"):
        if line.startswith("COPY public.serialized_dag "):
            columns = line[line.index("(") + 1 : line.index(")")].split(", ")
        elif columns and line == "\\.":
            return
        elif columns:
            row = dict(zip(columns, line.split("\t"), strict=True))
            data = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), row["data"])
            packed = row["data_compressed"]
            yield data, None if packed == "\\N" else bytes.fromhex(packed.removeprefix("\\\\x"))


@functools.cache
def load(path: Path) -> tuple[tuple[dict[str, Any], tuple[DagStructure, ...]], ...]:
    rows = postgres_rows(path) if ".sql" in path.name else sqlite_rows(path)
    documents = [decode(*row) for row in rows]
    return tuple((document, tuple(project_all(document))) for document in documents)


def of(release: str, dag_id: str) -> DagStructure:
    """The newest structure of one DAG."""
    name = "airflow.sql.xz" if release == "3.3.2" else "airflow.db.xz"
    every = [s for _, all_ in load(FIXTURES / release / name) for s in all_]
    return [s for s in every if s.dag["dag_id"] == dag_id][-1]


def task(release: str, dag_id: str, task_id: str) -> dict[str, Any]:
    return next(row for row in of(release, dag_id).tasks if row["task_id"] == task_id)


def everything(structure: DagStructure) -> str:
    return json.dumps(
        [
            structure.dag,
            structure.groups,
            structure.tasks,
            structure.dependencies,
            structure.faults,
        ],
        default=str,
        ensure_ascii=False,
    )


def arguments(value: Any, inside: bool = False) -> Iterator[str]:
    """Every text of some length under a key of ARGUMENTS."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from arguments(item, inside or key in ARGUMENTS)
    elif isinstance(value, list):
        for item in value:
            yield from arguments(item, inside)
    elif inside and isinstance(value, str) and len(value) > 14:
        yield value


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_fixtures_of_every_generation_are_here() -> None:
    versions = {s.dag["format_version"] for path in FILES for _, all_ in load(path) for s in all_}
    assert {1, 3} <= versions


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
class TestEveryFixture:
    def test_no_field_is_unreadable(self, path: Path) -> None:
        assert load(path)
        assert {s.dag["dag_id"]: s.faults for _, all_ in load(path) for s in all_ if s.faults} == {}

    def test_rows_fit_their_closed_schemas(self, path: Path) -> None:
        structures = [s for _, all_ in load(path) for s in all_]
        for schema, rows in (
            (DAG_SCHEMA, [s.dag for s in structures]),
            (GROUP_SCHEMA, [row for s in structures for row in s.groups]),
            (TASK_SCHEMA, [row for s in structures for row in s.tasks]),
            (DEPENDENCY_SCHEMA, [row for s in structures for row in s.dependencies]),
        ):
            assert {frozenset(row) for row in rows} <= {frozenset(schema.names)}
            pa.Table.from_pylist(rows, schema=schema).validate(full=True)

    def test_edges_are_the_ones_a_plain_reading_finds(self, path: Path) -> None:
        for document, (structure, *_) in load(path):
            tasks = [t.get("__var", t) for t in document["dag"]["tasks"]]
            keys = ("downstream_task_ids", "_downstream_task_ids")
            expected = {(t["task_id"], d) for t in tasks for k in keys for d in t.get(k, [])}
            downstream = {
                (t["task_id"], d) for t in structure.tasks for d in t["downstream_task_ids"]
            }
            upstream = {(u, t["task_id"]) for t in structure.tasks for u in t["upstream_task_ids"]}
            assert downstream == upstream == expected
            assert [t["task_id"] for t in structure.tasks] == sorted(t["task_id"] for t in tasks)
            assert structure.dag["edge_count"] == len(expected)
            depth = {t["task_id"]: t["depth_index"] for t in structure.tasks}
            assert all(depth[source] < depth[target] for source, target in expected)

    def test_no_argument_comes_out(self, path: Path) -> None:
        for document, structures in load(path):
            found = "".join(everything(s) for s in structures)
            assert not [secret for secret in PLANTED if secret in found]
            ids = {
                row.get("task_id", row["dag_id"]) for s in structures for row in [s.dag, *s.tasks]
            }
            assert not [
                text for text in arguments(document["dag"]) if text in found and text not in ids
            ]

    def test_settings_are_explicit(self, path: Path) -> None:
        for structure in (s for _, all_ in load(path) for s in all_):
            assert structure.dag["schedule_kind"] != "unknown"
            assert isinstance(structure.dag["catchup"], bool)
            assert structure.dag["max_active_runs"] > 0
            for row in structure.tasks:
                assert row["pool"]
                assert row["owner"]
                assert row["retries"] >= 0
                assert row["retry_delay_seconds"] > 0
                assert row["operator"] != "BaseOperator"
                assert row["operator_module"]


def test_the_fixtures_hold_planted_secrets() -> None:
    planted = {
        secret
        for path in FILES
        for document, _ in load(path)
        for secret in PLANTED
        if secret in json.dumps(document)
    }
    assert planted


def test_compressed_rows_give_the_same_structure() -> None:
    packed = load(FIXTURES / "2.11.0" / "airflow-compressed.db.xz")
    assert len(packed) == 4
    for _, (structure,) in packed:
        assert structure == of("2.11.0", structure.dag["dag_id"])


@pytest.mark.parametrize("release", ["2.11.0", "3.3.2"])
class TestAnswersReadFromTheDagFiles:
    """Expected values were read from scheduling_cases.py, groups.py, mapped.py, … by hand."""

    def test_dates(self, release: str) -> None:
        ended = of(release, "ended_dag").dag
        assert ended["start_date_at"] == at(2026, 11, 10)
        assert ended["end_date_at"] == ended["latest_run_at"] == at(2026, 11, 12)
        assert of(release, "future_start").dag["earliest_run_at"] == at(2027, 3, 1)
        assert task(release, "task_ended", "old")["end_date_at"] == at(2026, 11, 19)
        assert task(release, "task_ended", "live")["end_date_at"] is None
        assert task(release, "task_ended", "live")["start_date_at"] == at(2026, 11, 18)
        assert of(release, "task_ended").dag["latest_run_at"] is None

    def test_limits_of_dags(self, release: str) -> None:
        assert of(release, "max_active").dag["max_active_runs"] == 1
        assert of(release, "max_active_tasks").dag["max_active_tasks"] == 1
        assert of(release, "paused_dag").dag["max_active_tasks"] == 16
        assert of(release, "run_timeout").dag["dagrun_timeout_seconds"] == 25.0
        assert of(release, "subhour_catchup").dag["catchup"] is True
        assert of(release, "paused_dag").dag["catchup"] is False
        assert of(release, "paused_dag").dag["is_paused_upon_creation"] is True
        assert of(release, "no_schedule").dag["catchup"] is (release == "2.11.0")

    def test_schedules(self, release: str) -> None:
        def schedule(dag_id: str) -> tuple[Any, ...]:
            dag = of(release, dag_id).dag
            return dag["schedule_kind"], dag["schedule_expression"], dag["schedule_timezone"]

        is_3 = release == "3.3.2"
        assert schedule("subhour_catchup") == ("cron", "*/15 * * * *", "UTC")
        assert schedule("ny_tz") == ("cron", "30 2 * * *", "America/New_York")
        assert schedule("cron_trigger") == ("cron", "15 * * * *", "Europe/Berlin")
        assert schedule("no_schedule") == ("none", None, "UTC")
        assert schedule("run_timeout") == ("once", None, "UTC")
        expected = ("cron", "0 * * * *", "UTC") if is_3 else ("preset", "@hourly", "UTC")
        assert schedule("future_start") == expected
        assert schedule("retries") == ("delta", "1800", "UTC")
        assert of(release, "retries").dag["schedule_seconds"] == 1800.0
        assert schedule("ds_consumer") == ("asset" if is_3 else "dataset", None, "UTC")

    def test_asset_conditions(self, release: str) -> None:
        any_ = json.loads(of(release, "ds_any").dag["asset_condition"])
        assert any_["kind"] == "any"
        assert [o["uri"] for o in any_["objects"]] == [
            "s3://lake/never_updated",
            "s3://lake/orders",
        ]
        all_ = json.loads(of(release, "ds_consumer").dag["asset_condition"])
        assert (all_["kind"], len(all_["objects"])) == ("all", 2)

    def test_blocking_settings_of_tasks(self, release: str) -> None:
        assert task(release, "past_blocked", "q")["depends_on_past"] is True
        assert task(release, "wait_downstream", "p")["wait_for_downstream"] is True
        big = task(release, "pool_too_big", "needs_5")
        assert (big["pool"], big["pool_slots"]) == ("one_slot", 5)
        assert task(release, "pool_one_slot", "t3")["priority_weight"] == 7
        assert task(release, "stuck_queued", "other_queue")["queue"] == "gpu_workers"
        assert task(release, "stuck_queued", "other_queue")["pool"] == "default_pool"
        exhausts = task(release, "retries", "exhausts")
        assert (exhausts["retries"], exhausts["retry_delay_seconds"]) == (2, 6.0)
        assert exhausts["retry_exponential_backoff"] is True
        assert exhausts["max_retry_delay_seconds"] == 20.0
        waits = task(release, "retry_waiting", "waits_an_hour")
        assert (waits["retries"], waits["retry_delay_seconds"]) == (3, 21600.0)
        assert task(release, "retries", "after")["retry_delay_seconds"] == 6.0
        assert task(release, "paused_dag", "x")["retry_delay_seconds"] == 300.0

    def test_resources(self, release: str) -> None:
        row = task(release, "heavy", "child_procs")
        assert row["requested_memory_bytes"] == 2 * 2**30
        assert row["requested_cpu_cores"] == 0.5
        assert row["resources_basis"] == "kubernetes_executor"
        assert task(release, "heavy", "mem300_cpu4")["resources_basis"] is None

    def test_groups(self, release: str) -> None:
        structure = of(release, "groups_setup")
        groups = {g["task_group_id"]: g for g in structure.groups}
        assert sorted(groups) == ["ingest", "ingest.raw", "noprefix"]
        assert groups["ingest.raw"]["parent_task_group_id"] == "ingest"
        assert groups["noprefix"]["is_prefixed"] is False
        labels = {t["task_id"]: (t["task_group_id"], t["label"]) for t in structure.tasks}
        assert labels["ingest.raw.a"] == ("ingest.raw", "a")
        assert labels["ingest.c"] == ("ingest", "c")
        assert labels["plain_id"] == ("noprefix", "plain_id")
        assert labels["body"] == (None, "body")
        assert task(release, "groups_setup", "make_cluster")["is_setup"] is True
        drop = task(release, "groups_setup", "drop_cluster")
        assert (drop["is_teardown"], drop["trigger_rule"]) == (True, "all_done_setup_success")

    def test_mapped_tasks(self, release: str) -> None:
        process = task(release, "mapped_tasks", "process")
        assert (process["is_mapped"], process["map_kind"]) == (True, "xcom")
        assert (process["owner"], process["retries"]) == ("ml", 1)
        assert process["retry_delay_seconds"] == 4.0
        assert process["custom_operator_name"] == "@task"
        assert process["upstream_task_ids"] == ["files"]
        assert process["downstream_task_ids"] == ["total"]
        bash = task(release, "mapped_tasks", "bash_mapped")
        assert (bash["map_kind"], bash["map_literal_count"]) == ("literal", 2)
        assert task(release, "mapped_tasks", "total")["trigger_rule"] == "all_done"
        assert task(release, "mapped_tasks", "total")["is_mapped"] is False

    def test_links_between_dags(self, release: str) -> None:
        wait = task(release, "external_wait", "wait_sales")
        assert (wait["external_dag_id"], wait["external_task_ids"]) == ("sales_etl", ["done"])
        assert (wait["is_sensor"], wait["sensor_basis"]) == (True, "declared")
        assert wait["sensor_mode"] == "reschedule"
        assert task(release, "external_wait", "wait_missing")["sensor_mode"] == "poke"
        assert task(release, "triggers_other", "fire")["trigger_dag_id"] == "conf_dag"
        (row,) = of(release, "triggers_other").dependencies
        assert (row["source"], row["target"]) == ("triggers_other", "conf_dag")
        produced = of(release, "ds_producer").dependencies
        uris = sorted(row["asset_uri"] for row in produced)
        assert uris == ["s3://lake/customers", "s3://lake/orders"]

    def test_params_and_callbacks(self, release: str) -> None:
        params = json.loads(of(release, "conf_dag").dag["params_schema"])
        assert params == [
            {"has_default": True, "name": "n", "type": "integer"},
            {"has_default": True, "name": "source", "type": "string"},
        ]
        assert of(release, "sla_callbacks").dag["has_on_failure_callback"] is True
        bad = task(release, "sla_callbacks", "bad")
        assert (bad["has_on_failure_callback"], bad["has_on_retry_callback"]) == (True, False)
        slow = task(release, "sla_callbacks", "slow")
        assert slow["sla_seconds"] == (5.0 if release == "2.11.0" else None)
        assert of(release, "sla_callbacks").dag["deadline_count"] == (release == "3.3.2")


class TestTheOldestRelease:
    def test_edges_sensors_and_dependencies_come_from_task_fields(self) -> None:
        wait = next(t for t in of("1.10.15", "sales_etl").tasks if t["task_id"] == "clean")
        assert wait["downstream_task_ids"] == ["aggregate", "score"]
        assert wait["sla_seconds"] == 60.0
        every = [s for _, all_ in load(FIXTURES / "1.10.15" / "airflow.db.xz") for s in all_]
        links = [row for s in every for row in s.dependencies]
        assert [(r["source"], r["dependency_type"]) for r in links] == [("sales_etl", "sensor")]
        assert {t["sensor_basis"] for s in every for t in s.tasks} == {"name", None}

    def test_subdags_are_found_inside_their_parents(self) -> None:
        child = of("1.10.15", "sub_parent.child")
        assert [t["task_id"] for t in child.tasks] == ["s1", "s2"]
        assert child.tasks[0]["downstream_task_ids"] == ["s2"]

    def test_dates_of_tasks_bound_the_runs(self) -> None:
        dag = of("1.10.15", "sales_etl").dag
        assert dag["start_date_at"] is None
        assert dag["earliest_run_at"] == datetime.fromtimestamp(1795312800, tz=UTC)
        assert dag["has_on_failure_callback"] is None
