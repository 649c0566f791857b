"""The parts of the structure door: schedules, resources, URIs, links between DAGs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.sources.airflow_db.structure import DagStructure, project
from ingest.sources.airflow_db.structure.assets import mask_uri
from ingest.sources.airflow_db.structure.readers import Unreadable
from ingest.sources.airflow_db.structure.resources import cpu_cores, memory_bytes


def with_tasks(*tasks: dict[str, Any], version: int = 3, **dag: Any) -> DagStructure:
    wrapped = [{"__var": task, "__type": "operator"} for task in tasks]
    return project({"__version": version, "dag": {"dag_id": "d", "tasks": wrapped, **dag}})


def with_dag(version: int = 1, **dag: Any) -> DagStructure:
    return project({"__version": version, "dag": {"dag_id": "d", "_task_group": None, **dag}})


class TestSchedules:
    @pytest.mark.parametrize(
        ("dag", "expected"),
        [
            ({}, ("delta", "86400")),
            ({"schedule_interval": None}, ("none", None)),
            ({"schedule_interval": "@once"}, ("once", None)),
            ({"schedule_interval": "@continuous"}, ("continuous", None)),
            ({"schedule_interval": "@daily"}, ("preset", "@daily")),
            ({"schedule_interval": "5 4 * * MON-FRI"}, ("cron", "5 4 * * MON-FRI")),
            ({"schedule_interval": {"__var": 90.5, "__type": "timedelta"}}, ("delta", "90.5")),
            (
                {"schedule_interval": {"__var": {"months": 1}, "__type": "relativedelta"}},
                ("delta", "months=1"),
            ),
            ({"schedule_interval": "whenever hunter2"}, ("unknown", None)),
            ({"schedule_interval": ["x"]}, ("unknown", None)),
            ({"schedule_interval": "Dataset"}, ("dataset", None)),
            (
                {"timetable": {"__type": "my.plugin.T", "__var": {"expression": "0 0 * * *"}}},
                ("timetable", None),
            ),
            (
                {
                    "timetable": {
                        "__type": "airflow.timetables.trigger.MultipleCronTriggerTimetable",
                        "__var": {"expressions": ["0 1 * * *", "0 2 * * *"], "timezone": 19800},
                    }
                },
                ("cron", "0 1 * * *; 0 2 * * *"),
            ),
            (
                {
                    "timetable": {
                        "__type": "airflow.timetables.assets.AssetOrTimeSchedule",
                        "__var": {
                            "timetable": {
                                "__type": "airflow.timetables.trigger.CronTriggerTimetable",
                                "__var": {"expression": "0 1 * * 3", "timezone": "UTC"},
                            },
                            "asset_condition": {"__type": "asset", "name": "a", "uri": "a"},
                        },
                    }
                },
                ("asset", "0 1 * * 3"),
            ),
            ({"timetable": {"__type": 3}}, ("unknown", None)),
        ],
    )
    def test_vocabulary(self, dag: dict[str, Any], expected: tuple[str, str | None]) -> None:
        row = with_dag(**dag).dag
        assert (row["schedule_kind"], row["schedule_expression"]) == expected

    def test_a_calendar_delta_has_no_seconds_and_a_fixed_one_has(self) -> None:
        for value, seconds in (({"months": 1}, None), ({"days": 1, "hours": 2}, 93600.0)):
            interval = {"__var": value, "__type": "relativedelta"}
            assert with_dag(schedule_interval=interval).dag["schedule_seconds"] == seconds

    def test_fixed_offsets_are_zones_too(self) -> None:
        assert with_dag(timezone=19800).dag["timezone"] == "+05:30"
        assert with_dag(timezone=-3600).dag["timezone"] == "-01:00"

    def test_dataset_triggers_before_conditions(self) -> None:
        triggers = [
            {"__type": "dataset", "__var": {"uri": "s3://b"}},
            {"__type": "dataset", "uri": "a"},
        ]
        timetable = {"__type": "airflow.timetables.simple.DatasetTriggeredTimetable", "__var": {}}
        row = with_dag(timetable=timetable, dataset_triggers=triggers).dag
        assert json.loads(row["asset_condition"]) == {
            "kind": "all",
            "objects": [{"kind": "asset", "uri": "a"}, {"kind": "asset", "uri": "s3://b"}],
        }

    def test_deadlines_in_place_and_by_id(self) -> None:
        alert = {"__type": "deadline_alert", "__var": {"interval": 60.0, "callback": "hunter2"}}
        row = with_dag(3, deadline=[alert, "01a201ec-b97c-75fe-9a50-819a1e5606e1"]).dag
        assert (row["deadline_count"], row["deadline_intervals_seconds"]) == (2, [60.0])
        assert row["deadline_alert_ids"] == ["01a201ec-b97c-75fe-9a50-819a1e5606e1"]


class TestResources:
    @pytest.mark.parametrize(
        ("text", "cores"),
        [("500m", 0.5), ("2", 2.0), (0.25, 0.25), (3, 3.0), ("1.5", 1.5), ("250000u", 0.25)],
    )
    def test_cores(self, text: Any, cores: float) -> None:
        assert cpu_cores(text) == cores

    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("2Gi", 2**31),
            ("512Mi", 2**29),
            ("1G", 10**9),
            ("1e9", 10**9),
            ("1E", 10**18),
            ("1.5Ki", 1536),
            ("100k", 100_000),
            ("1500m", 2),
            (1e9, 10**9),
            (4096, 4096),
            (".5Gi", 2**29),
        ],
    )
    def test_bytes(self, text: Any, amount: int) -> None:
        assert memory_bytes(text) == amount

    @pytest.mark.parametrize(
        "text", ["", "2GB", "-1", "1e999", "Gi", "1 Gi", True, None, "9" * 99, float("inf"), "8Ei"]
    )
    def test_what_is_no_quantity(self, text: Any) -> None:
        with pytest.raises(Unreadable):
            memory_bytes(text)

    def test_pod_override_beats_the_dict_and_its_base_container_counts(self) -> None:
        pod = {
            "spec": {
                "containers": [
                    {"name": "side", "resources": {"requests": {"cpu": "9"}}},
                    {"name": "base", "env": [{"value": "hunter2"}], "resources": {
                        "requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": 1}}},
                ]
            }
        }  # fmt: skip
        config = {
            "pod_override": {"__type": "k8s.V1Pod", "__var": pod},
            "KubernetesExecutor": {"request_cpu": "250m", "request_memory": "8Gi"},
        }
        (row,) = with_tasks({"task_id": "t", "executor_config": config}).tasks
        assert (row["requested_memory_bytes"], row["requested_cpu_cores"]) == (2**30, 0.25)
        assert (row["limit_memory_bytes"], row["limit_cpu_cores"]) == (2**31, 1.0)
        assert row["resources_basis"] == "pod_override"

    def test_operator_resources(self) -> None:
        declared = {"cpus": {"qty": 2}, "ram": {"name": "RAM", "qty": 512, "units_str": "MB"}}
        (row,) = with_tasks({"task_id": "t", "resources": declared}).tasks
        assert (row["requested_cpu_cores"], row["requested_memory_bytes"]) == (2.0, 512 * 2**20)


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("s3://bucket/key/a@b.csv", "s3://bucket/key/a@b.csv"),
        ("postgres://u:hunter2@h:5432/db/t", "postgres://h:5432/db/t"),
        ("postgres://u:hun@ter2@h/db", "postgres://h/db"),
        ("postgres://u:hun/ter2@h/db", "postgres://h/db"),
        ("postgres://u:hun?ter2@h/db", "postgres://h/db"),
        ("https://token-hunter2@h/x", "https://h/x"),
        ("https://h:8080/users/a@b?sig=hunter2#hunter2", "https://h:8080/users/a@b"),
        ("jdbc:sqlserver://h:1433;user=sa;password=hunter2", "jdbc:sqlserver://h:1433"),
        ("jdbc:oracle:thin:u/hunter2@h:1521/x", "h:1521/x"),
        ("dataset:mysql://u:hunter2@h/db", "dataset:mysql://h/db"),
        ("orders?api_key=hunter2", "orders"),
        ("password=hunter2", ""),
        ("sales_etl", "sales_etl"),
        ("orders/daily", "orders/daily"),
        ("secret-store://vault/x", "secret-store://vault/x"),
        ("a://u:hunter2@h,b://u:hunter2@h2", "a://h,b://h2"),
    ],
)
def test_uris_lose_their_credentials(uri: str, masked: str) -> None:
    assert mask_uri(uri) == masked


def test_dependencies_are_masked_and_templates_are_null() -> None:
    asset = json.dumps({"name": "orders", "uri": "postgres://u:hunter2@h/db/s/t"})
    declared = [
        {"source": "d", "target": "asset", "dependency_type": "asset", "dependency_id": asset},
        {"source": "{{ var.value.x }}", "target": "d", "dependency_type": "sensor",
         "dependency_id": "w", "label": "hunter2"},
        {"source": 3, "target": "d", "dependency_type": "sensor"},
        "hunter2",
    ]  # fmt: skip
    structure = with_tasks(dag_dependencies=declared)
    assert structure.faults == ["dag.dag_dependencies[2]", "dag.dag_dependencies[3]"]
    sensor = next(row for row in structure.dependencies if row["dependency_type"] == "sensor")
    assert (sensor["source"], sensor["target"]) == (None, "d")
    produced = next(row for row in structure.dependencies if row["dependency_type"] == "asset")
    assert (produced["asset_name"], produced["asset_uri"]) == ("orders", "postgres://h/db/s/t")
    assert "hunter2" not in json.dumps(structure.dependencies)


def test_instants_are_utc() -> None:
    (row,) = with_tasks({"task_id": "t", "start_date": -62135596800.0}).tasks
    assert row["start_date_at"] == datetime(1, 1, 1, tzinfo=UTC)
