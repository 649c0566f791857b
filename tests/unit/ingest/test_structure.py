"""The structure door on hand-made documents: decoding, defaults, hashes, what is malformed."""

import hashlib
import json
import zlib
from typing import Any

import pyarrow as pa
import pytest

from ingest.sources.airflow_db.structure import (
    DAG_SCHEMA,
    TASK_SCHEMA,
    DagStructure,
    StructureError,
    decode,
    project,
    project_all,
)
from windsock.errors import SourceCorruptError

MINIMAL = {"__version": 1, "dag": {"_dag_id": "d", "tasks": []}}


def with_tasks(*tasks: dict[str, Any], version: int = 3, **dag: Any) -> DagStructure:
    wrapped = [{"__var": task, "__type": "operator"} for task in tasks]
    return project({"__version": version, "dag": {"dag_id": "d", "tasks": wrapped, **dag}})


def with_dag(version: int = 1, **dag: Any) -> DagStructure:
    return project({"__version": version, "dag": {"dag_id": "d", "_task_group": None, **dag}})


class TestDecode:
    def test_text_bytes_dict_and_compressed_agree(self) -> None:
        text = json.dumps(MINIMAL)
        packed = zlib.compress(text.encode())
        for data, compressed in (
            (text, None),
            (text.encode(), None),
            (MINIMAL, None),
            ("null", packed),
            (None, packed),
            ("", memoryview(packed)),
            (packed, None),
        ):
            assert decode(data, compressed) == MINIMAL  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("data", "compressed"),
        [
            (None, None),
            ("null", None),
            ("", b""),
            ("[1]", None),
            ("7", None),
            ('{"dag": {"a": "hunter2', None),
            (b'{"dag": "hunter2\xff"}', None),
            (None, b"\x78\x9chunter2"),
            (None, zlib.compress(b'{"dag": "hunter2"}')[:-6]),
            ('{"a":' * 100_000, None),
            ("[" * 100_000, None),
            ('{"a": ' + "9" * 5000 + "}", None),
        ],
    )
    def test_damage_is_told_without_the_text(self, data: Any, compressed: Any) -> None:
        with pytest.raises(StructureError) as caught:
            decode(data, compressed)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert isinstance(caught.value, SourceCorruptError)

    def test_a_zlib_bomb_is_not_unpacked(self) -> None:
        bomb = zlib.compress(b'{"a": "' + b"0" * 3_000_000 + b'"}', 9)
        with pytest.raises(StructureError, match="more than 1000000 bytes"):
            decode(None, bomb, max_bytes=1_000_000)
        with pytest.raises(StructureError, match="larger than 10 bytes"):
            decode(json.dumps(MINIMAL), None, max_bytes=10)

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"dag": None},
            {"dag": []},
            {"dag": {}},
            {"dag": {"dag_id": 7}},
            {"dag": {"dag_id": ""}},
            {"dag": {"dag_id": "x" * 251}},
        ],
    )
    def test_no_dag_no_structure(self, document: dict[str, Any]) -> None:
        with pytest.raises(StructureError):
            project(document)


class TestDefaults:
    @pytest.mark.parametrize(("version", "catchup"), [(1, True), (2, False), (3, False)])
    def test_absent_keys_of_a_dag(self, version: int, catchup: bool) -> None:
        dag = with_dag(version).dag
        assert dag["catchup"] is catchup
        assert (dag["max_active_runs"], dag["max_active_tasks"]) == (16, 16)
        assert dag["fail_fast"] is (None if version == 1 else False)
        assert dag["tags"] == []
        assert dag["timezone"] == "UTC"

    def test_absent_keys_of_a_task(self) -> None:
        (row,) = with_tasks({"task_id": "t"}).tasks
        expected = {
            "trigger_rule": "all_success", "retries": 0, "retry_delay_seconds": 300.0,
            "pool": "default_pool", "pool_slots": 1, "queue": "default", "owner": "airflow",
            "priority_weight": 1, "weight_rule": "downstream", "depends_on_past": False,
            "retry_exponential_backoff": False, "retry_backoff_multiplier": 0.0,
        }  # fmt: skip
        assert {key: row[key] for key in expected} == expected

    def test_a_task_over_partial_kwargs_over_client_defaults(self) -> None:
        document = {
            "__version": 3,
            "client_defaults": {"tasks": {"retries": 5, "pool": "site", "owner": "site"}},
            "dag": {
                "dag_id": "d",
                "tasks": [
                    {
                        "task_id": "m",
                        "_is_mapped": True,
                        "partial_kwargs": {
                            "pool": "mine",
                            "owner": "partial",
                            "retry_delay": {"__var": 9.0, "__type": "timedelta"},
                            "execution_delta": {"__var": 3600.0, "__type": "timedelta"},
                        },
                        "owner": "own",
                        "expand_input": {"type": "dict-of-lists", "value": {"a": [1, 2], "b": [3]}},
                    }
                ],
            },
        }
        (row,) = project(document).tasks
        assert (row["retries"], row["pool"], row["owner"]) == (5, "mine", "own")
        assert row["retry_delay_seconds"] == 9.0
        assert row["external_logical_delta_seconds"] == 3600.0
        assert (row["map_kind"], row["map_literal_count"]) == ("literal", 2)

    def test_wrapped_and_bare_are_the_same(self) -> None:
        bare = {"task_id": "t", "retry_delay": 5.0, "start_date": 0, "downstream_task_ids": []}
        wrapped = {
            "task_id": "t",
            "retry_delay": {"__var": 5.0, "__type": "timedelta"},
            "start_date": {"__var": 0.0, "__type": "datetime"},
            "downstream_task_ids": {"__var": [], "__type": "set"},
        }
        assert with_tasks(bare) == with_tasks(wrapped)

    def test_backoff_as_flag_and_as_number(self) -> None:
        for value, expected in ((True, (True, 2.0)), (0, (False, 0.0)), (3, (True, 3.0))):
            (row,) = with_tasks({"task_id": "t", "retry_exponential_backoff": value}).tasks
            assert (row["retry_exponential_backoff"], row["retry_backoff_multiplier"]) == expected


class TestMalformed:
    def test_wrong_types_become_null_and_are_named(self) -> None:
        wrong = {
            "retries": "many", "retry_delay": True, "pool": 7, "depends_on_past": "yes",
            "start_date": "2026", "end_date": 1e300, "priority_weight": 10**30, "sla": "NaN",
            "executor_config": [1], "partial_kwargs": 3, "external_dag_id": {"a": 1},
        }  # fmt: skip
        structure = with_tasks({"task_id": "t", **wrong})
        (row,) = structure.tasks
        assert row["retries"] is row["pool"] is row["start_date_at"] is row["end_date_at"] is None
        named = {fault.removeprefix("tasks[0].").split(".")[0] for fault in structure.faults}
        assert set(wrong) - {"executor_config"} <= named
        pa.Table.from_pylist(structure.tasks, schema=TASK_SCHEMA)

    def test_tasks_without_a_sound_id_are_left_out(self) -> None:
        structure = with_tasks({"task_id": 3}, {"task_id": "a"}, {"task_id": "a"}, {})
        assert [row["task_id"] for row in structure.tasks] == ["a"]
        assert structure.faults == ["tasks[0]", "tasks[2].task_id", "tasks[3]"]

    def test_edges_to_nowhere_and_round_in_circles(self) -> None:
        structure = with_tasks(
            {"task_id": "root", "downstream_task_ids": ["a", "gone", 3]},
            {"task_id": "a", "downstream_task_ids": ["b"]},
            {"task_id": "b", "downstream_task_ids": ["a", "after"]},
            {"task_id": "after", "downstream_task_ids": "root"},
        )
        rows = {row["task_id"]: row for row in structure.tasks}
        assert rows["root"]["downstream_task_ids"] == ["a"]
        assert {task_id: row["depth_index"] for task_id, row in rows.items()} == {
            "root": 0, "a": None, "b": None, "after": None,
        }  # fmt: skip
        assert "tasks.cycle" in structure.faults
        assert "tasks[0].downstream_task_ids" in structure.faults
        assert "tasks[3].downstream_task_ids" in structure.faults

    def test_ten_thousand_tasks_in_a_row(self) -> None:
        last = 9_999
        tasks: list[dict[str, Any]] = [
            {"task_id": f"t{n}", "downstream_task_ids": [f"t{n + 1}"] if n < last else []}
            for n in range(last + 1)
        ]
        structure = with_tasks(*tasks)
        assert max(row["depth_index"] for row in structure.tasks) == last

    def test_groups_that_hold_themselves(self) -> None:
        group: dict[str, Any] = {"children": {"t": ["operator", "t"], "x": ["operator", 3]}}
        group["children"]["g"] = ["taskgroup", group]
        structure = with_tasks({"task_id": "t"}, task_group=group)
        assert [row["task_group_id"] for row in structure.groups] == ["g"]
        assert structure.faults == ["task_group.children"]

    def test_nesting_a_thousand_deep(self) -> None:
        condition: Any = {"__type": "asset", "uri": "s3://a"}
        group: Any = {"children": {}}
        nested: Any = []
        for n in range(5_000):
            condition = {"__type": "asset_any", "objects": [condition]}
            group = {"children": {f"g{n}": ["taskgroup", group]}}
            nested = [nested]
        timetable = {"__type": "airflow.timetables.X", "__var": {"asset_condition": condition}}
        task = {
            "task_id": "t",
            "external_dag_id": nested,
            "deps": nested,
            "executor_config": nested,
        }
        structure = with_tasks(task, timetable=timetable, task_group=group, params=nested)
        assert structure.dag["asset_condition"] is None
        assert len(structure.groups) == 5_000

    def test_text_that_utf8_cannot_hold(self) -> None:
        structure = with_tasks({"task_id": "t", "owner": "a\ud800\0b"}, tags=["\udfff"])
        assert structure.tasks[0]["owner"] == "a\ufffd\ufffdb"
        pa.Table.from_pylist([structure.dag], schema=DAG_SCHEMA)

    def test_a_version_of_the_future(self) -> None:
        structure = with_tasks({"task_id": "t"}, version=4)
        assert (structure.dag["format_version"], structure.faults) == (4, ["__version"])
        assert structure.dag["catchup"] is False

    def test_a_malformed_subdag_is_left_out(self) -> None:
        inner = {"_dag_id": "d.s", "tasks": [{"task_id": "i"}]}
        tasks = [{"task_id": "s", "subdag": inner}, {"task_id": "b", "subdag": {"_dag_id": 3}}]
        found = list(project_all({"__version": 1, "dag": {"_dag_id": "d", "tasks": tasks}}))
        assert [s.dag["dag_id"] for s in found] == ["d", "d.s"]
        assert found[0].faults == ["tasks[1].subdag"]


class TestHashes:
    def test_stable_under_the_order_of_keys_and_tasks(self) -> None:
        tasks: list[dict[str, Any]] = [
            {"task_id": "a", "downstream_task_ids": ["b"], "retries": 2},
            {"task_id": "b"},
        ]
        turned: list[dict[str, Any]] = [
            {"task_id": "b"},
            {"retries": 2, "downstream_task_ids": ["b"], "task_id": "a"},
        ]
        assert with_tasks(*tasks) == with_tasks(*turned)

    def test_volatile_facts_do_not_count(self) -> None:
        one = with_tasks({"task_id": "a"}, start_date=1.0, doc_md="x", version=2).dag
        other = with_tasks({"task_id": "a", "op_args": [1]}, start_date=2.0, version=3).dag
        assert one["structure_hash"] == other["structure_hash"]
        assert len(bytes.fromhex(one["structure_hash"])) == hashlib.sha256().digest_size

    def test_settings_change_the_structure_and_edges_the_graph(self) -> None:
        base = with_tasks({"task_id": "a"}, {"task_id": "b"}).dag
        retried = with_tasks({"task_id": "a", "retries": 1}, {"task_id": "b"}).dag
        linked = with_tasks({"task_id": "a", "downstream_task_ids": ["b"]}, {"task_id": "b"}).dag
        assert base["structure_hash"] != retried["structure_hash"]
        assert base["graph_hash"] == retried["graph_hash"] != linked["graph_hash"]
