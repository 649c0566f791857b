"""The graph inside one DAG: edges, depth, task groups.

tasks[].downstream_task_ids ─► edges_of  ─► upstream, downstream, depth of every task
task_group (nested)         ─► groups_of ─► group rows, the group of every task
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest.sources.airflow_db.structure.mapping import map_input
from ingest.sources.airflow_db.structure.readers import (
    Unreadable,
    as_list,
    as_object,
    identifier,
    note,
    unwrap,
)

MAX_GROUP_NODES = 200_000
_DOWNSTREAM_KEYS = ("downstream_task_ids", "_downstream_task_ids")  # the second up to 2.2


class Edges(NamedTuple):
    """Neighbours of every task, sorted, and its depth: None on or behind a cycle."""

    upstream: dict[str, list[str]]
    downstream: dict[str, list[str]]
    depth: dict[str, int | None]


class Groups(NamedTuple):
    """Group rows and, per task, the id of its innermost group."""

    rows: list[dict[str, Any]]
    group_of_task: dict[str, str]
    mapped_group_of_group: dict[str, str | None]
    is_prefixed: dict[str, bool]


def edges_of(tasks: Mapping[str, Mapping[str, Any]], faults: list[str]) -> Edges:
    """The edges of one DAG.

    Args:
        tasks: task_id -> its JSON object.
        faults: gets `tasks[<n>].downstream_task_ids` for entries that name no task of this DAG, and
            `tasks.cycle` when the edges go round.

    Returns:
        Both directions. Depth is the length of the longest chain of upstreams, 0 at a root: a
        topological order in which siblings are equal.
    """
    downstream: dict[str, list[str]] = {}
    upstream: dict[str, list[str]] = {task_id: [] for task_id in tasks}
    for position, (task_id, fields) in enumerate(tasks.items()):
        raw = unwrap(next((fields[key] for key in _DOWNSTREAM_KEYS if fields.get(key)), []))
        named = raw if isinstance(raw, (list, tuple)) else []
        known = {item for item in named if isinstance(item, str) and item in tasks}
        if named is not raw or not all(isinstance(item, str) and item in known for item in named):
            note(faults, f"tasks[{position}].downstream_task_ids")
        downstream[task_id] = sorted(known)
        for target in downstream[task_id]:
            upstream[target].append(task_id)
    for sources in upstream.values():
        sources.sort()
    return Edges(upstream, downstream, _depths(upstream, downstream, faults))


def _depths(
    upstream: Mapping[str, list[str]], downstream: Mapping[str, list[str]], faults: list[str]
) -> dict[str, int | None]:
    """Longest distance from a root, by Kahn's algorithm."""
    waiting = {task_id: len(sources) for task_id, sources in upstream.items()}
    reached = dict.fromkeys(upstream, 0)
    ready = [task_id for task_id, count in waiting.items() if count == 0]
    done: dict[str, int | None] = dict.fromkeys(upstream)
    while ready:
        task_id = ready.pop()
        done[task_id] = depth = reached[task_id]
        for target in downstream[task_id]:
            reached[target] = max(reached[target], depth + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    if None in done.values():
        note(faults, "tasks.cycle")
    return done


def groups_of(root: Any, task_ids: Mapping[str, Any], faults: list[str]) -> Groups:
    """The task groups of one DAG.

    Args:
        root: `task_group` (3.x) or `_task_group` (2.x); None in 1.10.
        task_ids: the tasks that exist.
        faults: gets `task_group` or `task_group.children`.

    Returns:
        Rows of GROUP_SCHEMA but for their `dag_id`, sorted by id, without the nameless root group.
        A group's id is its full id (`ingest.raw`), as Airflow keys it in its parent's children.
    """
    found, budget = Groups([], {}, {}, {}), MAX_GROUP_NODES
    stack: list[tuple[str | None, Any]] = [(None, root)] if root is not None else []
    while stack:
        group_id, raw = stack.pop()
        try:
            children = as_object(as_object(raw).get("children") or {})
        except Unreadable:
            note(faults, "task_group")
            continue
        for key, child in children.items():
            if (budget := budget - 1) < 0:
                note(faults, "task_group")
                return found
            try:
                kind, payload = as_list(child)
                child_id = identifier(key if kind == "taskgroup" else payload)
                if kind == "taskgroup":
                    _add_group(group_id, child_id, as_object(payload), found, faults)
                    stack.append((child_id, payload))
                elif kind != "operator" or child_id not in task_ids:
                    raise Unreadable
                elif group_id is not None:
                    found.group_of_task.setdefault(child_id, group_id)
            except (Unreadable, ValueError):
                note(faults, "task_group.children")
    found.rows.sort(key=lambda row: str(row["task_group_id"]))
    return found


def _add_group(
    parent_id: str | None,
    group_id: str,
    fields: Mapping[str, Any],
    found: Groups,
    faults: list[str],
) -> None:
    if group_id in found.is_prefixed:
        raise Unreadable
    is_mapped = fields.get("is_mapped") is True or bool(fields.get("expand_input"))
    mapped = map_input(fields, "task_group", faults) if is_mapped else None
    outer = found.mapped_group_of_group.get(parent_id) if parent_id else None
    found.mapped_group_of_group[group_id] = group_id if is_mapped else outer
    found.is_prefixed[group_id] = fields.get("prefix_group_id") is not False
    found.rows.append(
        {
            "task_group_id": group_id,
            "parent_task_group_id": parent_id,
            "is_prefixed": found.is_prefixed[group_id],
            "is_mapped": is_mapped,
            "map_kind": mapped.kind if mapped else None,
            "map_literal_count": mapped.literal_count if mapped else None,
        }
    )
