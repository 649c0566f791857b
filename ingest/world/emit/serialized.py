"""Serialized DAGs, as a release writes them into `serialized_dag.data`.

    a row of dags + the tasks of one version  ->  body(…)  ->  JSON text

Only what a release writes for plain DAGs: defaults are left out where the release leaves them out.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_MODULES_2 = {
    "EmptyOperator": "airflow.operators.empty", "PythonOperator": "airflow.operators.python",
    "BashOperator": "airflow.operators.bash", "BranchPythonOperator": "airflow.operators.python",
    "ExternalTaskSensor": "airflow.sensors.external_task",
    "TriggerDagRunOperator": "airflow.operators.trigger_dagrun",
}
_MODULES_3 = {
    name: module.replace("airflow.", "airflow.providers.standard.", 1)
    for name, module in _MODULES_2.items()
}
_OTHER_MODULE = "lantern.airflow.operators"     # the company's own
_SENSOR_DEPS = ["airflow.ti_deps.deps.ready_to_reschedule.ReadyToRescheduleDep",
                "airflow.ti_deps.deps.trigger_rule_dep.TriggerRuleDep"]

Row = Mapping[str, Any]


def body(dag: Row, tasks: Sequence[Row], *, is_3: bool) -> str:
    """The JSON of one version of a DAG.

    Args:
        dag: a row of the company's `dags`.
        tasks: rows of its `tasks` of that version.
        is_3: in the form of Airflow 3, else that of 2.10.
    """
    downstream: dict[str, list[str]] = {t["task_id"]: [] for t in tasks}
    for task in tasks:
        for upstream in task["upstream_task_ids"] or ():
            downstream[upstream].append(task["task_id"])
    write = _task_3 if is_3 else _task_2
    operators = [{"__var": write(dag, t, sorted(downstream[t["task_id"]])), "__type": "operator"}
                 for t in tasks]
    fields: dict[str, Any] = {
        "dag_id" if is_3 else "_dag_id": dag["dag_id"],
        "task_group" if is_3 else "_task_group": _group(tasks),
        "fileloc": fileloc(dag), "timezone": "UTC", "edge_info": {}, "params": [],
        "start_date": dag["start_at"].timestamp() if dag["start_at"] else None,
        "end_date": dag["end_at"].timestamp() if dag["end_at"] else None,
        "tags": sorted(dag["tags"] or ()), "catchup": dag["catchup"],
        "max_active_runs": dag["max_active_runs"], "description": dag["description"],
        "max_active_tasks" if is_3 else "_max_active_tasks": dag["max_active_tasks"],
        "_processor_dags_folder": "/opt/airflow/dags", "tasks": operators,
        "dag_dependencies": _dependencies(dag, tasks, is_3=is_3),
        **_schedule(dag, is_3=is_3),
    }
    if is_3:
        fields["relative_fileloc"] = dag["relative_fileloc"]
    kept = {k: v for k, v in fields.items() if v is not None or k == "schedule_interval"}
    return json.dumps({"__version": 3 if is_3 else 1, "dag": kept}, sort_keys=True)


def fileloc(dag: Row) -> str:
    """Where the file of a DAG lies on the scheduler's disk."""
    return f"/opt/airflow/dags/{dag['relative_fileloc']}"


def _schedule(dag: Row, *, is_3: bool) -> dict[str, Any]:
    uris = dag["asset_uris"] or []
    if not is_3 and uris:
        condition = {"__type": "dataset_all",
                     "objects": [{"__type": "dataset", "uri": u, "extra": {}} for u in uris]}
        return {"timetable": {"__type": "airflow.timetables.simple.DatasetTriggeredTimetable",
                              "__var": {"dataset_condition": condition}}}
    if not is_3:
        return {"schedule_interval": dag["schedule"]}
    if uris:
        condition = {"__type": "asset_all", "objects": [
            {"__type": "asset", "name": u, "uri": u, "group": "asset", "extra": {}} for u in uris]}
        return {"timetable": {"__type": "airflow.timetables.simple.AssetTriggeredTimetable",
                              "__var": {"asset_condition": condition}}}
    if dag["schedule"] is None:
        return {"timetable": {"__type": "airflow.timetables.simple.NullTimetable", "__var": {}}}
    return {"timetable": {"__type": "airflow.timetables.trigger.CronTriggerTimetable", "__var": {
        "expression": dag["schedule"], "timezone": "UTC", "interval": 0.0,
        "run_immediately": False}}}


def _group(tasks: Sequence[Row]) -> dict[str, Any]:
    return {"_group_id": None, "prefix_group_id": True, "tooltip": "",
            "children": {t["task_id"]: ["operator", t["task_id"]] for t in tasks},
            "upstream_group_ids": [], "downstream_group_ids": [], "upstream_task_ids": [],
            "downstream_task_ids": []}


def _task_2(dag: Row, task: Row, downstream: list[str]) -> dict[str, Any]:
    operator = task["operator"]
    fields = {"pool": task["pool"], "is_setup": False, "is_teardown": False,
              "weight_rule": "downstream", **_common(dag, task)}
    if task["is_sensor"]:
        fields |= {"reschedule": False, "deps": _SENSOR_DEPS}
    known = {"task_id": task["task_id"], "_task_type": operator, "downstream_task_ids": downstream,
             "_task_module": _MODULES_2.get(operator, _OTHER_MODULE)}
    return _assembled(task, fields, known)


def _task_3(dag: Row, task: Row, downstream: list[str]) -> dict[str, Any]:
    operator = task["operator"]
    fields = _common(dag, task)
    if task["pool"] != "default_pool":
        fields["pool"] = task["pool"]
    if task["is_sensor"]:
        fields |= {"_is_sensor": True}
    known = {"task_id": task["task_id"], "task_type": operator,
             "_task_module": _MODULES_3.get(operator, _OTHER_MODULE)}
    if downstream:
        known["downstream_task_ids"] = downstream
    return _assembled(task, fields, known)


def _assembled(task: Row, fields: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Mapped tasks keep what their author said in `partial_kwargs`."""
    if not task["is_mapped"]:
        return {**fields, **known}
    source = (task["upstream_task_ids"] or [task["task_id"]])[0]
    reference = {"__var": {"task_id": source, "key": "return_value"}, "__type": "xcomref"}
    inputs = {"type": "dict-of-lists",
              "value": {"__var": {"part": reference}, "__type": "dict"}}
    return {**known, "_is_mapped": True, "partial_kwargs": fields,
            "op_kwargs_expand_input": inputs, "_expand_input_attr": "op_kwargs_expand_input"}


def _common(dag: Row, task: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {"owner": dag["owner"], "retry_delay": task["retry_delay_seconds"]}
    defaults = {"retries": 0, "trigger_rule": "all_success", "pool_slots": 1, "queue": "default",
                "priority_weight": 1, "depends_on_past": False, "external_dag_id": None,
                "trigger_dag_id": None}
    fields |= {n: task[n] for n, default in defaults.items() if task[n] not in (None, default)}
    if task["external_task_id"]:
        fields["external_task_ids"] = [task["external_task_id"]]
    if task["operator"] == "EmptyOperator":
        fields["_is_empty"] = True
    if task["requested_cpu_cores"] is not None:
        asked = {"request_cpu": f"{round(task['requested_cpu_cores'] * 1000)}m",
                 "request_memory": f"{task['requested_memory_bytes'] // 2**20}Mi"}
        fields["executor_config"] = {"__type": "dict", "__var": {
            "KubernetesExecutor": {"__type": "dict", "__var": asked}}}
    return fields


def _dependencies(dag: Row, tasks: Sequence[Row], *, is_3: bool) -> list[dict[str, Any]]:
    kind = "asset" if is_3 else "dataset"

    def asset(source: str, target: str, uri: str) -> dict[str, Any]:
        name = json.dumps({"name": uri, "uri": uri}) if is_3 else uri
        return {"source": source, "target": target, "label": uri, "dependency_type": kind,
                "dependency_id": name}

    found = [asset(kind, dag["dag_id"], uri) for uri in dag["asset_uris"] or ()]
    for task in tasks:
        if task["external_dag_id"]:
            found.append({"source": task["external_dag_id"], "target": dag["dag_id"],
                          "dependency_type": "sensor", "dependency_id": task["task_id"]})
        if task["trigger_dag_id"]:
            found.append({"source": dag["dag_id"], "target": task["trigger_dag_id"],
                          "dependency_type": "trigger", "dependency_id": task["task_id"]})
        found += [asset(dag["dag_id"], kind, uri) for uri in task["outlet_assets"] or ()]
    return found
