"""Datasets and assets: their condition tree, their URIs without credentials, DAG dependencies.

    timetable.__var.asset_condition | dataset_triggers ─► asset_condition ─► small JSON text
    dag.dag_dependencies | task fields (1.10, 2.0)     ─► dependencies    ─► rows

The `extra` of an asset, its watchers and its access control are free for users to fill: never read.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ingest.sources.airflow_db.structure.readers import (
    Unreadable,
    airflow_key,
    as_list,
    as_object,
    code,
    note,
    text,
)

MAX_DEPTH = 50
MAX_NODES = 10_000

_LABELS = r"[\w.\-]*(?:password|passwd|pwd|secret|token|api_?key|access_?key|credential)[\w.\-]*"
_NAMED = re.compile(rf"(?i){_LABELS}\s*[=:](?!//).*", re.DOTALL)
_URL_MASKS = (
    re.compile(r"(?<=://)[^\s/?#]*@"),  # user@, user:password@
    # a password that holds a slash or a question mark; but a port before a path with an @ is none
    re.compile(r"(?<=://)(?!(?:\[[^\]]*\]|[^\s/@:]*):\d*(?:[/?#]|$))[^\s/@:]*:[^\s@]*@"),
    re.compile(r"[?#;].*", re.DOTALL),  # query, fragment, JDBC properties
    _NAMED,
)
_TEXT_MASKS = (
    re.compile(r"[?;&#]\s*[\w.\-]+=.*", re.DOTALL),
    re.compile(r"[^\s/@:]+:[^\s@]+@"),  # user:password@host
    _NAMED,
)
_NODE_KINDS = {
    **{
        f"{family}_{tail}": kind
        for family in ("asset", "dataset")
        for tail, kind in (
            ("all", "all"),
            ("any", "any"),
            ("alias", "alias"),
            ("ref", "ref"),
            ("name_ref", "ref"),
            ("uri_ref", "ref"),
        )
    },
    "asset": "asset",
    "dataset": "asset",
}


def mask_uri(value: str) -> str:
    """A URI (or the name of an asset, which is its URI by default) without what may be a secret.

    Removed, not starred: user and password before the host, and everything from the first `?`, `#`
    or `;` (query, fragment, JDBC properties). What stays can be joined, for all parties to one
    asset are masked alike. A token that is part of the path cannot be told from a path.
    """
    for mask in _URL_MASKS if "://" in value else _TEXT_MASKS:
        value = mask.sub("", value)
    return value


def masked_uri(value: Any) -> str:
    """Reader of a URI or asset name."""
    return mask_uri(text(value))


def asset_condition(root: Any, faults: list[str]) -> str | None:
    """The condition under which assets trigger a DAG, as canonical JSON.

    Args:
        root: the node `asset_condition` or `dataset_condition` of a timetable, or the list
            `dataset_triggers` of 2.4 to 2.8, which means all of them.
        faults: gets `asset_condition` when the tree is malformed.

    Returns:
        `{"kind": "all" | "any", "objects": […]}`, `{"kind": "asset", "name", "uri"}`,
        `{"kind": "alias", "name"}` or `{"kind": "ref", "name" | "uri"}`; objects in a fixed order,
        for their order means nothing. None when there is no condition or it cannot be read.
    """
    if isinstance(root, (list, tuple)):
        root = {"__type": "dataset_all", "objects": root}
    if not root:
        return None
    try:
        tree = _node(root, MAX_DEPTH, [MAX_NODES])
    except Unreadable:
        note(faults, "dag.asset_condition")
        return None
    return canonical(tree)


def canonical(value: Any) -> str:
    """JSON text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _node(raw: Any, depth: int, budget: list[int]) -> dict[str, Any]:
    budget[0] -= 1
    if depth == 0 or budget[0] < 0 or not isinstance(raw, dict):
        raise Unreadable
    declared = raw.get("__type")
    kind = _NODE_KINDS.get(declared) if isinstance(declared, str) else None
    fields = as_object(raw) if isinstance(raw.get("__var"), dict) else raw
    if kind is None:
        raise Unreadable
    if kind in ("all", "any"):
        children = [_node(child, depth - 1, budget) for child in as_list(fields.get("objects"))]
        return {"kind": kind, "objects": sorted(children, key=canonical)}
    node = {"kind": kind}
    for name in ("name", "uri"):
        if fields.get(name) is not None:
            node[name] = masked_uri(fields[name])
    if len(node) == 1:
        raise Unreadable
    return node


def dependencies(
    dag_id: str, dag: Mapping[str, Any], tasks: list[dict[str, Any]], faults: list[str]
) -> list[dict[str, Any]]:
    """What this DAG takes from others and gives to others.

    Args:
        dag_id: the DAG.
        dag: its JSON object; `dag_dependencies` is looked at (2.1 and newer).
        tasks: its task rows, from which 1.10 and 2.0 are served (sensors and triggers only).
        faults: gets the names of what could not be read.

    Returns:
        Rows of DEPENDENCY_SCHEMA, sorted, without duplicates. A side that is a Jinja template (an
        external DAG id computed at run time) is None.
    """
    if "dag_dependencies" not in dag:
        rows = [row for task in tasks for row in _from_task(dag_id, task)]
    else:
        rows = []
        try:
            declared = as_list(dag["dag_dependencies"] or [])
        except Unreadable:
            note(faults, "dag.dag_dependencies")
            declared = []
        for position, raw in enumerate(declared):
            try:
                rows.append(_from_declared(dag_id, as_object(raw)))
            except Unreadable:
                note(faults, f"dag.dag_dependencies[{position}]")
    unique = {canonical(row): row for row in rows}
    return [unique[key] for key in sorted(unique)]


def _from_declared(dag_id: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    kind = code(text(raw.get("dependency_type")).replace("-", "_")).replace("_", "-")
    dependency, name, uri = _dependency_id(raw.get("dependency_id"))
    party = _dag if kind in ("sensor", "trigger") else masked_uri
    return {
        "dag_id": dag_id,
        "source": party(raw.get("source")),
        "target": party(raw.get("target")),
        "dependency_type": kind,
        "dependency_id": dependency,
        "asset_name": name,
        "asset_uri": uri if uri or kind not in ("dataset", "asset") else dependency,
    }


def _dag(raw: Any) -> str | None:
    """A DAG id; None for what is computed at run time."""
    value = text(raw)
    try:
        return airflow_key(value)
    except Unreadable:
        return None


def _dependency_id(raw: Any) -> tuple[str | None, str | None, str | None]:
    """(id, asset name, asset URI): from 3.0 the id of an asset is the JSON of its name and URI."""
    if raw is None:
        return None, None, None
    value = text(raw)
    if value.startswith("{"):
        try:
            key = json.loads(value)
            name, uri = masked_uri(key["name"]), masked_uri(key["uri"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Unreadable from None
        return canonical({"name": name, "uri": uri}), name, uri
    return mask_uri(value), None, None


def _from_task(dag_id: str, task: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    if task["external_dag_id"] and not str(task["operator"]).endswith("Marker"):
        rows.append((task["external_dag_id"], dag_id, "sensor"))
    if task["trigger_dag_id"]:
        rows.append((dag_id, task["trigger_dag_id"], "trigger"))
    return [
        {
            "dag_id": dag_id,
            "source": source,
            "target": target,
            "dependency_type": kind,
            "dependency_id": task["task_id"],
            "asset_name": None,
            "asset_uri": None,
        }
        for source, target, kind in rows
    ]
