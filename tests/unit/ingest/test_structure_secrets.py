"""The promise of the structure door, tried at random: what is not allow-listed never comes out."""

import contextlib
import json
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.airflow_db.structure import (
    DAG_SCHEMA,
    DEPENDENCY_SCHEMA,
    GROUP_SCHEMA,
    TASK_SCHEMA,
    DagStructure,
    StructureError,
    decode,
    project,
    project_all,
)

MARKER = "MaRk3R Secr3t!"  # no id, no code, no class path, no cron: only free text could hold it

# Keys whose texts are copied as they are: free text by design, so no marker is planted in them.
TEXT_KEYS = {
    "dag_id", "_dag_id", "task_id", "owner", "pool", "queue", "executor", "_operator_name", "tags",
    "name", "uri", "source", "target", "dependency_id",
}  # fmt: skip
DAG_KEYS = (
    "catchup", "schedule_interval", "timetable", "start_date", "end_date", "timezone", "params",
    "max_active_runs", "max_active_tasks", "dagrun_timeout", "deadline", "doc_md", "description",
    "default_args", "has_on_failure_callback", "dag_dependencies", "task_group", "_task_group",
    "dataset_triggers", "fileloc", "access_control", "edge_info", "owner_links",
)  # fmt: skip
TASK_KEYS = (
    "retries", "retry_delay", "trigger_rule", "weight_rule", "task_type", "_task_module", "sla",
    "start_date", "bash_command", "env", "op_args", "op_kwargs", "sql", "conf", "params", "deps",
    "partial_kwargs", "expand_input", "op_kwargs_expand_input", "mapped_kwargs", "executor_config",
    "resources", "on_failure_callback", "has_on_failure_callback", "start_trigger_args", "subdag",
    "external_dag_id", "external_task_id", "external_task_ids", "external_task_group_id", "mode",
    "trigger_dag_id", "execution_delta", "poke_interval", "timeout", "reschedule", "deferrable",
    "downstream_task_ids", "inlets", "outlets", "doc_md", "template_fields", "depends_on_past",
    "_is_mapped", "_is_sensor", "retry_exponential_backoff", "priority_weight",
)  # fmt: skip
INNER_KEYS = (
    "__var", "__type", "type", "value", "schema", "default", "enum", "title", "extra", "watchers",
    "objects", "children", "tooltip", "prefix_group_id", "is_mapped", "kwargs", "trigger_cls",
    "trigger_kwargs", "expression", "expressions", "delta", "interval", "asset_condition",
    "dataset_condition", "dependency_type", "label", "callback", "pod_override", "spec",
    "containers", "env", "requests", "limits", "cpu", "memory", "KubernetesExecutor", "minimum",
    "request_memory", "format", "pattern", "__class", "months", "days", "secret_key",
)  # fmt: skip

scalars = st.one_of(
    st.just(MARKER),
    st.just(f"x {MARKER} y"),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["asset", "asset_all", "dataset", "xcomref", "dict", "timedelta", "operator"]),
    st.sampled_from(["airflow.timetables.trigger.CronTriggerTimetable", "taskgroup", "integer"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(INNER_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
plain_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from((*sorted(TEXT_KEYS), *DAG_KEYS, *TASK_KEYS, *INNER_KEYS, "tasks")),
                st.text(max_size=3),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=40,
)
tasks = st.lists(
    st.builds(
        lambda number, fields: {**fields, "task_id": f"t{number}"},
        st.integers(0, 5),
        st.dictionaries(st.sampled_from(TASK_KEYS), anything, max_size=8),
    ),
    max_size=4,
)
documents = st.builds(
    lambda version, fields, tasks, defaults: {
        "__version": version,
        "client_defaults": defaults,
        "dag": {**fields, "dag_id": "d", "tasks": tasks},
    },
    st.one_of(st.sampled_from([1, 2, 3]), anything),
    st.dictionaries(st.sampled_from(DAG_KEYS), anything, max_size=8),
    tasks,
    anything,
)


def rows_of(structure: DagStructure) -> None:
    """The rows go through Arrow, whose schemas are closed."""
    for schema, rows in (
        (DAG_SCHEMA, [structure.dag]),
        (GROUP_SCHEMA, structure.groups),
        (TASK_SCHEMA, structure.tasks),
        (DEPENDENCY_SCHEMA, structure.dependencies),
    ):
        assert all(set(row) == set(schema.names) for row in rows)
        pa.Table.from_pylist(rows, schema=schema).validate(full=True)


def said(structure: DagStructure) -> str:
    rows = [structure.dag, structure.groups, structure.tasks, structure.dependencies]
    return json.dumps([rows, structure.faults], default=str)


def hiding_places() -> dict[str, Any]:
    """A document as Airflow writes it, with the marker wherever a user's value can be."""
    user: dict[str, Any] = {"__var": {MARKER: MARKER, "password": MARKER}, "__type": "dict"}
    schema: dict[str, Any] = dict.fromkeys(
        (*INNER_KEYS, "const", "examples", "description_md", "section"), MARKER
    )
    del schema["__var"], schema["__type"]
    asset: dict[str, Any] = {
        "__type": "asset",
        "name": "n",
        "uri": f"db://u:{MARKER.split()[0]}@h/?{MARKER}",
    }
    asset |= {"extra": user, "group": MARKER, "watchers": [user], "access_control": user}
    pod: dict[str, Any] = {
        "name": "base",
        "env": [MARKER],
        "command": [MARKER],
        "resources": {"claims": MARKER},
    }
    config: dict[str, Any] = {
        "pod_override": {"__var": {"spec": {"containers": [pod], "volumes": MARKER}}}
    }
    config |= {"KubernetesExecutor": {"image": MARKER, "request_cpu": MARKER}, MARKER: MARKER}
    task: dict[str, Any] = dict.fromkeys((*TASK_KEYS, "secret", MARKER), MARKER)
    task |= {"task_id": "t", "_is_mapped": True, "executor_config": config, "params": user}
    task |= {"partial_kwargs": {"op_kwargs": user, "retries": MARKER, "env": MARKER}}
    task |= {"expand_input": {"type": "dict-of-lists", "value": {"x": [MARKER], MARKER: [MARKER]}}}
    task |= {"subdag": {"_dag_id": "d.t", "tasks": [], "default_args": user, "doc_md": MARKER}}
    task |= {
        "outlets": [asset],
        "start_trigger_args": {"trigger_cls": MARKER, "trigger_kwargs": user},
    }
    plain: dict[str, Any] = {
        "task_id": "u",
        "on_failure_callback": MARKER,
        "external_task_ids": [MARKER, "ok"],
    }
    plain |= {"deps": [MARKER], "_is_sensor": True, "downstream_task_ids": ["t", MARKER]}
    dag: dict[str, Any] = dict.fromkeys((*DAG_KEYS, "secret", MARKER), MARKER)
    dag |= {"dag_id": "d", "tasks": [{"__var": task, "__type": "operator"}, plain]}
    dag |= {"params": [["p", {"__class": MARKER, "default": MARKER, "schema": schema}]]}
    dag |= {"timetable": {"__type": "airflow.timetables.X", "__var": {"asset_condition": asset}}}
    dag |= {"task_group": {"tooltip": MARKER, "children": {"t": ["operator", "t"]}}}
    dag |= {"deadline": [{"__var": {"callback": user, "interval": MARKER}}, MARKER]}
    link = {"source": "d", "target": MARKER, "dependency_type": "trigger", "label": MARKER}
    dag |= {"dag_dependencies": [link, {**link, "dependency_type": MARKER}]}
    return {"__version": 3, "dag": dag, "client_defaults": {"tasks": {"sql": MARKER}}, "x": MARKER}


def test_no_marker_comes_out_of_the_known_hiding_places() -> None:
    structures = list(project_all(hiding_places()))
    assert [s.dag["dag_id"] for s in structures] == ["d", "d.t"]
    for structure in structures:
        rows_of(structure)
        assert "MaRk3R" not in said(structure)
    assert json.loads(structures[0].dag["asset_condition"])["uri"] == "db://h/"
    assert structures[0].dag["params_schema"] == '[{"has_default":true,"name":"p"}]'


@settings(max_examples=400, deadline=None)
@given(documents)
def test_no_marker_comes_out_of_any_place(document: dict[str, Any]) -> None:
    for structure in project_all(document):
        rows_of(structure)
        assert "MaRk3R" not in said(structure)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["dag", "__version", "client_defaults"]), plain_json))
def test_any_json_is_projected_or_refused(document: dict[str, Any]) -> None:
    with contextlib.suppress(StructureError):
        rows_of(project(document))


@settings(max_examples=300, deadline=None)
@given(plain_json)
def test_any_fields_of_a_dag_are_projected(fields: Any) -> None:
    dag = {**(fields if isinstance(fields, dict) else {"tasks": fields}), "dag_id": "d"}
    dag.pop("__var", None)  # else it would be an envelope around another DAG
    rows_of(project({"__version": 3, "dag": dag}))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.none(), st.text(), st.binary()), st.one_of(st.none(), st.binary()))
def test_any_columns_are_decoded_or_refused(data: Any, compressed: bytes | None) -> None:
    with contextlib.suppress(StructureError):
        assert isinstance(decode(data, compressed), dict)


@settings(max_examples=100, deadline=None)
@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(document: dict[str, Any], random: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: turned(value[key]) for key in keys}
        return [turned(item) for item in value] if isinstance(value, list) else value

    one, other = project(document), project(turned(document))
    assert one.dag == other.dag
    assert (one.tasks, one.groups, one.dependencies) == (
        other.tasks,
        other.groups,
        other.dependencies,
    )
